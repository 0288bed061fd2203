"""Models that the package contains, and loading of models by name or from a file."""

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from chirpleaf.errors import InputError
from chirpleaf.models.architecture import DENSITY_HEADS
from chirpleaf.models.files import describe, load
from chirpleaf.models.model import Model


def _folder() -> Path:
    return Path(str(resources.files("chirpleaf.models"))) / "weights"


def available_models() -> dict[str, dict[str, Any]]:
    """The shipped models: name to the document of its file (architecture, provenance)."""
    return {path.stem: describe(path) for path in sorted(_folder().glob("*.safetensors"))}


def posteriors() -> tuple[str, ...]:
    """Names of the shipped models that give a joint posterior of all intrinsic parameters."""
    documents = available_models().items()
    return tuple(name for name, document in documents if document["architecture"]["head"]["kind"] in DENSITY_HEADS)


@lru_cache(maxsize=8)
def _cached(path: Path) -> Model:
    return load(path)


def load_model(name: str | Path) -> Model:
    """A shipped model by name, or any model by file.

    Args:
        name: name of a shipped model, or path of a model file.

    Returns:
        The model, in evaluation mode; loaded once.

    Raises:
        InputError: the model or file is missing or damaged.
    """
    text = str(name)
    if text.endswith(".safetensors") or "/" in text:
        return load(Path(name))
    shipped = _folder() / f"{text}.safetensors"
    if not shipped.is_file():
        known = ", ".join(path.stem for path in sorted(_folder().glob("*.safetensors")))
        raise InputError(
            f"expected a shipped model ({known}) or a .safetensors file; got {text!r}: see `chirpleaf models`"
        )
    return _cached(shipped)
