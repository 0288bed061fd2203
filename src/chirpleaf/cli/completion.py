"""What the shell completes after the names of verbs and options: events, models, detectors, priors and the like.

The shell runs these functions at each press of the tabulator key, so they read names and import nothing heavy. The
tests compare the names that stand here with the registries.
`chirpleaf --install-completion` arms the shell.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from chirpleaf.cli.presets import list_presets
from chirpleaf.system.cache import cache_folder

PRIORS = ("isotropic", "uniform", "model", "standard", "comoving")
"""Presets of `inference.certify.target`, which is slow to import."""

APPROXIMANTS = (
    *("IMRPhenomXAS", "IMRPhenomXHM", "IMRPhenomXP", "IMRPhenomXPHM", "IMRPhenomXPNR", "IMRPhenomXO4a"),
    *("IMRPhenomD", "IMRPhenomHM", "IMRPhenomPv2", "IMRPhenomPv3", "IMRPhenomPv3HM"),
    *("IMRPhenomT", "IMRPhenomTHM", "IMRPhenomTP", "IMRPhenomTPHM"),
    *("SEOBNRv4_ROM", "SEOBNRv4HM_ROM", "SEOBNRv4P", "SEOBNRv4PHM"),
    *("SEOBNRv5_ROM", "SEOBNRv5HM_ROM", "SEOBNRv5HM", "SEOBNRv5PHM"),
    *("NRSur7dq4", "NRHybSur3dq8"),
)
"""Usual approximants of binary black holes. LALSimulation knows more, and takes a second or two to import."""

CATALOGUES = ("GWTC-1", "GWTC-2.1", "GWTC-3", "GWTC-4.0")
"""Catalogues of the Open Science Center; those that were fetched once come from the cache."""


def complete_event(incomplete: str) -> list[str]:
    """Embedded events, and those of the open catalogues that the cache knows; their names in any case.

    Args:
        incomplete: what was typed so far.

    Returns:
        Names that begin with it.
    """
    embedded = [one.name.removesuffix(".hdf5") for one in _list_data("events") if one.name.endswith(".hdf5")]
    cache = cache_folder()
    fetched = (folder.name for folder in _list_folder(cache / "gwosc") if folder.is_dir())
    listed = (name for file in _list_folder(cache / "gwosc-catalogues") for name in _list_events(file))
    return _select_any_case(dict.fromkeys((*sorted(embedded), *fetched, *listed)), incomplete)


def complete_catalogue(incomplete: str) -> list[str]:
    """Catalogues, and text files of events.

    Args:
        incomplete: what was typed so far.

    Returns:
        Names and paths that begin with it.
    """
    kept = (file.stem for file in _list_folder(cache_folder() / "gwosc-catalogues") if file.suffix == ".json")
    return [*_select_any_case(dict.fromkeys((*CATALOGUES, *kept)), incomplete), *_complete_path(incomplete, ".txt")]


def complete_prior(incomplete: str) -> list[str]:
    """Priors of the likelihood, and prior files of bilby.

    Args:
        incomplete: what was typed so far.

    Returns:
        Names and paths that begin with it.
    """
    return [*_select(PRIORS, incomplete), *_complete_path(incomplete, ".prior")]


def complete_approximant(incomplete: str) -> list[str]:
    """Usual approximants of binary black holes, in any case.

    Args:
        incomplete: what was typed so far.

    Returns:
        Names that begin with it.
    """
    return _select_any_case(APPROXIMANTS, incomplete)


def complete_choice(*choices: str) -> Callable[[str], list[str]]:
    """Makes the completion of an option that takes one of a few words.

    Args:
        choices: the words.
    """

    def complete(incomplete: str) -> list[str]:
        return _select(choices, incomplete)

    return complete


def complete_model(incomplete: str) -> list[str]:
    """Shipped models, and model files.

    Args:
        incomplete: what was typed so far.

    Returns:
        Names and paths that begin with it.
    """
    weights = Path(str(resources.files("chirpleaf"))) / "models" / "weights"
    names = (path.stem for path in sorted(weights.glob("*.safetensors")))
    return [*_select(names, incomplete), *_complete_path(incomplete, ".safetensors")]


def complete_preset(incomplete: str) -> list[str]:
    """Shipped presets, and preset files.

    Args:
        incomplete: what was typed so far.

    Returns:
        Names and paths that begin with it.
    """
    names = (name for name in list_presets() if name.startswith(incomplete))
    return [*names, *_complete_path(incomplete, ".yaml")]


def complete_detectors(incomplete: str) -> list[str]:
    """The next of several detectors with commas between them.

    Args:
        incomplete: what was typed so far, such as `H1,`.

    Returns:
        The same with each detector that may follow.
    """
    former, comma, typed = incomplete.rpartition(",")
    chosen = former.split(",")
    return [f"{former}{comma}{name}" for name in _select(_list_detectors(), typed) if name not in chosen]


def complete_detector(incomplete: str) -> list[str]:
    """One detector.

    Args:
        incomplete: what was typed so far.

    Returns:
        Names that begin with it.
    """
    return _select(_list_detectors(), incomplete)


def complete_detector_file(incomplete: str) -> list[str]:
    """A detector and a file, as `H1=FILE`.

    Args:
        incomplete: what was typed so far.

    Returns:
        Detectors, or, after the equals sign, paths.
    """
    detector, equals, path = incomplete.partition("=")
    if equals:
        return [f"{detector}={one}" for one in _complete_path(path)]
    return [f"{name}=" for name in _select(_list_detectors(), incomplete)]


def _list_detectors() -> tuple[str, ...]:
    """Detectors that have noise curves, which are all; `physics.detectors` would import LAL."""
    curves = next(entry for entry in _list_data("design") if entry.name == "detectors.json")
    return tuple(json.loads(curves.read_text(encoding="utf-8"))["instruments"])


def _list_data(kind: str) -> Iterator[Traversable]:
    """Data files of strain; `resources.files("chirpleaf.strain")` would import that package."""
    return (resources.files("chirpleaf") / "strain" / "data" / kind).iterdir()


def _list_folder(folder: Path) -> list[Path]:
    """Entries of a folder that may not exist."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _list_events(file: Path) -> list[str]:
    """Names of the events in the list of a catalogue; none if it cannot be read."""
    try:
        return [str(one["name"]) for one in json.loads(file.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _select(names: Iterable[str], incomplete: str) -> list[str]:
    """Names that begin with what was typed."""
    return [name for name in names if name.startswith(incomplete)]


def _select_any_case(names: Iterable[str], incomplete: str) -> list[str]:
    """Names that begin with what was typed in any case; the shell wants them to begin as it was typed."""
    n = len(incomplete)
    return [incomplete + name[n:] for name in names if name[:n].casefold() == incomplete.casefold()]


def _complete_path(incomplete: str, suffix: str = "") -> Iterator[str]:
    """Folders, and files of a kind, that begin with what was typed."""
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    prefix = incomplete[: incomplete.rfind("/") + 1]
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        hidden = entry.name.startswith(".")
        if (
            (prefix + entry.name).startswith(incomplete)
            and not hidden
            and (entry.is_dir() or entry.suffix == suffix or not suffix)
        ):
            yield f"{prefix}{entry.name}{'/' if entry.is_dir() else ''}"
