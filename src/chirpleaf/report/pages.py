"""The content of a report as plain values, which pass from the process of the analysis to that of the drawing."""

from dataclasses import dataclass
from typing import NamedTuple


class Row(NamedTuple):
    """A line of the table of parameters, in text.

    Attributes:
        name: bilby's name of the parameter.
        median: median.
        interval: 90 % interval.
        unit: unit; empty if dimensionless.
        published: published median with its 90 % errors; empty if none is known.
        components: uncertainty components of leaf estimates, in the order of `Page.components`.
    """

    name: str
    median: str
    interval: str
    unit: str
    published: str = ""
    components: tuple[str, ...] = ()


class Remark(NamedTuple):
    """A finding of a check, or a note.

    Attributes:
        level: "note", "warn" or "refuse".
        text: one sentence.
    """

    level: str
    text: str


class Fact(NamedTuple):
    """A line of a list of names and values."""

    name: str
    value: str


class Picture(NamedTuple):
    """A picture of the page.

    Attributes:
        name: name of the image that the page shows.
        title: heading of the section.
        caption: what it shows, in one or two sentences; also read out by screen readers.
        columns: width on a wide screen, in twelfths of the page.
        detailed: whether a narrow screen scrolls it, because its text would be too small.
    """

    name: str
    title: str
    caption: str
    columns: int = 12
    detailed: bool = False


@dataclass(frozen=True)
class Page:
    """Everything that a report says, but for its images.

    Attributes:
        event: name of the event.
        subtitle: detectors, time, waveforms and model.
        grade: "PASS", "WARN", "REFUSE" or "UNKNOWN".
        verdict: the verdict in one or two words.
        sentence: what the verdict means for the reader.
        summary: the main numbers in a sentence; empty where no draw is possible.
        remarks: findings, the worst first, then notes.
        rows: table of the parameters; empty where no draw is possible.
        components: names of the uncertainty components, further columns of the table.
        published: short name of the published values; empty if none are known.
        published_source: where they stand.
        facts: diagnostics of the sampling.
        pictures: pictures in their order.
        comparison: comparison with other samples of the event, a row for each parameter; empty without them.
        comparison_name: name of these samples.
        provenance: origin of the result.
        command: the command that makes the result again.
        version: version of chirpleaf.
    """

    event: str
    subtitle: str
    grade: str
    verdict: str
    sentence: str
    summary: str
    remarks: tuple[Remark, ...]
    rows: tuple[Row, ...]
    components: tuple[str, ...]
    published: str
    published_source: str
    facts: tuple[Fact, ...]
    pictures: tuple[Picture, ...]
    comparison: tuple[tuple[str, ...], ...]
    comparison_name: str
    provenance: tuple[Fact, ...]
    command: str
    version: str
