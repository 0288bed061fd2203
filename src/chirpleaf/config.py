"""Presets: YAML files with the settings of a training run, validated by pydantic.

Only the command line reads presets; the library takes keywords. A preset may name another preset in the same folder as
its `base`. It then contains only the differences: sections are merged setting by setting, other entries are replaced.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, cast

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from chirpleaf.errors import InputError
from chirpleaf.models.architecture import Architecture, Head, Root
from chirpleaf.models.architecture_checks import check_architecture
from chirpleaf.models.architecture_json import join_encoder
from chirpleaf.networks.encoders import EncoderSettings
from chirpleaf.physics.prior_kinds import PriorDistribution, encode_prior, find_kind, is_registered
from chirpleaf.representation.anchoring import Along
from chirpleaf.representation.series import SeriesSettings
from chirpleaf.representation.templates import TemplateSettings
from chirpleaf.system.checks import check_settings
from chirpleaf.system.constraints import Fraction, PositiveFloat, PositiveInt, Seed
from chirpleaf.system.documents import parse_yaml
from chirpleaf.system.files import write_atomically
from chirpleaf.system.limits import LIMITS, find_fault
from chirpleaf.training.parallel.communication import Communication
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_DEFAULT = Architecture()


def _validate_prior(values: Any) -> PriorDistribution:
    """A prior of the class that its `kind` names, checked by the types and bounds of that class."""
    if is_registered(values):
        return values
    if not isinstance(values, dict):
        raise PydanticCustomError("prior", "Input should be a section of settings")
    try:
        fields = {name: value for name, value in values.items() if name != "kind"}
        adapter: TypeAdapter[PriorDistribution] = TypeAdapter(cast(Any, find_kind(values)))
        return adapter.validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PydanticCustomError("prior", "{text}", {"text": f"{place}: {first['msg']}"}) from error


Prior = Annotated[PriorDistribution, PlainValidator(_validate_prior), PlainSerializer(encode_prior)]
"""Any registered prior; its section of a preset states the `kind` unless it is the default."""


class Preset(_Section):
    """A training run.

    The fields of the architecture stand at the top level of a preset; `models.architecture.Architecture` describes them
    and has their defaults.

    Attributes:
        name: name of the model.
        seed: seed of weights, binaries, spectra and batches.
        simulation: sizes and ranges of the training data.
        schedule: length and learning rate of the training.
        communication: how ranks average their gradients.
        start: name or file of a model whose weights the training begins with, as `--start`.
    """

    name: str
    seed: Seed = 0
    start: str | None = None
    detectors: tuple[str, ...] = _DEFAULT.detectors
    parameter_space: str = _DEFAULT.parameter_space
    prior: Prior = _DEFAULT.prior
    signal: str = _DEFAULT.signal
    approximant: str = _DEFAULT.approximant
    duration: PositiveFloat = _DEFAULT.duration
    minimum_frequency: PositiveFloat = _DEFAULT.minimum_frequency
    maximum_frequency: PositiveFloat = _DEFAULT.maximum_frequency
    fold: PositiveInt = _DEFAULT.fold
    widest: PositiveFloat = _DEFAULT.widest
    arrival_margin: PositiveFloat | None = _DEFAULT.arrival_margin
    delay: PositiveFloat = _DEFAULT.delay
    templates: TemplateSettings = _DEFAULT.templates
    along: Along = _DEFAULT.along
    series: SeriesSettings | None = _DEFAULT.series
    encoder: EncoderSettings = Field(default=_DEFAULT.encoder, discriminator="kind")
    root: Root = _DEFAULT.root
    n_context: PositiveInt = _DEFAULT.n_context
    head: Head = Field(default=_DEFAULT.head, discriminator="kind")
    background: Fraction = _DEFAULT.background
    simulation: Simulation = Simulation()
    schedule: Schedule = Schedule()
    communication: Communication = Communication()

    @model_validator(mode="before")
    @classmethod
    def _join_encoder(cls, values: Any) -> Any:
        """Takes the name of an encoder for its section, and the sizes of older presets, which stand in `pooling`."""
        if not isinstance(values, dict) or not isinstance(values.get("encoder", ""), str | dict):
            return values  # refused by the types of the fields
        try:
            encoder = join_encoder(values)
        except (InputError, TypeError) as error:
            raise PydanticCustomError(
                "encoder", "settings of the encoder belong in its section, not in pooling"
            ) from error
        return {**{name: value for name, value in values.items() if name != "pooling"}, "encoder": encoder}

    def architecture(self) -> Architecture:
        """The architecture that the preset trains.

        Raises:
            InputError: the prior holds no binary.
        """
        return Architecture(**{field.name: getattr(self, field.name) for field in fields(Architecture)})

    def check(self) -> None:
        """Checks that the settings fit together; pydantic has checked each one.

        Raises:
            InputError: they do not.
        """
        check_architecture(self.architecture())
        for settings in (self.simulation, self.schedule, self.communication):
            check_settings(settings)
        self.simulation.check(self.detectors)


def read_preset(path: Path) -> Preset:
    """Reads and checks a preset.

    Args:
        path: YAML file.

    Raises:
        InputError: the file is missing or not YAML, or a setting is unknown or out of range.
    """
    try:
        preset = Preset.model_validate(_read_settings(path))
        preset.check()
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"expected a valid preset; got {place} in {path}: {first['msg']}: mend it") from error
    return preset


def vary_preset(preset: Preset, changes: Mapping[str, Any]) -> Preset:
    """Changes settings of a preset.

    Args:
        preset: the preset.
        changes: settings in the form of a preset's file; sections are merged as with a `base`.

    Returns:
        The changed preset.

    Raises:
        InputError: a setting is unknown or out of range, or the settings do not fit together.
    """
    try:
        changed = Preset.model_validate(_merge(preset.model_dump(mode="json"), dict(changes)))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"expected changes that make a preset; got {place}: {first['msg']}: mend them") from error
    changed.check()
    return changed


def write_preset(preset: Preset, path: Path) -> None:
    """Writes a preset with all of its settings, including defaults and the settings of its base.

    Args:
        preset: the preset.
        path: the file; replaced if it exists.
    """
    with write_atomically(path) as scratch:
        scratch.write_text(yaml.safe_dump(preset.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


def _read_settings(path: Path, derived: tuple[Path, ...] = ()) -> Any:
    """The settings of a file merged over those of its base; `derived` are the presets based on it."""
    fault = find_fault(path, LIMITS.document_bytes)
    if fault == "does not exist":
        raise InputError(
            f"expected a preset file; got no file {path}: those of the shipped models are in chirpleaf/training/presets"
        )
    if fault:
        raise InputError(f"expected a preset file; got {path}, which {fault}: check the path")
    try:
        settings = parse_yaml(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"expected a YAML preset; got {path}, which does not parse ({error}): mend it") from error
    if not isinstance(settings, dict) or "base" not in settings:
        return settings
    base = path.parent / str(settings.pop("base"))
    if base.resolve() in (path.resolve(), *derived) or len(derived) > LIMITS.depth:
        raise InputError(f"expected presets with an end; got {base}, which is its own base: leave it out of {path}")
    return _merge(_read_settings(base, (*derived, path.resolve())), settings)


def _merge(base: Any, changes: Any) -> Any:
    """`changes` merged over `base`; a section of another kind replaces the whole section."""
    if not (isinstance(base, dict) and isinstance(changes, dict)) or base.get("kind") != changes.get(
        "kind", base.get("kind")
    ):
        return changes
    return base | {name: _merge(base.get(name), value) for name, value in changes.items()}
