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
        chirpleaf_version: version of the package that made the result.
    """

    event: str
    trigger_time: float
    detectors: tuple[str, ...]
    model: str
    data_sha256: str
    approximant: str
    seed: int
    chirpleaf_version: str = field(default_factory=lambda: version("chirpleaf"))

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON values."""
        return {**asdict(self), "detectors": list(self.detectors)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Provenance":
        """Inverse of `to_json`.

        Args:
            values: JSON values by attribute name; other names are ignored.

        Raises:
            KeyError: an attribute is missing.
        """
        known: dict[str, Any] = {entry.name: values[entry.name] for entry in fields(cls)}
        return cls(**{**known, "detectors": tuple(known["detectors"])})
