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
from chirpleaf.physics.approximants import can_precess
from chirpleaf.physics.prior_kinds import decode_prior
from chirpleaf.physics.spaces import make_space


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
        precesses: whether spins in the orbital plane are among its parameters.
    """

    name: str
    duration: float
    precesses: bool = False

    def load(self) -> Model:
        """Reads the model, once."""
        return load_model(self.name)


def posteriors(approximant: str | None = None) -> tuple[ShippedModel, ...]:
    """The shipped models of all intrinsic parameters that suit an approximant, the shortest segment first.

    An approximant that precesses needs a model of precessing spins. All others, and an analysis that names none, have
    the models of aligned spins.

    Args:
        approximant: waveforms of the likelihood; those of the models if None.

    Raises:
        InputError: the approximant is unknown.
    """
    precessing = approximant is not None and can_precess(approximant)
    architectures = {name: document["architecture"] for name, document in available_models().items()}
    found = [
        ShippedModel(name, own["duration"], _precesses(own))
        for name, own in architectures.items()
        if own["head"]["kind"] in DENSITY_HEADS
    ]
    return tuple(sorted((one for one in found if one.precesses == precessing), key=lambda model: model.duration))


def _precesses(architecture: dict[str, Any]) -> bool:
    """Whether the parameters of an architecture, as a model file states it, include spins in the orbital plane."""
    prior = decode_prior(architecture["prior"])
    return make_space(prior, architecture.get("parameter_space", "aligned")).has_inclination


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
