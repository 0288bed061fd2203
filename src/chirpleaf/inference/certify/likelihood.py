"""The Whittle likelihood of a network of detectors on every frequency of the segment.

    ln L = sum_d Re <d|h>_d - <h|h>_d / 2,        <a|b>_d = 4 df sum_i a_i conj(b_i) / S_i,

relative to noise alone, with h_d the waveform of all eleven parameters as detector d sees it. Any approximant, whatever
its modes.
"""

import numpy as np
from jaxtyping import Float64

from chirpleaf.inference.posterior import Samples
from chirpleaf.physics.detectors import detector, gmst, project
from chirpleaf.physics.waveforms import WAVEFORM_PARAMETERS, polarizations
from chirpleaf.strain.segment import Segment

_CHUNK = 64
"""Waveforms in memory at a time."""


def log_likelihood_ratio(
    segment: Segment, samples: Samples, approximant: str, *, workers: int = 1
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, "n detector"]]:
    """ln of the likelihood over that of noise, and how loud each signal is.

    Args:
        segment: the data.
        samples: mass_1, mass_2 (solar masses), chi_1, chi_2, luminosity_distance (Mpc), theta_jn, phase, psi, ra, dec
            (rad), geocent_time (GPS, seconds), each of shape (n,).
        approximant: waveform model.
        workers: processes that share the waveforms.

    Returns:
        Nats, shape (n,), and optimal signal-to-noise by detector, shape (n, detector).
    """
    n = len(samples["mass_1"])
    moment = gmst(segment.reference_time)
    ratio, power = np.empty(n), np.empty((n, len(segment.detectors)))
    for start in range(0, n, _CHUNK):
        rows = {name: values[start : start + _CHUNK] for name, values in samples.items()}
        binaries = {name: rows[name] for name in WAVEFORM_PARAMETERS}
        hp, hc = polarizations(binaries, segment.frequencies, approximant, workers=workers)
        time = rows["geocent_time"] - segment.reference_time
        matched = np.zeros(len(time))
        for index, name in enumerate(segment.detectors):
            sky = (rows["ra"], rows["dec"], rows["psi"])
            signal = project(hp, hc, detector(name), *sky, moment, segment.frequencies, time)
            noise = 4 / (segment.duration * segment.psd[index])
            power[start : start + _CHUNK, index] = np.abs(signal) ** 2 @ noise
            matched += (signal.conj() @ (segment.strain[index] * noise)).real
        ratio[start : start + _CHUNK] = matched - power[start : start + _CHUNK].sum(axis=1) / 2
    return ratio, np.sqrt(power)
