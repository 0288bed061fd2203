"""The Whittle likelihood of a network of detectors on every frequency of the segment.

    ln L = sum_d Re <d|h>_d - <h|h>_d / 2,        <a|b>_d = 4 df sum_i a_i conj(b_i) / S_i,

relative to noise alone, with h_d the waveform of all parameters in detector d: that of a signal model, or of an
approximant of LALSimulation with all its modes.
"""

from collections.abc import Iterator
from itertools import repeat

import numpy as np
from jaxtyping import Complex128, Float64

from chirpleaf.inference.certify.likelihood_settings import LikelihoodSettings
from chirpleaf.inference.certify.settings import DEFAULTS
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.physics.signals import SignalModel, make_likelihood_model
from chirpleaf.physics.spin_angles import to_components
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.segment import Segment
from chirpleaf.system.processes import worker_pool

Waveform = SignalModel | WaveformSettings
"""A signal model, or an approximant with all its modes."""

Whittle = tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, "n detector"]]
"""ln of the likelihood over that of noise (nats), and optimal signal-to-noise in each detector."""


def find_waveform(settings: WaveformSettings, kind: str) -> Waveform:
    """The waveforms of a likelihood: a signal model where one has all modes of the approximant.

    Args:
        settings: approximant and its arguments.
        kind: kind of the network's signal model.
    """
    signal = make_likelihood_model(settings, kind)
    return signal if signal.has_all_modes() else settings


def log_likelihood_ratio(
    segment: Segment,
    samples: Samples,
    waveform: Waveform | str,
    *,
    workers: int = 1,
    settings: LikelihoodSettings = DEFAULTS.likelihood,
) -> Whittle:
    """ln of the likelihood over that of noise, and the optimal signal-to-noise in each detector.

    Args:
        segment: the data.
        samples: luminosity_distance (Mpc), theta_jn, phase, psi, ra, dec (rad), geocent_time (GPS, seconds) and the
            intrinsic parameters of the signal model; for an approximant, the parameters of `polarizations`, or the nine
            numbers of a precessing binary with its component masses; each of shape (n,).
        waveform: a signal model; or an approximant or its name, whose polarisations are those of LALSimulation.
        workers: processes that share a large amount of work; more than one needs the `if __name__ == "__main__"` guard
            in a script.
        settings: number of waveforms in memory, and least amount of work that processes share.

    Returns:
        Nats, shape (n,), and optimal signal-to-noise in each detector, shape (n, detector). Where the waveform cannot
        be computed, minus infinity and zero.
    """
    waveform = WaveformSettings(waveform) if isinstance(waveform, str) else waveform
    n, step = len(samples["geocent_time"]), settings.waveforms
    pieces = [{name: values[start : start + step] for name, values in samples.items()} for start in range(0, n, step)]
    much = n * len(segment.frequencies) > settings.worth_a_process
    ratios, snrs = zip(*_evaluate(segment, pieces, waveform, workers if much else 1), strict=True)
    return np.concatenate(ratios), np.concatenate(snrs)


def _evaluate(segment: Segment, pieces: list[Samples], waveform: Waveform, workers: int) -> Iterator[Whittle]:
    """Likelihoods of pieces of the samples, in their order."""
    if workers == 1:
        yield from map(_sum_over_frequencies, repeat(segment), pieces, repeat(waveform))
        return
    with worker_pool(workers) as pool:
        yield from pool.map(_sum_over_frequencies, repeat(segment), pieces, repeat(waveform))


def _sum_over_frequencies(segment: Segment, samples: Samples, waveform: Waveform) -> Whittle:
    """The likelihood of samples that fit in memory together."""
    matched = np.zeros(len(samples["geocent_time"]))
    power = np.empty((len(matched), len(segment.detectors)))
    for index, signal in enumerate(project_signals(segment, samples, waveform)):
        noise = 4 / (segment.duration * segment.psd[index])
        power[:, index] = np.abs(signal) ** 2 @ noise
        matched += (signal.conj() @ (segment.strain[index] * noise)).real
    failed = np.isnan(matched)
    matched[failed], power[failed] = -np.inf, 0.0
    return matched - power.sum(axis=1) / 2, np.sqrt(power)


def project_signals(
    segment: Segment, samples: Samples, waveform: Waveform
) -> Iterator[Complex128[np.ndarray, "n frequency"]]:
    """The waveforms in one detector after the other.

    Args:
        segment: gives detectors, frequencies and the reference time of the phases.
        samples: as for `log_likelihood_ratio`.
        waveform: as for `log_likelihood_ratio`.

    Yields:
        1/Hz, shape (n, F); NaN where the waveform cannot be computed.
    """
    frequencies, sidereal = segment.frequencies, gmst(segment.reference_time)
    series: Complex128[np.ndarray, "n series frequency"]
    response: Complex128[np.ndarray, "n series"] | Float64[np.ndarray, "n series"]
    if isinstance(waveform, WaveformSettings):
        precesses = "cos_iota" in samples
        binaries = {**samples, **to_components(samples, samples["phase"])} if precesses else samples
        series = np.stack(polarizations(binaries, frequencies, waveform, skip_failures=True), axis=1)
    else:
        series = waveform.series(samples, frequencies, skip_failures=True)
        series = series / samples["luminosity_distance"][:, None, None]
    for name in segment.detectors:
        one = detector(name)
        fp, fc = one.antenna_pattern(samples["ra"], samples["dec"], samples["psi"], sidereal)
        if isinstance(waveform, WaveformSettings):
            response = np.stack([fp, fc], axis=-1)
        else:
            response = waveform.response(fp, fc, samples["theta_jn"], samples["phase"])
        delay = one.time_delay(samples["ra"], samples["dec"], sidereal)
        arrival = samples["geocent_time"] - segment.reference_time + delay
        shift = np.exp(-2j * np.pi * arrival[:, None] * frequencies)
        yield sum(response[:, s, None] * series[:, s] for s in range(response.shape[1])) * shift
