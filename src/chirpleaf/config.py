"""Presets: what a training run is, as a YAML file checked by pydantic.

Only the command line reads presets; the library takes keywords. A preset may name another one beside it as its `base`,
and then holds what differs from it: sections are merged setting by setting, all else is replaced.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from chirpleaf.errors import InputError
from chirpleaf.models.architecture import Architecture, Head, Root
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.representation.anchoring import Along
from chirpleaf.representation.series import SeriesSettings
from chirpleaf.representation.templates import TemplateSettings
from chirpleaf.system.constraints import Fraction
from chirpleaf.system.files import write_atomically
from chirpleaf.training.parallel.communication import Communication
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Preset(_Section):
    """A training run."""

    name: str
    seed: int = 0
    detectors: tuple[str, ...] = ("H1", "L1")
    duration: PositiveFloat = 8.0
    minimum_frequency: PositiveFloat = 20.0
    maximum_frequency: PositiveFloat = 1024.0
    fold: PositiveInt = 4
    widest: PositiveFloat = 8.0
    signal: str = "quadrupole"
    approximant: str = "IMRPhenomXAS"
    parameter_space: str = "aligned"
    prior: IntrinsicPrior = IntrinsicPrior()
    templates: TemplateSettings = TemplateSettings()
    along: Along = "chirp_mass"
    series: SeriesSettings | None = None
    encoder: str = "concatenation"
    root: Root = ResidualSettings()
    n_context: PositiveInt = 128
    head: Head = Field(default=MixtureSettings(), discriminator="kind")
    background: Fraction = 0.01
    simulation: Simulation = Simulation()
    schedule: Schedule = Schedule()
    communication: Communication = Communication()

    def architecture(self) -> Architecture:
        """What is trained.

        Raises:
            InputError: the prior holds no binary.
        """
        return Architecture(**{name: getattr(self, name) for name in Architecture.__dataclass_fields__})


def read_preset(path: Path) -> Preset:
    """Reads and checks a preset.

    Args:
        path: YAML file.

    Raises:
        InputError: there is no such file, it is not YAML, or a setting is unknown or out of range.
    """
    try:
        return Preset.model_validate(_settings(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"expected a valid preset; got {place} in {path}: {first['msg']}: mend it") from error


def write_preset(preset: Preset, path: Path) -> None:
    """Writes a preset whole, its defaults and what it has from its base included.

    Args:
        preset: what to write.
        path: the file; replaced if it exists.
    """
    with write_atomically(path) as scratch:
        scratch.write_text(yaml.safe_dump(preset.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


def _settings(path: Path, above: tuple[Path, ...] = ()) -> Any:
    """What a file says, laid over what its base says; `above` are the presets that it is the base of."""
    if not path.is_file():
        raise InputError(
            f"expected a preset file; got no file {path}: those of the shipped models are in chirpleaf/training/presets"
        )
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"expected a YAML preset; got {path}, which does not parse ({reason}): mend it") from error
    if not isinstance(settings, dict) or "base" not in settings:
        return settings
    base = path.parent / str(settings.pop("base"))
    if base.resolve() in (path.resolve(), *above):
        raise InputError(f"expected presets with an end; got {base}, which is its own base: leave it out of {path}")
    return _merged(_settings(base, (*above, path.resolve())), settings)


def _merged(base: Any, changes: Any) -> Any:
    """`changes` over `base`; a section of another kind takes nothing from the one that it replaces."""
    if not (isinstance(base, dict) and isinstance(changes, dict)) or base.get("kind") != changes.get(
        "kind", base.get("kind")
    ):
        return changes
    return base | {name: _merged(base.get(name), value) for name, value in changes.items()}
