"""Checks of arguments that users give: each passes, or says in one line what was expected.

>>> check_integer("samples", 1.5, 1)
Traceback (most recent call last):
...
chirpleaf.errors.InputError: expected samples to be a whole number of at least 1; got 1.5: correct it
"""

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt

from chirpleaf.errors import InputError

MOST_SEED = 2**63 - 1
"""Largest seed that torch takes."""

_NAMES: dict[type, str] = {
    NoneType: "None",
    Real: "a number",
    Integral: "a whole number",
    Mapping: "a dictionary",
    Sequence: "a list",
}
"""Types that messages call by other names than their own."""


def check_integer(name: str, value: Any, least: int, most: int | None = None, *, remedy: str = "correct it") -> int:
    """Checks a whole number.

    Args:
        name: name of the argument.
        value: what the user gave; integers of numpy count, Booleans, text and decimal fractions do not.
        least: smallest number that is allowed.
        most: largest number that is allowed; any if None.
        remedy: end of the message: what to do.

    Raises:
        InputError: it is no whole number or out of range.
    """
    try:
        number = None if type(value) is bool else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least or (most is not None and number > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise InputError(f"expected {name} to be a whole number {bounds}; got {_show(value)}: {remedy}")
    return number


def check_positive(name: str, value: Any, *, remedy: str = "correct it") -> float:
    """Checks a finite number above zero.

    Args:
        name: name of the argument, with its unit.
        value: what the user gave.
        remedy: end of the message: what to do.

    Raises:
        InputError: it is no such number.
    """
    if type(value) is bool or not isinstance(value, Real) or not 0 < float(value) < math.inf:
        raise InputError(f"expected {name} to be a finite number above 0; got {_show(value)}: {remedy}")
    return float(value)


def check_kind(name: str, value: Any, *kinds: type, remedy: str = "correct it") -> None:
    """Checks the type of an argument that is no number.

    Args:
        name: name of the argument.
        value: what the user gave.
        kinds: types that are allowed; `NoneType` for None, `Real` for numbers.
        remedy: end of the message: what to do.

    Raises:
        InputError: it is of another type.

    Example:
        >>> check_kind("certify", "yes", bool, NoneType)
        Traceback (most recent call last):
        ...
        chirpleaf.errors.InputError: expected certify to be bool or None; got 'yes': correct it
    """
    if not isinstance(value, kinds) or (type(value) is bool and bool not in kinds):
        names = [_NAMES.get(kind, kind.__name__) for kind in kinds]
        listed = " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        raise InputError(f"expected {name} to be {listed}; got {_show(value)}: {remedy}")


def check_settings(settings: Any) -> None:
    """Checks the numbers of a settings class; the types of `system.constraints` give their bounds.

    Args:
        settings: instance of a dataclass. Settings in its fields, alone or in a tuple, are checked in the same way.

    Raises:
        InputError: a number is out of its range, or is no number.
    """
    assert is_dataclass(settings)
    kind: type = type(settings)
    for name, hint in _hints(kind).items():
        _check_value(f"{kind.__name__}.{name}", getattr(settings, name), hint)


@lru_cache
def _hints(kind: type) -> dict[str, Any]:
    """The type of each field that a dataclass is made with, and its bounds."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


def _check_value(name: str, value: Any, hint: Any) -> None:
    """Checks one value by its type: a number, several of them, or settings; other types are not checked."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if value is None and NoneType in kinds:
        return
    kinds = tuple(kind for kind in kinds if kind is not NoneType)
    if all(map(is_dataclass, kinds)):
        check_kind(name, value, *kinds)
    if is_dataclass(value):
        check_settings(value)
    elif kinds in ((int,), (float,)):
        check_kind(name, value, Integral if kinds == (int,) else Real)
    elif len(kinds) == 1 and get_origin(kinds[0]) is Annotated:
        _check_annotated(name, value, *get_args(kinds[0]))
    elif len(kinds) == 1 and get_origin(kinds[0]) is tuple and isinstance(value, tuple):
        _check_entries(name, value, get_args(kinds[0]))


def _check_entries(name: str, values: tuple[Any, ...], hints: tuple[Any, ...]) -> None:
    """Checks each entry of a tuple, of one type or of a type for each place."""
    each = hints[:1] * len(values) if hints[-1:] == (Ellipsis,) else hints
    if len(each) != len(values):
        raise InputError(f"expected {name} to have {len(each)} entries; got {_show(values)}: correct it")
    for place, (value, hint) in enumerate(zip(values, each, strict=True)):
        _check_value(f"{name}[{place}]", value, hint)


def _check_annotated(name: str, value: Any, kind: type, *bounds: Gt | Ge | Lt | Le) -> None:
    number = type(value) is not bool and isinstance(value, Integral if kind is int else Real) and math.isfinite(value)
    if not number or not all(_is_within(value, bound) for bound in bounds):
        sort = "a whole number" if kind is int else "a finite number"
        limits = " and ".join(_describe(bound) for bound in bounds)
        raise InputError(f"expected {name} to be {sort} {limits}; got {_show(value)}: correct it")


def _is_within(value: Any, bound: Gt | Ge | Lt | Le) -> bool:
    match bound:
        case Gt(limit):
            return bool(value > limit)
        case Ge(limit):
            return bool(value >= limit)
        case Lt(limit):
            return bool(value < limit)
        case Le(limit):
            return bool(value <= limit)


def _describe(bound: Gt | Ge | Lt | Le) -> str:
    match bound:
        case Gt(limit):
            return f"above {limit:g}"
        case Ge(limit):
            return f"of at least {limit:g}"
        case Lt(limit):
            return f"below {limit:g}"
        case Le(limit):
            return f"of at most {limit:g}"


def _show(value: Any) -> str:
    """The value on one short line."""
    return " ".join(repr(value).split())[:60]
