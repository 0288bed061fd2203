"""Heterodyned likelihood (relative binning): the likelihood of a (2, 2) waveform from a hundred frequencies.

The ratio r(f) = h(f) / h_0(f) to a reference waveform that fits the data is smooth, so a straight line does for it
within each bin b of frequencies (arXiv:1806.08792). With <a|b> = 4 df sum a conj(b) / S over native frequencies,

    <d|h>_d(t) = sum_e C_de conj(r_e exp(-2 pi i f_e (t - t_d))),
    <h|h>_d = sum_b B0_db |r_b|^2 + 2 B1_db Re(r_b conj(r_b')),

where e runs over the edges of the bins, r_b and r_b' are value and slope at a bin's centre, and C, B0, B1 are sums over
the data made once. h is the waveform seen face-on at 1 Mpc with phase zero; t is the arrival at the detector.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex128, Float64

from chirpleaf.physics.derived import Samples
from chirpleaf.physics.waveforms import face_on
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.strain import Spectrum

_POWERS = np.array([-5 / 3, -2 / 3, 1.0, 5 / 3, 7 / 3])
"""Powers of the frequency in a phase that post-Newtonian and merger terms may change."""
_FAINT = 1e-4
"""Modulus of the reference waveform over its greatest, whitened, below which the band ends."""


@dataclass(frozen=True, eq=False)
class Heterodyne:
    """Sums over the data about a reference waveform.

    Attributes:
        frequencies: edges of the bins, shape (E,), Hz.
        approximant: waveform model.
        reference: face-on waveform h_0 at the edges, shape (E,), 1/Hz.
        arrivals: t_d, shape (detector,), seconds after the segment's reference time.
        filters: C, shape (detector, E).
        power: B0, shape (detector, E - 1).
        tilt: B1, shape (detector, E - 1), Hz.
    """

    frequencies: Spectrum
    approximant: str
    reference: Complex128[np.ndarray, " edge"]
    arrivals: Float64[np.ndarray, " detector"]
    filters: Complex128[np.ndarray, "detector edge"]
    power: Float64[np.ndarray, "detector bin"]
    tilt: Float64[np.ndarray, "detector bin"]

    @classmethod
    def about(
        cls,
        segment: Segment,
        reference: Samples,
        arrivals: Float64[np.ndarray, " detector"],
        approximant: str,
        *,
        dephasing: float = 0.3,
        reach: float = 0.002,
    ) -> "Heterodyne":
        """Makes the sums.

        Args:
            segment: the data.
            reference: intrinsic parameters of the reference waveform, each of shape (1,).
            arrivals: when it arrives, shape (detector,), seconds after the segment's reference time.
            approximant: waveform model.
            dephasing: greatest phase that power laws of 2 pi over the band, and a delay by `reach`, gather in a bin,
                rad.
            reach: how far from these arrivals the signal may be, seconds.

        Returns:
            The heterodyned data.
        """
        wave = face_on(reference, segment.frequencies, approximant)[0]
        strength = (np.abs(wave) / np.sqrt(segment.psd)).max(axis=0)
        live = np.flatnonzero(strength > _FAINT * strength.max())
        frequencies, wave = segment.frequencies[: live[-1] + 1], wave[: live[-1] + 1]
        strain, psd = segment.strain[:, : len(wave)], segment.psd[:, : len(wave)]
        edges = _edges(frequencies, dephasing, reach)
        centres = (frequencies[edges[1:]] + frequencies[edges[:-1]]) / 2
        widths = np.diff(frequencies[edges])
        # The last edge's own frequency belongs to the last bin.
        counts = np.diff(edges) + (np.arange(len(widths)) == len(widths) - 1)
        offset = frequencies - np.repeat(centres, counts)
        scale = 4 / segment.duration
        product = scale * strain * wave.conj() / psd * np.exp(2j * np.pi * np.outer(arrivals, frequencies))
        power = scale * np.abs(wave) ** 2 / psd
        a0, a1, b0, b1 = (
            np.add.reduceat(values, edges[:-1], axis=1) for values in (product, product * offset, power, power * offset)
        )
        filters = np.zeros((len(strain), len(edges)), dtype=np.complex128)
        filters[:, :-1] += a0 / 2 - a1 / widths
        filters[:, 1:] += a0 / 2 + a1 / widths
        return cls(frequencies[edges], approximant, wave[edges], arrivals, filters, b0, b1)

    def ratios(self, intrinsic: Samples) -> Complex128[np.ndarray, "n edge"]:
        """r at the edges for binaries of the given intrinsic parameters, each of shape (n,)."""
        return face_on(intrinsic, self.frequencies, self.approximant) / self.reference

    def optimal(self, ratios: Complex128[np.ndarray, "n edge"]) -> Float64[np.ndarray, "n detector"]:
        """<h|h> in each detector, seen face-on at 1 Mpc from overhead."""
        middle = (ratios[:, 1:] + ratios[:, :-1]) / 2
        slope = np.diff(ratios, axis=1) / np.diff(self.frequencies)
        return np.abs(middle) ** 2 @ self.power.T + 2 * (middle * slope.conj()).real @ self.tilt.T

    def matched(
        self, ratios: Complex128[np.ndarray, "n edge"], times: Float64[np.ndarray, " time"]
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
        self, ratios: Complex128[np.ndarray, "n edge"], *, reach: float = 0.02, step: float = 0.00025
    ) -> tuple[Complex128[np.ndarray, "n edge"], Float64[np.ndarray, " n"]]:
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
        best = height.argmax(axis=1).clip(1, len(moves) - 2)
        left, middle, right = (np.take_along_axis(height, (best + i)[:, None], axis=1)[:, 0] for i in (-1, 0, 1))
        bend = np.maximum(2 * middle - left - right, 1e-12)
        delay = moves[best] + step * (0.5 * (right - left) / bend).clip(-1, 1)
        return ratios * np.exp(-2j * np.pi * np.outer(delay, self.frequencies)), delay


def _edges(frequencies: Spectrum, dephasing: float, reach: float) -> np.ndarray:
    """Indices of the bins' edges, first and last frequency included."""
    low, high = frequencies[0], frequencies[-1]
    pivots = np.where(_POWERS > 0, high, low)
    phase = 2 * np.pi * np.sum(np.sign(_POWERS) * (frequencies[:, None] / pivots) ** _POWERS, axis=1)
    phase += 2 * np.pi * reach * frequencies
    n = max(int(np.ceil((phase[-1] - phase[0]) / dephasing)), 1)
    targets = np.linspace(phase[0], phase[-1], n + 1)
    return np.unique(np.searchsorted(phase, targets).clip(0, len(frequencies) - 1))
