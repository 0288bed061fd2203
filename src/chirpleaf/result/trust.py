"""Trust: the verdict on a result, and the findings that it follows from.

Every check of data, signal, model and sampling returns findings. The worst level among them is the grade:

| worst level | grade | verdict | exit code |
|---|---|---|---|
| none, or note | PASS | trusted | 0 |
| warn | WARN | doubtful | 0 |
| refuse | REFUSE | untrusted | 3 |

A result of the network alone is "not certified" where a certified one would be trusted or doubtful.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum, IntEnum
from typing import Any

from chirpleaf.result.frozen import FrozenMapping

TRUSTED, DOUBTFUL, UNTRUSTED = "trusted", "doubtful", "untrusted"
NOT_CERTIFIED, UNKNOWN = "not certified", "unknown"

VERDICTS = (TRUSTED, DOUBTFUL, UNTRUSTED, NOT_CERTIFIED, UNKNOWN)

AREAS = ("data", "signal", "model", "sampling")
"""Areas of checks, by which `to_json` groups findings. The name of a check begins with its area: "data.scale"."""


class Level(IntEnum):
    """Severity of a finding, in increasing order."""

    NOTE = 0
    WARN = 1
    REFUSE = 2


class Grade(Enum):
    """The verdict in one of three grades, or unknown."""

    PASS = "PASS"
    WARN = "WARN"
    REFUSE = "REFUSE"
    UNKNOWN = "UNKNOWN"


_GRADES = {
    TRUSTED: Grade.PASS,
    DOUBTFUL: Grade.WARN,
    NOT_CERTIFIED: Grade.WARN,
    UNTRUSTED: Grade.REFUSE,
    UNKNOWN: Grade.UNKNOWN,
}


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: name of the check, its area first: "data.scale", "signal.glitch".
        level: severity.
        message: the finding in one sentence, which names the detector and the remedy where there is one.
        detector: prefix of the detector that the finding is about; None for the whole network.
        value: the number that was compared with a threshold; None if there is none.

    Example:
        >>> Finding("signal.noise", Level.REFUSE, "noise explains the data as well", value=-1.6).area
        'signal'
    """

    check: str
    level: Level
    message: str
    detector: str | None = None
    value: float | None = None

    @property
    def area(self) -> str:
        """Area of the check, one of `AREAS`."""
        return self.check.partition(".")[0]

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON values; a number that is not finite becomes null."""
        finite = self.value is not None and math.isfinite(self.value)
        return {**asdict(self), "level": self.level.name.lower(), "value": float(self.value or 0) if finite else None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Finding":
        """Inverse of `to_json`.

        Args:
            values: JSON values by attribute name.

        Raises:
            KeyError: an attribute is missing, or the level is unknown.
        """
        level = Level[values["level"].upper()]
        return cls(values["check"], level, values["message"], values.get("detector"), values.get("value"))


@dataclass(frozen=True)
class Trust:
    """The verdict on one result.

    Attributes:
        verdict: "trusted", "doubtful" or "untrusted"; "not certified" for a result of the network alone that nothing
            speaks against; "unknown" for a result read from a file that does not hold a verdict.
        network_snr: peak matched-filter signal-to-noise ratio of the loudest waveform tried, root of the sum of
            squares over the detectors.
        snr: signal-to-noise ratio of this waveform by detector name.
        reasons: reasons not to trust the result, a sentence each, those of level refuse first, then warn.
        notes: what the analysis could not check, a sentence each; they do not change the verdict.
        findings: what the checks found; empty for results of former versions.
    """

    verdict: str
    network_snr: float
    snr: Mapping[str, float]
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "snr", FrozenMapping(self.snr))

    @classmethod
    def from_findings(
        cls,
        findings: Iterable[Finding],
        network_snr: float,
        snr: Mapping[str, float],
        notes: tuple[str, ...] = (),
        *,
        certified: bool = True,
    ) -> "Trust":
        """The verdict that follows from findings.

        Args:
            findings: what the checks found.
            network_snr: as the attribute.
            snr: as the attribute.
            notes: as the attribute.
            certified: whether the exact likelihood confirms the result; else the verdict is at most "not certified".
        """
        best = TRUSTED if certified else NOT_CERTIFIED
        return cls(best, network_snr, snr, (), notes).add(*findings)

    @classmethod
    def unknown(cls) -> "Trust":
        """The verdict of a result whose file does not contain one."""
        return cls(UNKNOWN, math.nan, {}, ())

    @property
    def trusted(self) -> bool:
        """Whether the result is certified and nothing speaks against it."""
        return self.grade is Grade.PASS

    @property
    def grade(self) -> Grade:
        """PASS, WARN or REFUSE; UNKNOWN without a verdict."""
        return _GRADES[self.verdict]

    def explain(self) -> str:
        """The verdict with its reasons, on one line.

        Example:
            >>> Trust("untrusted", 9.0, {}, ("no signal", "heavy tail")).explain()
            'untrusted: no signal; heavy tail'
        """
        return f"{self.verdict}: {'; '.join(self.reasons)}" if self.reasons else self.verdict

    def add(self, *findings: Finding) -> "Trust":
        """The verdict after further findings.

        Args:
            findings: what further checks found.
        """
        levels = [finding.level for finding in findings]
        verdict = self.verdict
        if Level.REFUSE in levels:
            verdict = UNTRUSTED
        elif Level.WARN in levels and verdict == TRUSTED:
            verdict = DOUBTFUL
        everything = (*self.findings, *findings)
        told = {level: [one.message for one in everything if one.level is level] for level in Level}
        stored = [reason for reason in self.reasons if all(reason != one.message for one in self.findings)]
        reasons = dict.fromkeys((*stored, *told[Level.REFUSE], *told[Level.WARN]))
        return replace(self, verdict=verdict, reasons=tuple(reasons), findings=everything)

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON values, the findings by area; an unknown signal-to-noise ratio becomes null."""
        return {
            "verdict": self.verdict,
            "network_snr": self.network_snr if math.isfinite(self.network_snr) else None,
            "snr": dict(self.snr),
            "reasons": self.reasons,
            "notes": self.notes,
            "grade": self.grade.value,
            **{area: [one.to_json() for one in self.findings if one.area == area] for area in AREAS},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Trust":
        """Inverse of `to_json`.

        Args:
            values: JSON values by attribute name.

        Raises:
            KeyError: an attribute is missing.
        """
        loudness = math.nan if values["network_snr"] is None else values["network_snr"]
        findings = tuple(Finding.from_json(one) for area in AREAS for one in values.get(area, ()))
        reasons, notes = tuple(values["reasons"]), tuple(values.get("notes", ()))
        return cls(values["verdict"], loudness, dict(values["snr"]), reasons, notes, findings)
