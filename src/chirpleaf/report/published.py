"""Published values of known events: medians and 90 % errors, as the catalogues print them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from chirpleaf.plots.intervals import Interval


@dataclass(frozen=True)
class Published:
    """Published values of an event.

    Attributes:
        name: short name of the publication.
        source: references.
        values: parameter name to median and errors of 90 %, in the unit of `physics.parameters`.
    """

    name: str
    source: str
    values: Mapping[str, Interval]


def find_published(event: str) -> Published | None:
    """Finds the published values of an event.

    Args:
        event: name of the event, as in the provenance of a result.

    Returns:
        The values; None if the package holds none.

    Example:
        >>> find_published("GW150914").values["final_mass_source"].median
        63.1
    """
    return _load().get(event)


@cache
def _load() -> Mapping[str, Published]:
    """The table of all events."""
    text = resources.files("chirpleaf.report").joinpath("data/published.json").read_text(encoding="utf-8")
    return {
        event: Published(
            entry["name"], entry["source"], {name: Interval(*map(float, one)) for name, one in entry["values"].items()}
        )
        for event, entry in json.loads(text).items()
    }
