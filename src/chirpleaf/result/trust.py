"""Trust: the verdict on a result."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from chirpleaf.result.frozen import FrozenMapping

TRUSTED, UNTRUSTED, UNKNOWN = "trusted", "untrusted", "unknown"

VERDICTS = (TRUSTED, UNTRUSTED, UNKNOWN)


@dataclass(frozen=True)
class Trust:
    """The verdict on one result.

    Attributes:
        verdict: "trusted" or "untrusted"; "unknown" for a result read from a file that does not hold it.
        network_snr: peak matched-filter signal-to-noise ratio of the loudest waveform tried, root of the sum of
            squares over the detectors.
        snr: signal-to-noise ratio of the best template by detector name.
        reasons: reasons not to trust the result, a sentence each.
        notes: what the analysis could not check, a sentence each; they do not change the verdict.
    """

    verdict: str
    network_snr: float
    snr: Mapping[str, float]
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "snr", FrozenMapping(self.snr))

    @classmethod
    def unknown(cls) -> "Trust":
        """The verdict of a result whose file does not contain one."""
        return cls(UNKNOWN, math.nan, {}, ())

    @property
    def trusted(self) -> bool:
        """Whether the result can be trusted."""
        return self.verdict == TRUSTED

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON values; an unknown signal-to-noise ratio becomes null."""
        values = {**asdict(self), "snr": dict(self.snr)}
        return {**values, "network_snr": self.network_snr if math.isfinite(self.network_snr) else None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Trust":
        """Inverse of `to_json`.

        Args:
            values: JSON values by attribute name.

        Raises:
            KeyError: an attribute is missing.
        """
        loudness = math.nan if values["network_snr"] is None else values["network_snr"]
        return cls(
            values["verdict"], loudness, dict(values["snr"]), tuple(values["reasons"]), tuple(values.get("notes", ()))
        )
