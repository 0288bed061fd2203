"""Catalogues of the Open Science Center: the events of one, by its name."""

import difflib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from chirpleaf.errors import InputError
from chirpleaf.strain.gwosc.archive import Archive, CatalogueEvent
from chirpleaf.strain.gwosc.cache import open_folder
from chirpleaf.strain.gwosc.session import PatientSession
from chirpleaf.strain.gwosc.settings import DEFAULT_REQUESTS, RequestSettings, default_host
from chirpleaf.system.cache import cache_folder
from chirpleaf.system.files import write_atomically

CONFIDENT = "-confident"
"""Ending of the names of catalogues whose events are detections."""


def fetch_catalogue(
    name: str,
    *,
    host: str | None = None,
    cache: Path | None = None,
    offline: bool = False,
    settings: RequestSettings = DEFAULT_REQUESTS,
) -> tuple[str, tuple[CatalogueEvent, ...]]:
    """Lists the events of a catalogue; the list is kept in the cache for `offline`.

    Args:
        name: its name in any case, such as `"GWTC-2.1-confident"`; `-confident` may be left out.
        host: address of the server; `default_host()` if None.
        cache: folder of the cache; by default `cache_folder()`.
        offline: whether the cache alone is used.
        settings: patience with the server.

    Returns:
        The exact name, and the events in the order of time.

    Raises:
        InputError: there is no such catalogue, it is empty, or the server cannot be reached.
    """
    folder = (cache or cache_folder()) / "gwosc-catalogues"
    if offline:
        return _read_list(name, folder)
    with PatientSession(settings) as session:
        archive = Archive(host or default_host(), session)
        exact = choose_catalogue(name, archive.list_catalogues())
        events = archive.list_events(exact)
    if not events:
        raise InputError(f"expected events in catalogue {exact}; got none: name another one")
    with (
        open_folder(folder, settings.turn),
        write_atomically(folder / f"{exact.replace('/', '_')}.json") as scratch,
    ):
        scratch.write_text(json.dumps([asdict(one) for one in events], indent=1) + "\n", encoding="utf-8")
    return exact, events


def choose_catalogue(name: str, known: Sequence[str]) -> str:
    """The exact name of a catalogue.

    Args:
        name: its name in any case; `-confident` may be left out.
        known: names of all catalogues.

    Raises:
        InputError: there is no such catalogue.

    Example:
        >>> choose_catalogue("gwtc-3", ["GWTC-2.1-confident", "GWTC-3-confident", "GWTC-3-marginal"])
        'GWTC-3-confident'
    """
    by_case = {one.casefold(): one for one in known}
    for form in (name.casefold(), name.casefold() + CONFIDENT):
        if form in by_case:
            return by_case[form]
    close = difflib.get_close_matches(name.casefold(), list(by_case), n=3)
    hint = f"close matches: {', '.join(by_case[one] for one in close)}" if close else f"known: {', '.join(known)}"
    raise InputError(
        f"expected a catalogue of gwosc.org or a text file of events; got {name!r}; {hint or 'none known'}"
    )


def _read_list(name: str, folder: Path) -> tuple[str, tuple[CatalogueEvent, ...]]:
    """The list of a catalogue in the cache."""
    kept = sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []
    try:
        exact = choose_catalogue(name, kept)
        found = json.loads((folder / f"{exact}.json").read_text(encoding="utf-8"))
        return exact, tuple(CatalogueEvent(**one) for one in found)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"expected the list of catalogue {name} in {folder}, as --offline uses nothing else; got "
            f"{', '.join(kept) or 'none'}: run once without --offline"
        ) from error
