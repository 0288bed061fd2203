"""Provenance: the origin of a result."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from typing import Any


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
        chirpleaf_version: version of the package that made the result.
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
    chirpleaf_version: str = field(default_factory=lambda: version("chirpleaf"))

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON values."""
        return {**asdict(self), "detectors": list(self.detectors), "flaws": list(self.flaws)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Provenance":
        """Inverse of `to_json`.

        Args:
            values: JSON values by attribute name; other names are ignored.

        Raises:
            KeyError: an attribute is missing.
        """
        optional = {"high_pass", "roll_off", "psd_method", "psd_length", "flaws"}
        names = [entry.name for entry in fields(cls) if entry.name in values or entry.name not in optional]
        known: dict[str, Any] = {name: values[name] for name in names}
        return cls(**{**known, "detectors": tuple(known["detectors"]), "flaws": tuple(known.get("flaws", ()))})
