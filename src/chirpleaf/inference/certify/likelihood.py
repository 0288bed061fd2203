"""The Whittle likelihood of a network of detectors on every frequency of the segment.

    ln L = sum_d Re <d|h>_d - <h|h>_d / 2,        <a|b>_d = 4 df sum_i a_i conj(b_i) / S_i,

relative to noise alone, with h_d the waveform of all eleven parameters as detector d sees it. Any approximant, whatever
its modes.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context

import numpy as np
from jaxtyping import Float64

from chirpleaf.physics.derived import Samples
from chirpleaf.physics.detectors import detector, gmst, project
from chirpleaf.physics.waveforms import WAVEFORM_PARAMETERS, polarizations
from chirpleaf.strain.segment import Segment

_CHUNK = 64
"""Waveforms in memory at a time."""
_WORTH_A_PROCESS = 10_000_000
"""Waveform values from which on a second process, which takes two seconds to start, pays."""

_PLACE = ("ra", "dec", "psi", "geocent_time")

Whittle = tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, "n detector"]]
"""ln of the likelihood over that of noise (nats), and optimal signal-to-noise by detector."""


def log_likelihood_ratio(segment: Segment, samples: Samples, approximant: str, *, workers: int = 1) -> Whittle:
    """ln of the likelihood over that of noise, and how loud each signal is.

    Args:
        segment: the data.
        samples: mass_1, mass_2 (solar masses), chi_1, chi_2, luminosity_distance (Mpc), theta_jn, phase, psi, ra, dec
            (rad), geocent_time (GPS, seconds), each of shape (n,).
        approximant: waveform model.
        workers: processes that share the work where it is much; more than one needs the `if __name__ == "__main__"`
            guard in a script.

    Returns:
        Nats, shape (n,), and optimal signal-to-noise by detector, shape (n, detector).
    """
    wanted = [name for name in (*WAVEFORM_PARAMETERS, *_PLACE) if name in samples]
    n = len(samples["mass_1"])
    rows = [{name: samples[name][start : start + _CHUNK] for name in wanted} for start in range(0, n, _CHUNK)]
    shared = workers > 1 and n * len(segment.frequencies) > _WORTH_A_PROCESS
    ratios, snrs = zip(*_each(segment, rows, approximant, workers if shared else 1), strict=True)
    return np.concatenate(ratios), np.concatenate(snrs)


def _each(segment: Segment, rows: list[Samples], approximant: str, workers: int) -> Iterator[Whittle]:
    if workers == 1:
        yield from map(_whittle, repeat(segment), rows, repeat(approximant))
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_whittle, repeat(segment), rows, repeat(approximant))


def _whittle(segment: Segment, rows: Samples, approximant: str) -> Whittle:
    binaries = {name: values for name, values in rows.items() if name not in _PLACE}
    hp, hc = polarizations(binaries, segment.frequencies, approximant)
    moment, time = gmst(segment.reference_time), rows["geocent_time"] - segment.reference_time
    matched, power = np.zeros(len(time)), np.empty((len(time), len(segment.detectors)))
    for index, name in enumerate(segment.detectors):
        sky = (rows["ra"], rows["dec"], rows["psi"])
        signal = project(hp, hc, detector(name), *sky, moment, segment.frequencies, time)
        noise = 4 / (segment.duration * segment.psd[index])
        power[:, index] = np.abs(signal) ** 2 @ noise
        matched += (signal.conj() @ (segment.strain[index] * noise)).real
    return matched - power.sum(axis=1) / 2, np.sqrt(power)
