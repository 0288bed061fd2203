"""Checks of what a result consists of: lengths, finite numbers, known names, and the types of stored attributes."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.parameters import PARAMETERS

Array = NDArray[np.float64]


def check_densities(log_prob: Array, log_weight: Array) -> int:
    """Checks the densities and weights of draws.

    Args:
        log_prob: ln of the density of each draw.
        log_weight: ln of the importance weight of each draw; minus infinity stands for weight zero.

    Returns:
        The number of draws.

    Raises:
        InputError: they are not both of one shape (n,) with n > 0, or one is NaN or plus infinity.
    """
    for name, values in (("log_prob", log_prob), ("log_weight", log_weight)):
        _check_shape(name, values, log_prob.size)
        wrong = np.isnan(values) | np.isposinf(values)
        if wrong.any():
            raise InputError(
                f"expected {name} to be a number or -inf for each draw; got {values[wrong][0]} for {wrong.sum()} of "
                f"{len(values)} draws: compute them again"
            )
    return len(log_prob)


def check_samples(samples: Mapping[str, Array], n: int) -> None:
    """Checks samples.

    Args:
        samples: parameter name to values.
        n: number of values of each parameter.

    Raises:
        InputError: there is no parameter, one is unknown, or its values are not n finite numbers.
    """
    if not samples:
        raise InputError("expected samples of at least one parameter; got none: name one of `physics.parameters`")
    for name, values in samples.items():
        if name not in PARAMETERS:
            raise InputError(f"expected names of parameters; got {name!r}: take one of `physics.parameters`")
        _check_shape(name, values, n)
        wrong = ~np.isfinite(values)
        if wrong.any():
            raise InputError(
                f"expected finite samples of {name}; got {values[wrong][0]} for {wrong.sum()} of {n}: compute them "
                "again"
            )


def check_names(names: Iterable[str], samples: Mapping[str, Array]) -> None:
    """Checks that there are samples of some parameters.

    Args:
        names: names of the parameters.
        samples: parameter name to values.

    Raises:
        InputError: a parameter is missing.
    """
    missing = [name for name in names if name not in samples]
    if missing:
        raise InputError(f"expected samples of {', '.join(missing)}; got {', '.join(samples)} alone: add them")


def check_types(value: object) -> None:
    """Checks that the fields of a dataclass have the types of their annotations.

    Args:
        value: instance of a dataclass whose fields are numbers, text, tuples, mappings and such instances.

    Raises:
        InputError: a field has another type.
    """
    assert is_dataclass(value)
    hints = get_type_hints(type(value))
    for field in fields(value):
        check_type(field.name, getattr(value, field.name), hints[field.name])


def check_type(name: str, value: object, hint: Any) -> None:
    """Checks that a value has the type of an annotation.

    Args:
        name: name of the value.
        value: a number, text, tuple, mapping or instance of a dataclass.
        hint: the annotation.

    Raises:
        InputError: the value has another type.
    """
    if not _fits(value, hint):
        wanted, shown = getattr(hint, "__name__", hint), " ".join(repr(value).split())[:60]
        wanted = wanted if isinstance(hint, type) else str(hint).replace("collections.abc.", "")
        raise InputError(f"expected {name} to be {wanted}; got {shown}: correct it")


def _check_shape(name: str, values: Array, n: int) -> None:
    if values.shape != (n,) or not n:
        shape = " x ".join(map(str, values.shape)) or "no list of"
        raise InputError(
            f"expected {n or 'some'} values of {name}, one for each draw; got {shape} values: make them so"
        )


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value has the type of an annotation."""
    kind, parts = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, UnionType, Literal):
        return value in parts if kind is Literal else any(_fits(value, part) for part in parts)
    if kind is tuple and isinstance(value, tuple):
        wanted = parts[:1] * len(value) if parts[-1] is Ellipsis else parts
        return len(value) == len(wanted) and all(map(_fits, value, wanted))
    if kind in (dict, Mapping) and isinstance(value, Mapping):
        return all(_fits(name, parts[0]) and _fits(entry, parts[1]) for name, entry in value.items())
    if kind in (int, float):
        return isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool)
    if is_dataclass(value):
        check_types(value)
    if kind is Any or getattr(kind, "_is_protocol", False):
        return value is not None
    return isinstance(value, NoneType if kind is None else kind)
