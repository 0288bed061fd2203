"""Presets by name: `chirpleaf train bbh` takes the shipped preset where no file of that name exists."""

from importlib import resources
from pathlib import Path


def list_presets() -> dict[str, Path]:
    """The shipped presets by name.

    Example:
        >>> list_presets()["bbh"].name
        'bbh.yaml'
    """
    folder = Path(str(resources.files("chirpleaf.training"))) / "presets"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_preset(path: Path) -> Path:
    """The file of a preset.

    Args:
        path: a file, or the name of a shipped preset.

    Returns:
        The shipped preset if it has that name and there is no such file; else the path as it is.
    """
    return path if path.exists() else list_presets().get(str(path), path)


def find_presets(paths: list[Path]) -> list[Path]:
    """The files of several presets, as `find_preset`.

    Args:
        paths: files, or names of shipped presets.
    """
    return [find_preset(path) for path in paths]
