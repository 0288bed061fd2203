"""Time series input: the whitened strain of each detector about the reference time, as in arXiv:1903.01998.

It is made from the same whitened data as the canonical input, on a grid whose bins are single native frequencies.
With K of them among the N / 2 of the series,

    x_d(t_n) = Re sum_k d_dk conj(c_k) exp(2 pi i f_k t_n) / sqrt(K),

c being the grid's carrier; noise then has unit variance in every sample. Data may be aligned first by what the template
search of the canonical input finds: to the arrival time t_d of each detector, and to the phase phi_d of its matched
filter. The series is then complex, with the real and the imaginary part of

    x_d(t_n) = sum_k d_dk conj(c_k) exp(2 pi i f_k (t_n + t_d) - i phi_d) / sqrt(K)

as its channels, and noise has unit variance in each. `representation.compressed` removes the template's phase as well.
"""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

import torch
from annotated_types import Gt, Le
from jaxtyping import Complex64, Float32
from torch import Tensor, nn

from chirpleaf.errors import InputError
from chirpleaf.representation.canonical import Canonical
from chirpleaf.representation.multiband import Multiband
from chirpleaf.system.constraints import FORBID_EXTRA, NonNegativeFloat, OpenFraction
from chirpleaf.tokens import TokenLayout, Tokens

Alignment: TypeAlias = Literal["none", "time", "phase", "template"]

USUAL_SNR = 10.0
"""Network SNR that scaled series are divided by; with it, the numbers of most of them are near one."""


@dataclass(frozen=True)
class SeriesSettings:
    """Length, rate and alignment of the time series.

    Attributes:
        rate: sampling rate, Hz. A higher one holds higher frequencies and costs time in proportion.
        n_samples: length of the series. A longer one holds more of the inspiral and costs time in proportion.
        before: share of the series that lies before the reference time.
        arrival: half width of the random shifts of the series in training, seconds: a network that has seen the merger
            at any of these times does not depend on an exact reference time, and spends filters on it.
        align: what is removed from the series of each detector before the network: nothing, the arrival time of the
            best template, its phase as well (the series is then complex, two channels), or all of the best template
            (pulse compression, `representation.compressed`). What is removed need not be learnt; from phase on,
            series of several detectors may be added.
        scale: whether the series are divided by the root of the network SNR over ten, so that loud and quiet signals
            have numbers of similar size. The SNR itself is then known to the network by the context alone.
        coherent: whether the series of a detector is multiplied by its share of the network SNR, so that the sum over
            the detectors has the greatest SNR. A network that adds the detectors should have it.
        context: whether the network also has the shapes of the noise spectra, the SNR, arrival times and phases of
            each detector, and the parameters of the best template, as in the canonical input.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    rate: Annotated[int, Gt(0), Le(2**20)]
    n_samples: Annotated[int, Gt(0), Le(2**22)]
    before: OpenFraction = 0.75
    arrival: NonNegativeFloat = 0.1
    align: Alignment = "none"
    scale: bool = False
    coherent: bool = False
    context: bool = False

    @property
    def n_channels(self) -> int:
        """Channels of a detector: one, or the real and the imaginary part."""
        return 2 if self.align in ("phase", "template") else 1


class SeriesInput(nn.Module):
    """Turns whitened data into whitened time series.

    Args:
        grid: a grid of single native frequencies.
        settings: length, rate and alignment of the series.

    Raises:
        InputError: the grid combines frequencies, or reaches above half the rate, or its segment is shorter than the
            series.

    Example:
        >>> grid = Multiband(4.0, chirp_mass_min=12.0, chirp_mass_max=88.0, widest=0.25, fold=1)
        >>> series = SeriesInput(grid, SeriesSettings(rate=2048, n_samples=2048))
        >>> series(torch.zeros(3, 2, grid.n_bins, dtype=torch.complex64)).shape
        torch.Size([3, 2, 2048])
    """

    phase_factors: Tensor
    frequencies: Tensor

    def __init__(self, grid: Multiband, settings: SeriesSettings) -> None:
        super().__init__()
        rate, n_samples = settings.rate, settings.n_samples
        length = round(rate * grid.duration)
        if grid.n_bins != len(grid.native_frequencies):
            raise InputError(
                f"expected a grid of single frequencies; got {grid.n_bins} bins of {len(grid.native_frequencies)}: "
                f"set widest to {grid.delta_f:g} and fold to 1"
            )
        if grid.frequencies[-1] >= rate / 2 or n_samples > length:
            raise InputError(
                f"expected at least {2 * grid.frequencies[-1]:g} samples a second, and at most {length} of them; got "
                f"{n_samples} at {rate} Hz: lower maximum_frequency or n_samples"
            )
        self.grid, self.settings = grid, settings
        self.rate, self.n_samples, self.length = rate, n_samples, length
        self.arrival = settings.arrival
        self.first, self.start = int(grid.edges[0]), -round(settings.before * n_samples)
        phase_factors = torch.from_numpy(grid.carrier(grid.frequencies)).conj() * (length / 2 / math.sqrt(grid.n_bins))
        self.register_buffer("phase_factors", phase_factors.to(torch.complex64), persistent=False)
        self.register_buffer("frequencies", torch.from_numpy(grid.frequencies).float(), persistent=False)

    @property
    def times(self) -> Float32[Tensor, " time"]:
        """Times of the samples after the reference time, seconds."""
        return (torch.arange(self.n_samples) + self.start) / self.rate

    def forward(
        self,
        data: Complex64[Tensor, "batch detector bin"],
        generator: torch.Generator | None = None,
        canonical: Canonical | None = None,
    ) -> Float32[Tensor, "batch detector time"]:
        """The series of each detector; a complex one is the real part followed by the imaginary part.

        Args:
            data: whitened data on the grid, of unit noise variance.
            generator: shifts each example by a random time, all its detectors alike; without it, none is shifted.
            canonical: what the template search found in these data; not needed without alignment.
        """
        align = self.settings.align
        if generator is not None and self.arrival > 0:
            data = data * _rotate(self.frequencies, -draw_shifts(len(data), self.arrival, generator))
        if align != "none":
            assert canonical is not None
            phase = canonical.phase[..., None] if align == "phase" else None
            data = data * _rotate(self.frequencies, canonical.time[..., None], phase)
        spectrum = data.new_zeros(*data.shape[:-1], self.length // 2 + 1)
        spectrum[..., self.first : self.first + self.grid.n_bins] = data * self.phase_factors
        parts = (spectrum, -1j * spectrum) if align == "phase" else (spectrum,)
        series = (torch.fft.irfft(part, n=self.length).roll(-self.start, dims=-1) for part in parts)
        return torch.cat([part[..., : self.n_samples] for part in series], dim=-1)


def draw_shifts(n: int, arrival: float, generator: torch.Generator) -> Float32[Tensor, "batch 1 1"]:
    """Draws the random shift of each example.

    Args:
        n: number of examples.
        arrival: half width of the uniform shifts, seconds.
        generator: source of randomness.

    Returns:
        Times, shape (n, 1, 1), seconds.
    """
    return arrival * (2 * torch.rand(n, 1, 1, generator=generator) - 1)


def _rotate(frequencies: Tensor, times: Tensor, phase: Tensor | None = None) -> Tensor:
    """Factors exp(2 pi i f t - i phi) that move data earlier by t and remove the phase phi."""
    angle = 2 * torch.pi * frequencies * times
    return torch.polar(torch.ones(()), angle if phase is None else angle - phase)


def layout_tokens(settings: SeriesSettings, canonical: TokenLayout) -> TokenLayout:
    """Sizes of the tokens of series: the samples of each channel and, with context, what the canonical input adds.

    Args:
        settings: length, rate and alignment of the series.
        canonical: sizes of the tokens of the canonical input, whose first section is its series.

    Returns:
        The sizes; without context a token is the series alone.
    """
    length = settings.n_channels * settings.n_samples
    if not settings.context:
        return TokenLayout(canonical.n_detectors, (length,))
    return TokenLayout(canonical.n_detectors, (length, *canonical.sections[1:]), canonical.n_shared)


def make_tokens(
    series: Float32[Tensor, "batch detector time"], canonical: Canonical, settings: SeriesSettings, n_bands: int
) -> Tokens:
    """Scales series and adds the context.

    Args:
        series: series of unit noise variance, shape (batch, detector, channel x time).
        canonical: what the template search found in the same data.
        settings: which of these is done.
        n_bands: bands of the canonical series.

    Returns:
        Tokens of `layout_tokens`; zero where a detector is absent.
    """
    tokens, snr = canonical.tokens, canonical.snr
    network_snr = snr.square().sum(-1, keepdim=True).sqrt()
    if settings.scale:
        series = series / (network_snr[..., None] / USUAL_SNR).sqrt()
    if settings.coherent:
        series = series * (snr / network_snr)[..., None]
    if not tokens.present.all():
        series = torch.where(tokens.present[..., None], series, 0.0)
    if not settings.context:
        return Tokens.from_values(series, tokens.present)
    return tokens._replace(values=torch.cat([series, tokens.values[..., 2 * n_bands :]], dim=-1))
