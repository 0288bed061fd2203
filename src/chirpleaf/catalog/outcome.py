"""Outcome of one event of a catalogue: its numbers, its verdict and its exit code, or the reason why there are none."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chirpleaf.result.json_files import write_json
from chirpleaf.result.trust import Grade
from chirpleaf.system.documents import parse_json
from chirpleaf.system.files import write_atomically
from chirpleaf.system.products import find_changed, read_products

if TYPE_CHECKING:
    from chirpleaf.result import LeafEstimates, Posterior

DONE, FAILED, WRONG_INPUT, NOT_TRUSTED = 0, 1, 2, 3
"""Exit codes of an event: answered, an error of the program or of the machine, wrong input, untrusted answer."""

ANSWERED = (DONE, NOT_TRUSTED)
"""Codes of events that a resumed run does not analyse again."""

FILE_NAME = "outcome.json"

_SAME = 0.2
"""Difference of two times of one merger, s: each is known within 0.1 s. A larger one would refuse other events."""


@dataclass(frozen=True)
class Row:
    """Median and 90 % interval of a parameter.

    Attributes:
        median: median.
        lower: 5 % quantile.
        upper: 95 % quantile.
        unit: unit; empty if dimensionless.
    """

    median: float
    lower: float
    upper: float
    unit: str


@dataclass(frozen=True)
class Outcome:
    """What became of one event.

    Attributes:
        name: name of its entry.
        exit_code: one of `DONE`, `FAILED`, `WRONG_INPUT`, `NOT_TRUSTED`.
        verdict: verdict of the result; "failed" or "wrong input" without one.
        grade: PASS, WARN, REFUSE or UNKNOWN.
        reasons: why it is not trusted, or what went wrong.
        seconds: time of the analysis, with its files.
        cpu_seconds: the same, of the processor; less on a busy machine.
        event: name of the event in the result.
        trigger_time: GPS time, seconds; None without a result.
        detectors: detectors with data.
        waveforms: waveform model of the likelihood.
        model: name of the network.
        snr: network signal-to-noise ratio; None if unknown.
        efficiency: of importance sampling; None if not certified.
        effective_samples: likewise.
        log_bayes_factor: ln of the Bayes factor of a signal to noise; likewise.
        parameters: parameter name to median and interval.
        files: name to SHA-256 of each file of the result.
    """

    name: str
    exit_code: int
    verdict: str
    grade: str
    reasons: tuple[str, ...]
    seconds: float
    cpu_seconds: float = 0.0
    event: str = ""
    trigger_time: float | None = None
    detectors: tuple[str, ...] = ()
    waveforms: str = ""
    model: str = ""
    snr: float | None = None
    efficiency: float | None = None
    effective_samples: float | None = None
    log_bayes_factor: float | None = None
    parameters: Mapping[str, Row] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_result(cls, name: str, result: "Posterior | LeafEstimates") -> "Outcome":
        """The outcome of an analysis that gave a result.

        Args:
            name: name of the entry.
            result: the result.

        Returns:
            The outcome without its times.
        """
        from chirpleaf.result import Posterior  # noqa: PLC0415 - the process that hands out the work does not need it

        origin, trust = result.provenance, result.trust
        certificate = result.certificate if isinstance(result, Posterior) else None
        rows = {} if result.impossible else result.summary()
        return cls(
            name=name,
            exit_code=NOT_TRUSTED if trust.grade is Grade.REFUSE else DONE,
            verdict=trust.verdict,
            grade=trust.grade.value,
            reasons=trust.reasons,
            seconds=0.0,
            event=origin.event,
            trigger_time=origin.trigger_time,
            detectors=tuple(origin.detectors),
            waveforms=origin.waveforms,
            model=origin.model,
            snr=_finite(trust.network_snr),
            efficiency=None if certificate is None else _finite(certificate.efficiency),
            effective_samples=None if certificate is None else _finite(certificate.effective_samples),
            log_bayes_factor=None if certificate is None else _finite(certificate.log_bayes_factor),
            parameters={
                name: Row(float(row["median"]), float(row["lower"]), float(row["upper"]), str(row["unit"]))
                for name, row in rows.items()
            },
        )

    @classmethod
    def of_failure(cls, name: str, exit_code: int, reason: str) -> "Outcome":
        """The outcome of an analysis without a result.

        Args:
            name: name of the entry.
            exit_code: `FAILED` or `WRONG_INPUT`.
            reason: one sentence.

        Returns:
            The outcome without its times.
        """
        verdict = "wrong input" if exit_code == WRONG_INPUT else "failed"
        return cls(name, exit_code, verdict, Grade.UNKNOWN.value, (" ".join(reason.split()),), 0.0)

    def to_json(self) -> dict[str, Any]:
        """The attributes as JSON values."""
        return asdict(self)

    def write(self, folder: Path, made_of: Mapping[str, Any]) -> None:
        """Writes the outcome, after which the event counts as finished.

        Args:
            folder: folder of the event.
            made_of: input and settings of the analysis, as JSON values.
        """
        with write_atomically(folder / FILE_NAME, durable=True) as scratch:
            write_json(lambda: {"made_of": made_of, "outcome": self.to_json()}, scratch, indented=True)


def read_outcome(folder: Path, made_of: Mapping[str, Any]) -> Outcome | None:
    """Reads the outcome of an event.

    Args:
        folder: folder of the event.
        made_of: input and settings that it must have been made of.

    Returns:
        None if the event is not finished, a file of its result or this one is missing or damaged, or input or settings
        were others.
    """
    try:
        found = parse_json((folder / FILE_NAME).read_text(encoding="utf-8"))
        values = {**found["outcome"]}
        for name in ("reasons", "detectors"):
            values[name] = tuple(values[name])
        values["parameters"] = {name: Row(**row) for name, row in values["parameters"].items()}
        if "files" not in values:  # of a former version, which left them to the record of the folder
            values["files"] = read_products(folder)
            if not values["files"]:
                return None
        outcome = Outcome(**values)
        return outcome if found["made_of"] == made_of and not find_changed(folder, outcome.files) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def refuse_repeated(outcomes: Sequence[Outcome], own: Collection[str] = ()) -> list[Outcome]:
    """Refuses events that are listed under two names, each after the first: they would count twice.

    Args:
        outcomes: in the order of the table.
        own: names of entries with files of strain, which may be compared with open data of the same event.

    Returns:
        The outcomes, in the same order.
    """
    found: list[Outcome] = []
    for one in outcomes:
        time = None if one.name in own else one.trigger_time
        same = [first for first in found if time is not None and first.name not in own and _is_same(first, time)]
        if same:
            reason = (
                f"expected each event once; got {one.name}, which is {same[0].name} by its time, GPS {time:.1f}: leave "
                "one out"
            )
            found.append(Outcome.of_failure(one.name, WRONG_INPUT, reason))
        else:
            found.append(one)
    return found


def _is_same(outcome: Outcome, time: float) -> bool:
    """Whether an event merged at a time; one that was refused has none."""
    return outcome.trigger_time is not None and abs(outcome.trigger_time - time) < _SAME


def worst_code(codes: "set[int]") -> int:
    """Exit code of a catalogue: 1 before 2 before 3 before 0.

    Args:
        codes: those of its events.

    Example:
        >>> worst_code({0, 2, 3}), worst_code({0, 3}), worst_code({0})
        (2, 3, 0)
    """
    return next((code for code in (FAILED, WRONG_INPUT, NOT_TRUSTED) if code in codes), DONE)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
