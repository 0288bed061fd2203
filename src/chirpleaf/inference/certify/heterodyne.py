"""Heterodyned likelihood (relative binning): the likelihood of a waveform from its values at a hundred frequencies.

A signal is a sum of few frequency series h_s (`physics.signals`). The ratio r_s(f) = h_s(f) / h_s0(f) of a series to
that of a reference (`SignalModel.reference_series`) that fits the data is smooth, so its values r_se at a hundred nodes
f_e determine it (arXiv:1806.08792, where straight lines join them; here, cubic polynomials through the four nearest).
The reference is a waveform that is extended beyond its end: its phase continues with the last slope, and its amplitude
stays above a tenth of an inspiral's. The ratios of signals that reach higher frequencies are then smooth as well. With
<a|b> = 4 df sum a conj(b) / S over native frequencies,

    <d|h_s>_d(t)  = sum_e C_dse conj(r_se exp(-2 pi i f_e (t - t_d))),
    <h_s|h_u>_d   = sum_e B_dsue r_se conj(r_ue),

where C and B are sums over the data that are computed once. All h_s are at 1 Mpc with phase zero; t is the arrival at
the detector.
"""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from jaxtyping import Bool, Complex64, Complex128, Float64, Int64

from chirpleaf.inference.certify.likelihood_settings import HeterodyneSettings
from chirpleaf.inference.certify.orientation_fit import fit_orientations
from chirpleaf.inference.matched_filter import peak_times
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.signals import SignalModel
from chirpleaf.representation.templates import envelope, phase_factor
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.strain import Spectrum

_POWERS = np.array([-5 / 3, -2 / 3, 1.0, 5 / 3, 7 / 3])
"""Powers of the frequency in the differences of phase between binaries: post-Newtonian and merger terms."""
_DEGREE = 3
"""Degree of the polynomials."""

Ratios = Complex128[np.ndarray, "n series node"]


def find_failures(series: Complex128[np.ndarray, "n series frequency"]) -> Bool[np.ndarray, " n"]:
    """Which binaries have a series that cannot be computed, whose values are all NaN.

    Args:
        series: series of a signal model, or their ratios, shape (n, S, F).
    """
    return np.isnan(series[:, :, 0]).any(axis=1)


@dataclass(frozen=True, eq=False)
class Heterodyne:
    """Sums over the data about a reference waveform.

    Attributes:
        frequencies: the nodes, shape (E,), Hz.
        signal: signal model.
        settings: settings of the nodes and of the alignment.
        reference: series h_s0 at the nodes, shape (S, E), 1/Hz.
        arrivals: arrival times t_d, shape (detector,), seconds after the segment's reference time.
        filters: C, shape (detector, S, E).
        power: B, shape (detector, S, S, E).
        represented: intrinsic parameters of the binaries that the nodes were made for, the reference first, shape (n,).
        reach: largest difference of the signal's arrival times from `arrivals` that the nodes allow, seconds.
    """

    frequencies: Spectrum
    signal: SignalModel
    settings: HeterodyneSettings
    reference: Complex128[np.ndarray, "series node"]
    arrivals: Float64[np.ndarray, " detector"]
    filters: Complex128[np.ndarray, "detector series node"]
    power: Complex128[np.ndarray, "detector series series node"]
    represented: Samples
    reach: float

    @classmethod
    def from_reference(
        cls,
        segment: Segment,
        reference: Samples,
        arrivals: Float64[np.ndarray, " detector"],
        signal: SignalModel,
        settings: HeterodyneSettings,
        *,
        reach: float | None = None,
    ) -> "Heterodyne":
        """Makes the sums.

        Args:
            segment: the data.
            reference: intrinsic parameters, each of shape (n,): first those of the reference, then of similar binaries
                whose signals the nodes must represent. Those whose waveform cannot be computed are left out.
            arrivals: arrival times of the reference, shape (detector,), seconds after the segment's reference time.
            signal: signal model.
            settings: settings of the nodes and of the alignment.
            reach: largest difference of the signal's arrival times from these, seconds; `settings.timing_error` if
                None.

        Returns:
            The heterodyned data.
        """
        reach = settings.timing_error if reach is None else reach
        waves = signal.series(reference, segment.frequencies, skip_failures=True)
        rows = np.flatnonzero(~find_failures(waves))
        first = {name: values[rows[:1]] for name, values in reference.items()}
        smooth, waves = signal.reference_series(first, segment.frequencies), waves[rows]
        strength = np.abs(waves).max(axis=1) / np.sqrt(segment.psd.min(axis=0))
        strength = np.quantile(strength / strength.max(axis=1, keepdims=True), settings.band_share, axis=0)
        end = np.flatnonzero(strength > settings.band_floor)[-1] + 1
        frequencies, strain, psd = segment.frequencies[:end], segment.strain[:, :end], segment.psd[:, :end]
        wave = np.stack([_continue(frequencies, one, settings.amplitude_floor) for one in smooth[:, :end]])
        dephasing = settings.dephasing * 2 / max(2, *signal.harmonics)
        nodes = _place_nodes(frequencies, dephasing, reach)
        nearest, weights = _cubic_weights(frequencies, frequencies[nodes])
        scale = 4 / segment.duration
        shift = np.exp(2j * np.pi * np.outer(arrivals, frequencies))
        product = (scale * strain / psd * shift)[:, None] * wave.conj()
        power = scale * (wave[:, None] * wave.conj()) / psd[:, None, None]
        filters, power = (_gather(values, nearest, weights, len(nodes)) for values in (product, power))
        return cls(frequencies[nodes], signal, settings, wave[:, nodes], arrivals, filters, power, reference, reach)

    def on_nodes(self, segment: Segment, settings: HeterodyneSettings) -> "Heterodyne":
        """The same data about the same reference, on other nodes.

        Args:
            segment: the data.
            settings: settings of the nodes.
        """
        return self.from_reference(segment, self.represented, self.arrivals, self.signal, settings, reach=self.reach)

    def compute_ratios(self, intrinsic: Samples) -> Ratios:
        """Ratios r of the series at the nodes.

        Args:
            intrinsic: intrinsic parameters, each of shape (n,).

        Returns:
            Shape (n, S, E); NaN for binaries whose waveform cannot be computed.
        """
        return self.signal.series(intrinsic, self.frequencies, skip_failures=True) / self.reference

    def compute_power(self, ratios: Ratios) -> Complex128[np.ndarray, "n detector series series"]:
        """<h_s|h_u> in each detector, at 1 Mpc for a response of one.

        Args:
            ratios: ratios of the waveforms, shape (n, S, E).
        """
        products = ratios[:, :, None] * ratios.conj()[:, None]
        # Matrix products over the nodes, for each pair of series.
        found = products.transpose(1, 2, 0, 3) @ self.power.transpose(1, 2, 3, 0)
        return found.transpose(2, 3, 0, 1)

    def dominant_power(self, ratios: Ratios) -> Float64[np.ndarray, "n detector"]:
        """<h|h> of the dominant series in each detector, at 1 Mpc for a response of one.

        Args:
            ratios: ratios of the waveforms, shape (n, S, E).
        """
        index = self.signal.dominant
        return np.abs(ratios[:, index]) ** 2 @ self.power[:, index, index].real.T

    def filter_dominant(
        self, ratios: Ratios, times: Float64[np.ndarray, " time"]
    ) -> Complex128[np.ndarray, "n detector time"]:
        """<d|h> of the dominant series in each detector.

        Args:
            ratios: ratios of the waveforms, shape (n, S, E).
            times: arrival times after the segment's reference time, shape (time,), seconds.
        """
        index = self.signal.dominant
        return np.stack(
            [
                (ratios[:, index].conj() * filters) @ np.exp(2j * np.pi * np.outer(self.frequencies, times - arrival))
                for filters, arrival in zip(self.filters[:, index], self.arrivals, strict=True)
            ],
            axis=1,
        )

    def fit_arrivals(
        self, ratios: Ratios, times: Float64[np.ndarray, " time"]
    ) -> Float64[np.ndarray, "n detector time"]:
        """Squared signal-to-noise ratio of arrival times in each detector, at the best orientation for it alone.

        Args:
            ratios: ratios of the waveforms, shape (n, S, E).
            times: arrival times after the segment's reference time, shape (time,), seconds.
        """
        shifts = (np.exp(2j * np.pi * np.outer(self.frequencies, times - arrival)) for arrival in self.arrivals)
        power = self.compute_power(ratios)
        return np.stack([self._fit(ratios, power, index, one) for index, one in enumerate(shifts)], axis=1)

    def align(self, ratios: Ratios) -> tuple[Ratios, Float64[np.ndarray, " n"]]:
        """Delays waveforms so that they fit the data of each detector best at the arrival times of the reference.

        Args:
            ratios: ratios of the waveforms, shape (n, S, E).

        Returns:
            Ratios of the delayed waveforms, and their delays, shape (n,), seconds.
        """
        step = self.settings.align_step
        n = round(self.settings.align_reach / step)
        delays = np.arange(-n, n + 1) * step
        shifts = np.exp(2j * np.pi * np.outer(self.frequencies, delays)).astype(np.complex64)
        height, power = np.zeros((len(ratios), len(delays))), self.compute_power(ratios)
        for detector in range(len(self.arrivals)):
            height += self._fit(ratios, power, detector, shifts)
        delay = peak_times(height, delays)
        return ratios * np.exp(-2j * np.pi * np.outer(delay, self.frequencies))[:, None], delay

    def _fit(
        self,
        ratios: Ratios,
        power: Complex128[np.ndarray, "n detector series series"],
        detector: int,
        shifts: Complex64[np.ndarray, "node time"] | Complex128[np.ndarray, "node time"],
    ) -> Float64[np.ndarray, "n time"]:
        """Squared signal-to-noise ratio in a detector of signals that are moved by some delays."""
        matched = (ratios.conj() * self.filters[detector]).astype(shifts.dtype) @ shifts
        return fit_orientations(self.signal, matched, power[:, detector])


def _continue(frequencies: Spectrum, wave: Complex128[np.ndarray, " n"], floor: float) -> Complex128[np.ndarray, " n"]:
    """A series whose amplitude and phase continue beyond its end."""
    inspiral = envelope(frequencies)
    least = floor * np.abs(wave[0]) * inspiral / inspiral[0]
    return np.hypot(np.abs(wave), least) * phase_factor(frequencies, wave)


def _place_nodes(frequencies: Spectrum, dephasing: float, reach: float) -> Int64[np.ndarray, " node"]:
    """Indices of the nodes, at equal steps of the largest phase that power laws and a delay by `reach` accumulate.

    The first and the last frequency are nodes; there are four at least, if there are as many frequencies.
    """
    low, high = frequencies[0], frequencies[-1]
    pivots = np.where(_POWERS > 0, high, low)
    phase = 2 * np.pi * np.sum(np.sign(_POWERS) * (frequencies[:, None] / pivots) ** _POWERS, axis=1)
    phase += 2 * np.pi * reach * frequencies
    n = max(int(np.ceil((phase[-1] - phase[0]) / dephasing)), _DEGREE)
    targets = np.linspace(phase[0], phase[-1], n + 1)
    return np.unique(np.searchsorted(phase, targets).clip(0, len(frequencies) - 1))


def _cubic_weights(
    frequencies: Spectrum, nodes: Float64[np.ndarray, " node"]
) -> tuple[Int64[np.ndarray, "n four"], Float64[np.ndarray, "n four"]]:
    """The four nodes nearest to each frequency, and the weights of their values in the Lagrange polynomial there."""
    below = np.searchsorted(nodes, frequencies, side="right") - 1
    nearest = (below - 1).clip(0, len(nodes) - _DEGREE - 1)[:, None] + np.arange(_DEGREE + 1)
    places = nodes[nearest]
    weights = np.ones_like(places)
    for k, j in permutations(range(_DEGREE + 1), 2):
        weights[:, k] *= (frequencies - places[:, j]) / (places[:, k] - places[:, j])
    return nearest, weights


def _gather(
    values: Complex128[np.ndarray, "*rows n"],
    nearest: Int64[np.ndarray, "n four"],
    weights: Float64[np.ndarray, "n four"],
    n_nodes: int,
) -> Complex128[np.ndarray, "*rows node"]:
    """Sums over the frequencies: each value is distributed over its nearest nodes by their weights."""
    rows = values.reshape(-1, values.shape[-1])
    places = nearest.ravel()
    sums = [
        np.bincount(places, (weights * row.real[:, None]).ravel(), n_nodes)
        + 1j * np.bincount(places, (weights * row.imag[:, None]).ravel(), n_nodes)
        for row in rows
    ]
    return np.stack(sums).reshape(*values.shape[:-1], n_nodes)
