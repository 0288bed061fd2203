"""Recipe of a result: the arguments of its analysis, the hashes of its input, and the versions that computed it.

`chirpleaf verify` runs the analysis again by it, tells changed input by the hashes, and expects the same numbers to the
bit where versions and machine are the same.
"""

import hashlib
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirpleaf.result.frozen import FrozenMapping

PACKAGES = ("chirpleaf", "h5py", "lalsuite", "numpy", "scipy", "torch")
"""Packages whose versions decide the numbers of a result."""


@dataclass(frozen=True)
class Recipe:
    """How a result was made. None stands for a choice that was left to the default.

    Attributes:
        event: name of the event; None for files of the user.
        trigger_time: GPS time or UTC as it was given; None for that of the event.
        strain: detector name to files, by their full paths.
        psd: detector name to the file of a noise spectrum.
        channel: detector name to channel or dataset.
        psd_analysis: analysis in a release of PESummary.
        model: name or file of the model.
        samples: number of draws.
        seed: seed of the draws.
        certify: whether the draws were to be weighted.
        effective_samples: effective sample size that was wanted.
        budget: time budget of the whole analysis, seconds.
        prior: name or file of the prior.
        workers: processes that shared waveforms.
        threads: threads of torch.
        detectors: names of the detectors that were chosen.
        duration: length of the segment, seconds.
        f_min: lowest frequency, or detector name to lowest frequency, Hz.
        f_max: highest frequency, Hz.
        high_pass: corner of the high-pass filter, Hz; None for no filter.
        roll_off: length of each roll-off of the window, seconds.
        psd_method: how noise spectra are estimated.
        psd_length: longest stretch of strain that they are estimated from, seconds.
        approximant: waveforms of the likelihood; None for the network's.
        f_ref: reference frequency, Hz.
        waveform_arguments: further arguments of the waveforms, "NAME=VALUE" each.
        calibration: detector name to the file of a calibration envelope.
        calibration_correction: what the envelopes correct, "data" or "template".
        psd_uncertainty: whether the uncertainty of estimated noise spectra was marginalised.
        certify_psd: detector name to the file of a noise spectrum of the likelihood.
        in_memory: what was given in memory and not by file, so that nobody can run the analysis again.
        hashes: SHA-256 of "strain H1", "psd H1", "certify_psd H1", "calibration H1", "model" and "prior",
            as they were used.
        versions: package name to version, and "python".
        machine: processor and system.
    """

    event: str | None
    trigger_time: str | None
    samples: int
    seed: int
    strain: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    psd: Mapping[str, str] = field(default_factory=dict)
    channel: Mapping[str, str] = field(default_factory=dict)
    psd_analysis: str | None = None
    model: str | None = None
    certify: bool | None = None
    effective_samples: int | None = None
    budget: float | None = None
    prior: str | None = None
    workers: int = 1
    threads: int = 1
    detectors: tuple[str, ...] | None = None
    duration: float | None = None
    f_min: float | Mapping[str, float] | None = None
    f_max: float | None = None
    high_pass: float | None = None
    roll_off: float = 0.0
    psd_method: str = ""
    psd_length: float = 0.0
    approximant: str | None = None
    f_ref: float = 20.0
    waveform_arguments: tuple[str, ...] = ()
    calibration: Mapping[str, str] = field(default_factory=dict)
    calibration_correction: str = "data"
    psd_uncertainty: bool = False
    certify_psd: Mapping[str, str] = field(default_factory=dict)
    in_memory: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: str = ""

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, Mapping):
                object.__setattr__(self, entry.name, FrozenMapping(value))

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON values."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Recipe":
        """Inverse of `to_json`.

        Args:
            values: JSON values by attribute name; names that this version does not know are ignored.

        Raises:
            TypeError: an attribute is missing.
        """
        known = {entry.name: _frozen(values[entry.name]) for entry in fields(cls) if entry.name in values}
        return cls(**known)


def hash_arrays(*arrays: NDArray[Any] | float) -> str:
    """SHA-256 of the bytes of arrays and numbers.

    Args:
        arrays: any shapes.
    """
    digest = hashlib.sha256()
    for values in arrays:
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def find_versions() -> dict[str, str]:
    """Versions of Python and of `PACKAGES`."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def describe_machine() -> str:
    """Processor and system, such as "Linux x86_64, AMD EPYC 7763": they decide the last bits of a sum."""
    name = platform.processor()
    if sys.platform == "linux":
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{platform.system()} {platform.machine()}, {name or 'unknown processor'}"


def _plain(value: Any) -> Any:
    """Mappings and tuples as JSON has them."""
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    """Lists of JSON as tuples."""
    if isinstance(value, Mapping):
        return {name: _frozen(entry) for name, entry in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
