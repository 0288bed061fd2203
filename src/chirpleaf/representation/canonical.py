"""Canonical input: the data relative to the template that fits them best.

A small template bank finds the best template (shared by the detectors) and, per detector, its arrival time and phase.
The data are shifted, rotated and heterodyned by it, which leaves a slowly varying complex series per detector whose
expectation is real where the template is right. Everything that the alignment removes (template, times, phases,
signal-to-noise ratios) is part of the input, so no information is lost. The input is a deterministic function of the
data, so a density that is learnt on it is an exact amortised posterior.

With multiband data d_j, anchor a_gj, inspiral envelope e_j and relative weights r_j = w_j / w_j^ref, the bands c hold

    y_gc = sum_{j in c} d_j r_j e_j conj(a_gj),        n_c^2 = sum_{j in c} (r_j e_j)^2,

template k of group g with ratio q_kc, delayed by t, has the matched-filter output

    z_k(t) = sum_c y_gc conj(q_kc) exp(2 pi i f_c t) / sqrt(sum_c |q_kc|^2 n_c^2),

and the canonical series is x_c = y_gc conj(q_kc / |q_kc|) exp(2 pi i f_c t - i phi) / n_c, of unit noise variance in
its real and in its imaginary part.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Complex64, Float32, Int64
from torch import Tensor, nn

from chirpleaf.representation.factors import as_real, factorise_filters
from chirpleaf.representation.multiband import FloatArray, Multiband
from chirpleaf.representation.peaks import locate_peaks
from chirpleaf.representation.templates import TemplateBank, envelope
from chirpleaf.tokens import TokenLayout, Tokens

Data = Complex64[Tensor, "batch detector bin"]
Weights = Float32[Tensor, "batch detector bin"]
Present = Bool[Tensor, "batch detector"]

_CHUNK = 16
"""Examples searched at a time, few enough that their bands stay in the processor's cache."""
_LEAST_NORM = 1e-30
"""Lower bound of a template's squared norm, so that an absent detector adds nothing to the search."""


class Canonical(NamedTuple):
    """The network's input, and the properties of the best template that were removed from the data.

    Attributes:
        tokens: network input, a token for each detector.
        template: index of the best template, shape (batch,).
        snr: peak matched-filter signal-to-noise, shape (batch, detector).
        time: arrival time relative to the reference time, shape (batch, detector), seconds.
        phase: phase of the matched filter at the peak, shape (batch, detector), rad.
    """

    tokens: Tokens
    template: Int64[Tensor, " batch"]
    snr: Float32[Tensor, "batch detector"]
    time: Float32[Tensor, "batch detector"]
    phase: Float32[Tensor, "batch detector"]

    def select(self, rows: slice) -> "Canonical":
        """The canonical input of some examples of the batch."""
        return Canonical(self.tokens.select(rows), *(part[rows] for part in self[1:]))


class _Peak(NamedTuple):
    """Matched filters at their peaks, row by row: signal-to-noise, time and phase."""

    snr: Tensor
    time: Tensor
    phase: Tensor


class CanonicalInput(nn.Module):
    """Turns whitened multiband data into the canonical network input.

    Its buffers follow from the grid, the bank and the reference weights, which the model file holds.

    Args:
        grid: the multiband grid.
        bank: the templates on that grid.
        reference_weights: whitening weights of a reference detector, shape (n_bins,), Hz; only their shape matters.
        n_detectors: number of detectors.
        bfloat16: whether the search multiplies by its filters in bfloat16, as training may. Of two templates that fit
            almost equally well, it may then choose the other one.
        reach: longest time between arrivals in two detectors, shape (n_detectors, n_detectors), seconds. Arrivals in a
            detector are searched within its longest time to the detectors that are present. None searches the whole
            window in every detector.
        window: half width of the searched arrival times, seconds; the longest time of `reach` if there is one.
        step: their spacing, seconds.
    """

    times: Tensor
    fine_times: Tensor
    reach: Tensor
    fine_shifts: Tensor
    band_frequencies: Tensor
    amplitude: Tensor
    log_height: Tensor
    anchors: Tensor
    filters: Tensor
    expansion: Tensor
    ratios: Tensor
    ratio_power: Tensor
    template_phase: Tensor
    chirp_mass: Tensor
    chi_eff: Tensor

    def __init__(
        self,
        grid: Multiband,
        bank: TemplateBank,
        reference_weights: FloatArray,
        *,
        n_detectors: int = 2,
        bfloat16: bool = False,
        reach: FloatArray | None = None,
        window: float = 0.014,
        step: float = 0.002,
    ) -> None:
        super().__init__()
        self.grid, self.bank, self.reference_weights = grid, bank, reference_weights
        self.n_detectors, self.in_bfloat16 = n_detectors, bfloat16
        self.n_bands, self.fold = grid.n_bands, grid.fold
        n_steps = round(window / step) if reach is None else int(np.ceil(reach.max() / step))
        times = np.arange(-n_steps, n_steps + 1) * step
        amplitude = envelope(grid.frequencies) * reference_weights
        amplitude = amplitude / np.sqrt(np.sum(amplitude**2))
        heights = np.sqrt((amplitude**2).reshape(self.n_bands, self.fold).sum(axis=1))
        shifts = np.exp(2j * np.pi * np.outer(times, grid.band_frequencies))
        n_groups, per_group = bank.chirp_mass.shape
        filters = bank.ratios.conj()[:, :, None] * shifts
        filters = filters.reshape(n_groups, per_group * len(times), grid.n_bands)
        narrow, wide = factorise_filters(filters, heights)
        strength = np.abs(bank.ratios)
        phases = np.where(strength > 1e-6, bank.ratios / np.maximum(strength, 1e-6), 1.0)
        anchors = bank.anchors.conj().reshape(n_groups, self.n_bands, self.fold).swapaxes(0, 1)

        fine_times = np.linspace(times[0], times[-1], 4 * n_steps + 1)
        self._buffer("times", times)
        self._buffer("fine_times", fine_times)
        self._buffer("reach", np.full((n_detectors, n_detectors), np.inf) if reach is None else reach)
        self._buffer(
            "fine_shifts", np.exp(2j * np.pi * np.outer(grid.band_frequencies, fine_times)), dtype=torch.complex64
        )
        self._buffer("band_frequencies", grid.band_frequencies)
        self._buffer("amplitude", amplitude)
        self._buffer("log_height", np.log(heights))
        self._buffer("anchors", as_real(anchors).reshape(self.n_bands, 2 * n_groups, -1))
        self._buffer("filters", as_real(narrow).swapaxes(1, 2).reshape(n_groups, -1, 2 * self.n_bands))
        self._buffer("expansion", as_real(wide).reshape(n_groups, 2 * per_group * len(times), -1))
        self._buffer("ratios", bank.ratios.reshape(-1, self.n_bands), dtype=torch.complex64)
        self._buffer("ratio_power", (strength**2).reshape(-1, self.n_bands))
        self._buffer("template_phase", phases.reshape(-1, self.n_bands).conj(), dtype=torch.complex64)
        self._buffer("chirp_mass", bank.chirp_mass.ravel())
        self._buffer("chi_eff", bank.chi_eff.ravel())

    def _buffer(self, name: str, values: np.ndarray, dtype: torch.dtype = torch.float32) -> None:
        self.register_buffer(name, torch.as_tensor(np.ascontiguousarray(values)).to(dtype), persistent=False)

    @property
    def layout(self) -> TokenLayout:
        """Sizes of the tokens: series (real, imaginary), shape of the spectrum, and five scalars; two are shared."""
        sections = (2 * self.n_bands, self.n_bands, 1, 1, 1, 1, 1)
        return TokenLayout(self.n_detectors, sections, n_shared=2, shared_after=2)

    def forward(self, data: Data, weights: Weights, present: Present | None = None) -> Canonical:
        """Searches, aligns and heterodynes.

        Args:
            data: whitened multiband data, shape (batch, detector, n_bins), unit noise variance; zero where a detector
                is absent.
            weights: whitening weights over the reference weights, same shape; zero where a detector is absent.
            present: whether each detector is present, shape (batch, detector); all are when None.

        Returns:
            The canonical input. Signal-to-noise ratio, time and phase are zero where a detector is absent.
        """
        if present is None:
            present = torch.ones(data.shape[:2], dtype=torch.bool)
        rows, complete = present.flatten().nonzero()[:, 0], bool(present.all())
        example = rows // present.shape[1]

        def gather(values: Tensor) -> Tensor:
            """Values of the present detectors, shape (row, ...), of values of shape (batch, detector, ...)."""
            return values.flatten(0, 1) if complete else values.flatten(0, 1)[rows]  # no copy where none is absent

        weighted = gather(weights) * self.amplitude
        power = weighted.square().unflatten(-1, (self.n_bands, self.fold)).sum(-1)
        parts = torch.view_as_real(gather(data)) * weighted[..., None]
        limit = gather(torch.where(present[:, None], self.reach, 0.0).amax(2))
        template, chosen = self._search(parts, power, limit, present, example)
        peak = self._peak(chosen, power, limit, template[example])
        angle = 2 * torch.pi * self.band_frequencies * peak.time[:, None] - peak.phase[:, None]
        twist = torch.polar(power.rsqrt(), angle)

        def spread(values: Tensor) -> Tensor:
            """Values of the present detectors as (batch, detector, ...), zero where a detector is absent."""
            if complete:
                return values.unflatten(0, present.shape)
            whole = values.new_zeros(present.numel(), *values.shape[1:])
            return whole.index_copy(0, rows, values).unflatten(0, present.shape)

        places = (spread(values) for values in (peak.snr, peak.time, peak.phase))
        canonical = Canonical(Tokens.from_values(weights.new_zeros(*present.shape, 0), present), template, *places)
        series = spread(chosen) * self.template_phase[template][:, None] * spread(twist)
        return canonical._replace(tokens=self._tokens(series, spread(power), canonical))

    def _search(
        self, parts: Tensor, power: Tensor, limit: Tensor, present: Tensor, example: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The template with the greatest sum over detectors of peak z^2, (batch,), and its group's y_gc, (row, band).

        The rows are the detectors that are present, example by example; arrivals are searched up to `limit`, (row,).
        """
        dtype = torch.bfloat16 if self.in_bfloat16 else torch.float32
        filters, expansion = self.filters.to(dtype), self.expansion.to(dtype)
        sizes = [int(part.sum()) for part in present.split(_CHUNK)]
        found = []
        starts = range(0, len(present), _CHUNK)
        chunks = (values.split(sizes) for values in (parts, power, limit, example))
        for start, part, strength, furthest, number in zip(starts, *chunks, strict=True):
            n = min(_CHUNK, len(present) - start)
            found.append(self._search_chunk(part, strength, furthest, number - start, n, filters, expansion))
        template, chosen = (torch.cat(parts) for parts in zip(*found, strict=True))
        return template, chosen

    def _search_chunk(
        self, parts: Tensor, power: Tensor, limit: Tensor, example: Tensor, n: int, filters: Tensor, expansion: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The same for the rows of n examples; `example` counts from the first of them."""
        bands = self._bands(parts)
        factors = torch.bmm(filters, bands.flatten(0, 1).transpose(0, 1).to(filters.dtype))
        outputs = torch.bmm(expansion, factors).float().square_().unflatten(1, (2, -1)).sum(1)
        outputs = outputs.unflatten(1, (-1, len(self.times)))
        if not limit.isinf().all():
            outputs *= self.times.abs()[:, None] <= limit
        peaks = outputs.amax(2)
        norms = (self.ratio_power @ power.T).clamp_min(_LEAST_NORM)
        heights = peaks.flatten(0, 1) / norms
        template = heights.new_zeros(len(heights), n).index_add_(1, example, heights).argmax(0)
        group = (template // peaks.shape[1])[example]
        chosen = bands[:, :, group, torch.arange(len(example))]
        return template, torch.view_as_complex(chosen.permute(2, 0, 1).contiguous())

    def _bands(self, parts: Tensor) -> Tensor:
        """Real and imaginary parts of y_gc, shape (n_bands, 2, group, n), of data of shape (n, n_bins, 2)."""
        by_band = parts.reshape(len(parts), self.n_bands, 2 * self.fold).permute(1, 2, 0)
        return torch.bmm(self.anchors, by_band).unflatten(1, (2, -1))

    def _peak(self, chosen: Tensor, power: Tensor, limit: Tensor, template: Tensor) -> "_Peak":
        """The matched filter at the peak of the chosen templates, row by row."""
        ratios = self.ratios[template]
        filtered = chosen * ratios.conj()
        height = (filtered @ self.fine_shifts).abs()
        index, offset = locate_peaks(height.masked_fill_(self.fine_times.abs() > limit[:, None], 0.0))
        time = self.fine_times[index] + offset * (self.fine_times[1] - self.fine_times[0])
        angle = 2 * torch.pi * self.band_frequencies * time[..., None]
        peak = (filtered * torch.polar(torch.ones_like(angle), angle)).sum(-1)
        norm = (power * self.ratio_power[template]).sum(-1).sqrt()
        return _Peak(peak.abs() / norm, time, peak.angle())

    def _tokens(self, series: Tensor, power: Tensor, canonical: Canonical) -> Tokens:
        """Series scaled by the signal-to-noise ratio, shapes of the spectra, and properties of the template."""
        present = canonical.tokens.present
        snr, time, phase, template = canonical.snr, canonical.time, canonical.phase, canonical.template
        network_snr = snr.square().sum(-1, keepdim=True).sqrt()
        scaled = torch.view_as_real(series / (network_snr[..., None] / 10).sqrt()).flatten(2)
        spectrum = torch.where(present[..., None], 0.5 * power.log() - self.log_height, 0.0)
        n_present = present.sum(1, keepdim=True)
        spectrum = spectrum - spectrum.sum((1, 2), keepdim=True) / (n_present * self.n_bands)[..., None]
        turn = phase - phase.gather(1, present.int().argmax(1, keepdim=True))
        scalars = [
            snr.log() - 2.5,
            (time - time.sum(1, keepdim=True) / n_present) / 0.005,
            turn.cos(),
            turn.sin(),
            spectrum.mean(-1),
        ]
        values = torch.cat([scaled, spectrum, torch.stack(scalars, dim=-1)], dim=-1)
        log_mass = self.chirp_mass.log()
        extent = log_mass.max() - log_mass.min()
        shared = [2 * (log_mass[template] - log_mass.min()) / extent - 1, self.chi_eff[template]]
        return Tokens(torch.where(present[..., None], values, 0.0), torch.stack(shared, dim=-1), present)
