"""What the shell completes after the names of verbs and options: events, models, detectors and presets.

The shell runs these functions at each press of the tabulator key, so they read names and import nothing heavy.
`chirpleaf --install-completion` arms the shell.
"""

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from chirpleaf.cli.presets import list_presets


def complete_event(incomplete: str) -> list[str]:
    """Embedded events.

    Args:
        incomplete: what was typed so far.

    Returns:
        Names that begin with it.
    """
    from chirpleaf.strain.events import events

    return [name for name in events() if name.startswith(incomplete)]


def complete_model(incomplete: str) -> list[str]:
    """Shipped models, and model files.

    Args:
        incomplete: what was typed so far.

    Returns:
        Names and paths that begin with it.
    """
    weights = Path(str(resources.files("chirpleaf.models"))) / "weights"
    names = (path.stem for path in sorted(weights.glob("*.safetensors")))
    return [*(name for name in names if name.startswith(incomplete)), *_complete_path(incomplete, ".safetensors")]


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
    return [f"{former}{comma}{name}" for name in _list_detectors() if name.startswith(typed) and name not in chosen]


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
    return [f"{name}=" for name in _list_detectors() if name.startswith(incomplete)]


def _list_detectors() -> tuple[str, ...]:
    """Detectors that have noise curves, which are all; `physics.detectors` would import LAL."""
    curves = resources.files("chirpleaf.strain") / "data" / "design" / "detectors.json"
    return tuple(json.loads(curves.read_text(encoding="utf-8"))["instruments"])


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
