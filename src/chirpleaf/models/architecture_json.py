"""Architectures as JSON values: how a model file states them."""

from dataclasses import asdict
from typing import Any

from chirpleaf.errors import InputError
from chirpleaf.models.architecture import HEADS, Architecture, Head, Root
from chirpleaf.networks.convolutional import Convolution, ConvolutionalSettings
from chirpleaf.networks.encoders import ENCODERS, EncoderSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.prior_kinds import decode_prior, encode_prior
from chirpleaf.representation.series import SeriesSettings
from chirpleaf.representation.templates import TemplateSettings


def encode_architecture(architecture: Architecture) -> dict[str, Any]:
    """The architecture as JSON values."""
    return {**asdict(architecture), "prior": encode_prior(architecture.prior)}


def decode_architecture(values: dict[str, Any]) -> Architecture:
    """Inverse of `encode_architecture`. A model file that does not state `background` has no defensive component.

    Args:
        values: JSON values by field.

    Raises:
        InputError: a field is not known.
    """
    try:
        series = values.get("series")
        settings = {
            "prior": decode_prior(values["prior"]),
            "detectors": tuple(values["detectors"]),
            "templates": TemplateSettings(**_with_tuples(values["templates"])),
            "series": None if series is None else SeriesSettings(**series),
            "encoder": decode_encoder(values),
            "root": decode_root(values["root"]),
            "head": decode_head(values["head"]),
        }
        stated = {name: value for name, value in values.items() if name != "pooling"}  # now part of the encoder
        return Architecture(**{"background": 0.0, **stated, **settings})
    except (KeyError, TypeError) as error:
        raise InputError(
            f"expected the fields of an architecture; got something else ({error}): the model file is of another "
            "version of chirpleaf, update it"
        ) from error


def join_encoder(values: dict[str, Any]) -> dict[str, Any]:
    """Settings of the encoder as one section, also where they stand in two, as in older model files and presets.

    Args:
        values: settings of an architecture. `encoder` is a section or, alone or with sizes in `pooling`, a name.

    Returns:
        `kind` and settings of the encoder; a concatenation if none is named.

    Raises:
        InputError: both a section and `pooling` are given.
    """
    encoder = values.get("encoder", "concatenation")
    if isinstance(encoder, dict):
        if "pooling" in values:
            raise InputError("expected settings of the encoder in `encoder`; got `pooling` too: move them there")
        return encoder
    return {"kind": encoder, **(values.get("pooling", {}) if encoder == "pooled" else {})}


def decode_encoder(values: dict[str, Any]) -> EncoderSettings:
    """Settings of the encoder, from the JSON values of an architecture.

    Args:
        values: as for `join_encoder`.

    Raises:
        InputError: the encoder is unknown.
    """
    encoder = join_encoder(values)
    if encoder["kind"] not in ENCODERS:
        known = ", ".join(ENCODERS)
        raise InputError(f"expected an encoder among {known}; got {encoder['kind']!r}: mend it or update chirpleaf")
    return ENCODERS[encoder["kind"]](**encoder)


def decode_head(values: dict[str, Any]) -> Head:
    """Settings of a head, from JSON values.

    Args:
        values: its `kind` and settings.

    Raises:
        InputError: the kind is unknown.
    """
    if values["kind"] not in HEADS:
        raise InputError(f"expected a head of {', '.join(HEADS)}; got {values['kind']!r}: mend it or update chirpleaf")
    return HEADS[values["kind"]](**_with_tuples(values))


def decode_root(values: dict[str, Any]) -> Root:
    """Settings of a root, from JSON values; `layers` make a convolutional one."""
    if "layers" in values:
        return ConvolutionalSettings(**{**values, "layers": tuple(Convolution(**layer) for layer in values["layers"])})
    return ResidualSettings(**_with_tuples(values))


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """JSON lists as tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
