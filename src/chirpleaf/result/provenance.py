"""Provenance: the origin of a result."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from importlib.metadata import version
from typing import Any

import numpy as np

from chirpleaf.result.frozen import FrozenMapping
from chirpleaf.result.recipe import Recipe


@dataclass(frozen=True)
class DetectorQuality:
    """Bits of open data in the analysed segment of one detector.

    Attributes:
        failed: names of the data-quality checks that fail in at least one second.
        hardware_injections: kinds of hardware injections in at least one second, such as "CBC".
    """

    failed: tuple[str, ...] = ()
    hardware_injections: tuple[str, ...] = ()

    def to_json(self) -> dict[str, list[str]]:
        """The attributes as JSON values."""
        return {"failed": list(self.failed), "hardware_injections": list(self.hardware_injections)}


@dataclass(frozen=True)
class Provenance:
    """The origin of a result.

    Attributes:
        event: name of the event; "strain" for the user's own files.
        trigger_time: GPS time of the trigger, seconds.
        detectors: names of the detectors whose data were used.
        model: name of the trained model.
        data_sha256: hash of the model's training data.
        approximant: waveform model of the result.
        seed: seed of the draws.
        high_pass: corner of the high-pass filter of the strain, Hz; 0 for none, or in a file that does not say.
        roll_off: length of each roll-off of the window, seconds.
        psd_method: how noise spectra were estimated.
        psd_length: longest stretch of strain that they were estimated from, seconds.
        flaws: gaps, constant samples and bursts of the strain, one sentence each, relative to the trigger.
        duration: length of the analysed segment, seconds; 0 in a file that does not say.
        f_min: lowest frequency of each detector, Hz; empty in a file that does not say.
        f_max: highest frequency, Hz; 0 in a file that does not say.
        f_ref: reference frequency of the waveforms, Hz.
        waveform_arguments: further arguments of the waveforms, "NAME=VALUE" each.
        spins: "aligned" where the approximant allows precession and the spins in the orbital plane are zero all the
            same; empty otherwise.
        chirpleaf_version: version of the package that made the result.
        data_quality: detector name to its quality; detectors whose files have no bits are missing.
        notes: what the user should know of the data, a sentence each.
        log_noise_evidence: ln of the likelihood of noise alone, -<d|d> / 2, of a certified posterior; 0 otherwise, and
            in a file that does not say.
        injection: true values of the parameters of a simulated signal in the strain; empty where there is none.
        recipe: arguments, hashes of the input, and versions, by which `chirpleaf verify` runs the analysis again; None
            where a file does not say.
    """

    event: str
    trigger_time: float
    detectors: tuple[str, ...]
    model: str
    data_sha256: str
    approximant: str
    seed: int
    high_pass: float = 0.0
    roll_off: float = 0.2
    psd_method: str = "median"
    psd_length: float = 256.0
    flaws: tuple[str, ...] = ()
    duration: float = 0.0
    f_min: tuple[float, ...] = ()
    f_max: float = 0.0
    f_ref: float = 20.0
    waveform_arguments: tuple[str, ...] = ()
    spins: str = ""
    chirpleaf_version: str = field(default_factory=lambda: version("chirpleaf"))
    data_quality: Mapping[str, DetectorQuality] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    log_noise_evidence: float = 0.0
    injection: Mapping[str, float] = field(default_factory=dict)
    recipe: Recipe | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "injection", FrozenMapping(self.injection))
        object.__setattr__(self, "data_quality", FrozenMapping(self.data_quality))

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON values."""
        quality = {name: bits.to_json() for name, bits in self.data_quality.items()}
        lists = {name: list(value) for name, value in vars(self).items() if isinstance(value, tuple)}
        return {
            **asdict(self),
            **lists,
            "data_quality": quality,
            "injection": dict(self.injection),
            "recipe": self.recipe.to_json() if self.recipe else None,
        }

    @property
    def waveforms(self) -> str:
        """The approximant, and its restriction to aligned spins if there is one."""
        return f"{self.approximant} with {self.spins} spins" if self.spins else self.approximant

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Provenance":
        """Inverse of `to_json`.

        Args:
            values: JSON values by attribute name; other names are ignored, and attributes that former versions did not
                have may be missing.

        Raises:
            KeyError: an attribute is missing.
        """
        known: dict[str, Any] = {
            entry.name: values[entry.name]
            for entry in fields(cls)
            if values.get(entry.name) is not None or (entry.default is MISSING and entry.default_factory is MISSING)
        }
        quality = {
            name: DetectorQuality(tuple(bits["failed"]), tuple(bits["hardware_injections"]))
            for name, bits in (known.get("data_quality") or {}).items()
        }
        lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list | tuple | np.ndarray)}
        recipe = Recipe.from_json(known["recipe"]) if known.get("recipe") else None
        return cls(**{**known, **lists, "data_quality": quality, "recipe": recipe})
