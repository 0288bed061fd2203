"""Heterodyned likelihood (relative binning): the likelihood of a (2, 2) waveform from a hundred frequencies.

The ratio r(f) = h(f) / h_0(f) to a reference that fits the data is smooth, so its values r_e at a hundred nodes f_e say
all of it (arXiv:1806.08792, where straight lines join them; here, cubic polynomials through the four nearest). The
reference is a waveform, but does not end where the waveform does, so that binaries whose signal reaches further have
smooth ratios as well: its phase goes on as it ended, its amplitude does not fall below a tenth of an inspiral's. With
<a|b> = 4 df sum a conj(b) / S over native frequencies,

    <d|h>_d(t) = sum_e C_de conj(r_e exp(-2 pi i f_e (t - t_d))),        <h|h>_d = sum_e B_de |r_e|^2,

where C and B are sums over the data made once. h is the waveform seen face-on at 1 Mpc with phase zero; t is the
arrival at the detector.
"""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from jaxtyping import Complex128, Float64, Int64
from numpy.typing import NDArray

from chirpleaf.inference.matched_filter import peak_times
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.signals.quadrupole import face_on
from chirpleaf.representation.templates import envelope, phase_factor
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.strain import Spectrum

_POWERS = np.array([-5 / 3, -2 / 3, 1.0, 5 / 3, 7 / 3])
"""Powers of the frequency in a phase that post-Newtonian and merger terms may change."""
_DEGREE = 3
"""Of the polynomials."""
_FAINT = 1e-4
"""Modulus of a waveform over its greatest, whitened, below which its band ends."""
_HELD = 0.95
"""Share of the waveforms whose bands the nodes hold."""
_FLOOR = 0.1
"""Least modulus of the reference over that of its inspiral."""


@dataclass(frozen=True, eq=False)
class Heterodyne:
    """Sums over the data about a reference waveform.

    Attributes:
        frequencies: the nodes, shape (E,), Hz.
        approximant: waveform model.
        reference: h_0 at the nodes, face-on, shape (E,), 1/Hz.
        arrivals: t_d, shape (detector,), seconds after the segment's reference time.
        filters: C, shape (detector, E).
        power: B, shape (detector, E).
    """

    frequencies: Spectrum
    approximant: str
    reference: Complex128[np.ndarray, " node"]
    arrivals: Float64[np.ndarray, " detector"]
    filters: Complex128[np.ndarray, "detector node"]
    power: Float64[np.ndarray, "detector node"]

    @classmethod
    def about(
        cls,
        segment: Segment,
        reference: Samples,
        arrivals: Float64[np.ndarray, " detector"],
        approximant: str,
        *,
        dephasing: float = 0.6,
        reach: float = 0.002,
    ) -> "Heterodyne":
        """Makes the sums.

        Args:
            segment: the data.
            reference: intrinsic parameters, each of shape (n,): first those of the reference, then of binaries like
                those whose signals the nodes must hold.
            arrivals: when it arrives, shape (detector,), seconds after the segment's reference time.
            approximant: waveform model.
            dephasing: greatest phase that power laws of 2 pi over the band, and a delay by `reach`, gather between
                nodes, rad.
            reach: how far from these arrivals the signal may be, seconds.

        Returns:
            The heterodyned data.
        """
        waves = face_on(reference, segment.frequencies, approximant)
        strength = np.abs(waves) / np.sqrt(segment.psd.min(axis=0))
        strength = np.quantile(strength / strength.max(axis=1, keepdims=True), _HELD, axis=0)
        live = np.flatnonzero(strength > _FAINT)
        frequencies = segment.frequencies[: live[-1] + 1]
        wave = _unending(frequencies, waves[0, : live[-1] + 1])
        strain, psd = segment.strain[:, : len(wave)], segment.psd[:, : len(wave)]
        nodes = _nodes(frequencies, dephasing, reach)
        nearest, weights = _cubic(frequencies, frequencies[nodes])
        scale = 4 / segment.duration
        product = scale * strain * wave.conj() / psd * np.exp(2j * np.pi * np.outer(arrivals, frequencies))
        power = scale * np.abs(wave) ** 2 / psd
        sums = (product.real, product.imag, power)
        real, imaginary, power = (_gather(values, nearest, weights, len(nodes)) for values in sums)
        return cls(frequencies[nodes], approximant, wave[nodes], arrivals, real + 1j * imaginary, power)

    def ratios(self, intrinsic: Samples) -> Complex128[np.ndarray, "n node"]:
        """r at the nodes for binaries of the given intrinsic parameters, each of shape (n,)."""
        return face_on(intrinsic, self.frequencies, self.approximant) / self.reference

    def optimal(self, ratios: Complex128[np.ndarray, "n node"]) -> Float64[np.ndarray, "n detector"]:
        """<h|h> in each detector, seen face-on at 1 Mpc from overhead."""
        return np.abs(ratios) ** 2 @ self.power.T

    def matched(
        self, ratios: Complex128[np.ndarray, "n node"], times: Float64[np.ndarray, " time"]
    ) -> Complex128[np.ndarray, "n detector time"]:
        """<d|h> in each detector for arrivals at `times` (s) after the segment's reference time."""
        return np.stack(
            [
                (ratios.conj() * filters) @ np.exp(2j * np.pi * np.outer(self.frequencies, times - arrival))
                for filters, arrival in zip(self.filters, self.arrivals, strict=True)
            ],
            axis=1,
        )

    def aligned(
        self, ratios: Complex128[np.ndarray, "n node"], *, reach: float = 0.02, step: float = 0.00025
    ) -> tuple[Complex128[np.ndarray, "n node"], Float64[np.ndarray, " n"]]:
        """Moves waveforms so that they fit the data best at the arrivals of the reference.

        Args:
            ratios: of the waveforms.
            reach: greatest move, seconds.
            step: spacing of the moves that are tried before the best is refined, seconds.

        Returns:
            The ratios of the moved waveforms, and by how much each was delayed, shape (n,), seconds.
        """
        moves = np.arange(-round(reach / step), round(reach / step) + 1) * step
        shifts = np.exp(2j * np.pi * np.outer(self.frequencies, moves)).astype(np.complex64)
        optimal = self.optimal(ratios)
        height = np.zeros((len(ratios), len(moves)))
        for index, filters in enumerate(self.filters):
            matched = (ratios.conj() * filters).astype(np.complex64) @ shifts
            height += np.abs(matched) ** 2 / optimal[:, index, None]
        delay = peak_times(height, moves)
        return ratios * np.exp(-2j * np.pi * np.outer(delay, self.frequencies)), delay


def _unending(frequencies: Spectrum, wave: Complex128[np.ndarray, " n"]) -> Complex128[np.ndarray, " n"]:
    """A waveform whose amplitude and phase go on where it ends."""
    inspiral = envelope(frequencies)
    floor = _FLOOR * np.abs(wave[0]) * inspiral / inspiral[0]
    return np.hypot(np.abs(wave), floor) * phase_factor(frequencies, wave)


def _nodes(frequencies: Spectrum, dephasing: float, reach: float) -> NDArray[np.int64]:
    """Indices of the nodes, first and last frequency included: four at least, where there are as many frequencies."""
    low, high = frequencies[0], frequencies[-1]
    pivots = np.where(_POWERS > 0, high, low)
    phase = 2 * np.pi * np.sum(np.sign(_POWERS) * (frequencies[:, None] / pivots) ** _POWERS, axis=1)
    phase += 2 * np.pi * reach * frequencies
    n = max(int(np.ceil((phase[-1] - phase[0]) / dephasing)), _DEGREE)
    targets = np.linspace(phase[0], phase[-1], n + 1)
    return np.unique(np.searchsorted(phase, targets).clip(0, len(frequencies) - 1))


def _cubic(frequencies: Spectrum, nodes: Spectrum) -> tuple[Int64[np.ndarray, "n four"], Float64[np.ndarray, "n four"]]:
    """The four nodes nearest to each frequency, and the weights of their values in the Lagrange polynomial there."""
    below = np.searchsorted(nodes, frequencies, side="right") - 1
    nearest = (below - 1).clip(0, len(nodes) - _DEGREE - 1)[:, None] + np.arange(_DEGREE + 1)
    places = nodes[nearest]
    weights = np.ones_like(places)
    for k, j in permutations(range(_DEGREE + 1), 2):
        weights[:, k] *= (frequencies - places[:, j]) / (places[:, k] - places[:, j])
    return nearest, weights


def _gather(
    values: Float64[np.ndarray, "detector n"],
    nearest: Int64[np.ndarray, "n four"],
    weights: Float64[np.ndarray, "n four"],
    n_nodes: int,
) -> Float64[np.ndarray, "detector node"]:
    """Sums of the values over frequencies, each value distributed over its nearest nodes by their weights."""
    shares = (weights * row[:, None] for row in values)
    return np.stack([np.bincount(nearest.ravel(), share.ravel(), n_nodes) for share in shares])
