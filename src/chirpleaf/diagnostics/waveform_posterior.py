"""Posterior of the signal itself: samples of the strain that it causes in each detector, in frequency and time.

| place | holds |
|---|---|
| `/frequencies`, `/times` | Hz · GPS seconds |
| `/NAME/frequency_domain` | h(f) of each sample in a detector, 1/Hz, phases relative to `reference_time` |
| `/NAME/time_domain` | h(t) of each sample, dimensionless |
| `/samples` | table of the parameters of the samples, in the same order |

The waveform model, reference frequency and band are those of the result. The strain is not whitened.
"""

from pathlib import Path

import h5py
import numpy as np

from chirpleaf.diagnostics.binary_files import make_waveform_parameters
from chirpleaf.errors import InputError
from chirpleaf.inference.certify.likelihood import project_signals
from chirpleaf.physics.argument_trial import check_arguments
from chirpleaf.physics.waveform_settings import WaveformSettings, parse_formatted
from chirpleaf.result.hdf5 import make_table
from chirpleaf.result.posterior import EXTRINSIC, Posterior
from chirpleaf.strain.segment import AFTER_TRIGGER, Segment
from chirpleaf.system.files import write_atomically

SAMPLES = 200
"""Samples of the file. More make steadier bands; each takes some hundred kilobytes."""


def write_waveforms(posterior: Posterior, path: Path, n: int = SAMPLES) -> None:
    """Writes samples of the signal of a certified posterior.

    Args:
        posterior: a certified posterior with the limits of its segment.
        path: file name; an existing file is replaced.
        n: number of samples; all if there are fewer.

    Raises:
        InputError: the posterior has no extrinsic parameters or does not say what data it is of.
    """
    origin = posterior.provenance
    if any(name not in posterior for name in EXTRINSIC) or not origin.duration or not origin.f_min:
        raise InputError("expected a certified posterior with its segment; got one without: analyse the event again")
    chosen = np.linspace(0, len(posterior) - 1, min(n, len(posterior))).astype(int)
    samples = {name: values[chosen] for name, values in posterior.items()}
    frequencies = np.arange(1, round(origin.f_max * origin.duration) + 1) / origin.duration
    frequencies = frequencies[frequencies >= min(origin.f_min)]
    segment = _make_segment(posterior, frequencies)
    waveform = _find_waveform(posterior)
    size = int(2 ** np.ceil(np.log2(2 * origin.f_max)) * origin.duration)
    start = origin.trigger_time + AFTER_TRIGGER - origin.duration
    back = np.exp(-2j * np.pi * frequencies * (segment.reference_time - start))
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        file.attrs.update(verdict=posterior.trust.verdict, reasons="; ".join(posterior.trust.reasons))
        file.attrs.update(event=origin.event, approximant=origin.approximant, reference_time=segment.reference_time)
        file["frequencies"], file["times"] = frequencies, start + np.arange(size) * origin.duration / size
        file["samples"] = make_table(samples)
        parameters = make_waveform_parameters(samples, origin.f_ref)
        for name, signal in zip(segment.detectors, project_signals(segment, parameters, waveform), strict=True):
            series = np.zeros((len(chosen), size // 2 + 1), np.complex128)
            series[:, np.rint(frequencies * origin.duration).astype(int)] = signal * back
            file[f"{name}/frequency_domain"] = signal
            file[f"{name}/time_domain"] = np.fft.irfft(series, size, axis=1) * size / origin.duration
        file.flush()
        content = file.id.get_file_image()
    with write_atomically(path) as scratch:
        scratch.write_bytes(content)


def _make_segment(posterior: Posterior, frequencies: np.ndarray) -> Segment:
    """A segment without data, of the detectors and the trigger of a result."""
    origin = posterior.provenance
    empty = np.zeros((len(origin.detectors), len(frequencies)), np.complex128)
    ones = np.ones(empty.shape)
    return Segment(origin.detectors, empty, ones, frequencies, origin.duration, origin.trigger_time)


def _find_waveform(posterior: Posterior) -> WaveformSettings:
    """The waveform model of a result, with its arguments.

    Raises:
        InputError: LALSimulation fails by the arguments, which are those of a file.
    """
    origin = posterior.provenance
    waveform = WaveformSettings(origin.approximant, origin.f_ref, parse_formatted(origin.waveform_arguments))
    check_arguments(waveform, unused=False)
    return waveform
