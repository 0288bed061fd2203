"""Models that the package contains, and loading of models by name or from a file."""

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from chirpleaf.errors import InputError
from chirpleaf.models.architecture import DENSITY_HEADS
from chirpleaf.models.files import describe, load
from chirpleaf.models.model import Model


def _folder() -> Path:
    return Path(str(resources.files("chirpleaf.models"))) / "weights"


def available_models() -> dict[str, dict[str, Any]]:
    """The shipped models: name to the document of its file (architecture, provenance)."""
    return {path.stem: describe(path) for path in sorted(_folder().glob("*.safetensors"))}


@runtime_checkable
class Candidate(Protocol):
    """A model that an analysis may use, in memory or on the disk."""

    @property
    def name(self) -> str:
        """Name of the model."""
        ...

    @property
    def duration(self) -> float:
        """Length of the segment it takes, seconds."""
        ...

    def load(self) -> Model:
        """The model, read if it is not in memory."""
        ...


@dataclass(frozen=True)
class ShippedModel:
    """A shipped model that is read when it is needed; a `Candidate`.

    Attributes:
        name: name of the model.
        duration: length of the segment it takes, seconds.
    """

    name: str
    duration: float

    def load(self) -> Model:
        """Reads the model, once."""
        return load_model(self.name)


def posteriors() -> tuple[ShippedModel, ...]:
    """The shipped models that give a joint posterior of all intrinsic parameters, the shortest segment first."""
    architectures = {name: document["architecture"] for name, document in available_models().items()}
    found = [
        ShippedModel(name, own["duration"])
        for name, own in architectures.items()
        if own["head"]["kind"] in DENSITY_HEADS
    ]
    return tuple(sorted(found, key=lambda model: model.duration))


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
