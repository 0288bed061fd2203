"""Sums of waveforms over frequencies, for many weightings of the frequencies at once.

With <a|b>_d = 4 df sum_i a_i conj(b_i) / S_i in detector d, and weights W_ik of frequency i,

    matched_k = 4 df sum_i W_ik d_i conj(h_i) / S_i,        power_k = 4 df sum_i W_ik |h_i|^2 / S_i.

W = 1 gives the likelihood; W = S / S_k another noise spectrum; and W the weights of an interpolation from few
frequencies f_k gives the likelihood of a template that is multiplied by a smooth factor alpha,

    ln L = Re sum_k matched_k conj(alpha(f_k)) - sum_k power_k |alpha(f_k)|^2 / 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex128, Float64

from chirpleaf.inference.certify.likelihood import Waveform, project_signals
from chirpleaf.inference.certify.settings import DEFAULTS as CERTIFY
from chirpleaf.inference.systematics.settings import DEFAULTS, SystematicsSettings
from chirpleaf.physics.derived import Samples
from chirpleaf.strain.segment import Segment
from chirpleaf.system.deadline import NEVER, Deadline

Weights = Float64[np.ndarray, "frequency column"]


@dataclass(frozen=True, eq=False)
class Terms:
    """Sums of samples in one detector.

    Attributes:
        matched: shape (n, column).
        power: shape (n, column).
    """

    matched: Complex128[np.ndarray, "n column"]
    power: Float64[np.ndarray, "n column"]

    @property
    def log_likelihood(self) -> Float64[np.ndarray, "n column"]:
        """ln of the likelihood over that of noise for each weighting, nats."""
        found: Float64[np.ndarray, "n column"] = self.matched.real - self.power / 2
        return found


def sum_terms(
    segment: Segment,
    samples: Samples,
    waveform: Waveform,
    weights: Sequence[Weights],
    settings: SystematicsSettings = DEFAULTS,
    *,
    at_once: int = CERTIFY.likelihood.waveforms,
    deadline: Deadline = NEVER,
) -> list[Terms]:
    """The sums of samples in each detector, up to the frequency where the signals end.

    Args:
        segment: the data.
        samples: as for `log_likelihood_ratio`, each of shape (n,).
        waveform: as for `log_likelihood_ratio`.
        weights: weights of the frequencies in each detector, shape (F, column) each.
        settings: where signals end.
        at_once: number of waveforms in memory.
        deadline: time after which no further waveforms are computed: the first samples are summed alone then, at least
            `at_once`.

    Returns:
        One for each detector; NaN where the waveform cannot be computed.
    """
    n = len(samples["geocent_time"])
    end = find_end(segment, samples, waveform, settings)
    segment = cut_band(segment, end)
    pieces: list[list[Terms]] = [[] for _ in segment.detectors]
    for start in range(0, n, at_once):
        if start and deadline.passed:
            break
        rows = {name: values[start : start + at_once] for name, values in samples.items()}
        for index, signal in enumerate(project_signals(segment, rows, waveform)):
            noise = 4 / (segment.duration * segment.psd[index])
            product = signal.conj() * (segment.strain[index] * noise)
            power = np.abs(signal) ** 2 * noise
            table = weights[index][:end]
            # Two products of real matrices take half the time of one of a complex and a real one.
            matched = product.real.copy() @ table + 1j * (product.imag.copy() @ table)
            pieces[index].append(Terms(matched, power @ table))
    return [
        Terms(np.concatenate([one.matched for one in found]), np.concatenate([one.power for one in found]))
        for found in pieces
    ]


def find_end(segment: Segment, samples: Samples, waveform: Waveform, settings: SystematicsSettings = DEFAULTS) -> int:
    """Number of frequencies up to which the signals of some samples are above the floor, in any detector.

    Args:
        segment: the data.
        samples: as for `sum_terms`.
        waveform: as for `sum_terms`.
        settings: number of samples, and the floor.
    """
    some = {name: values[: settings.band_samples] for name, values in samples.items()}
    end = 1
    for index, signal in enumerate(project_signals(segment, some, waveform)):
        strength = np.nan_to_num(np.abs(signal) / np.sqrt(segment.psd[index])).max(axis=0)
        end = max(end, int(np.flatnonzero(strength > settings.band_floor * strength.max())[-1:].sum()) + 1)
    return end


def cut_band(segment: Segment, end: int) -> Segment:
    """The first frequencies of a segment.

    Args:
        segment: the data.
        end: number of frequencies.
    """
    return replace(
        segment, strain=segment.strain[:, :end], psd=segment.psd[:, :end], frequencies=segment.frequencies[:end]
    )
