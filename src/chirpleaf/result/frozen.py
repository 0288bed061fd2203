"""Read-only tables: what a result gives away cannot change the result.

>>> table = FrozenMapping({"mass_1": np.ones(2)})
>>> table["mass_1"] *= 2
Traceback (most recent call last):
...
ValueError: output array is read-only
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError

V = TypeVar("V")
_Reduced = tuple[Callable[..., Any], tuple[Any, ...]]


class FrozenMapping(Mapping[str, V]):
    """A mapping that cannot be changed, nor the arrays and mappings in it; unlike `MappingProxyType`, it is pickled.

    Two are equal if they have the same names, and values that are equal; NaN equals NaN.

    Args:
        values: name to value. Arrays are copied unless they are read-only; mappings are frozen too.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, V]) -> None:
        self._values: dict[str, V] = {name: _freeze(value) for name, value in values.items()}

    def __getitem__(self, name: str) -> V:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self.keys() == other.keys() and all(is_same(value, other[name]) for name, value in self.items())

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> _Reduced:
        return FrozenMapping, (self._values,)


def freeze_array(values: ArrayLike) -> NDArray[np.float64]:
    """A read-only array of the values.

    Args:
        values: numbers, any shape.

    Returns:
        Float64, same shape: `values` itself if it is such an array and its memory cannot be written to, else a copy.

    Raises:
        InputError: the values are no real numbers.
    """
    if isinstance(values, np.ndarray) and values.dtype == np.float64 and _is_frozen(values):
        return values
    given = np.asarray(values)
    if given.dtype.kind not in "fiu":
        raise InputError(f"expected an array of real numbers; got one of {given.dtype}: convert it")
    copy = given.astype(np.float64)
    copy.flags.writeable = False
    return copy


def freeze_samples(samples: Mapping[str, ArrayLike]) -> FrozenMapping[NDArray[np.float64]]:
    """Read-only samples.

    Args:
        samples: parameter name to numbers, of any shape.

    Raises:
        InputError: the values are no real numbers.
    """
    return FrozenMapping({name: freeze_array(values) for name, values in samples.items()})


def is_same(one: object, other: object) -> bool:
    """Whether two values are equal; arrays and numbers where both are NaN count as equal."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(np.asarray(one, np.float64), np.asarray(other, np.float64), equal_nan=True)
    return one == other or (one != one and other != other)  # noqa: PLR0124 - only NaN differs from itself


def _freeze(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return freeze_array(value)
    if isinstance(value, FrozenMapping):
        return value
    return FrozenMapping(value) if isinstance(value, Mapping) else value


def _is_frozen(values: NDArray[Any]) -> bool:
    """Whether nobody can write to the memory of an array: neither it nor what it is a view of is writeable."""
    return not values.flags.writeable and (
        values.base is None or (isinstance(values.base, np.ndarray) and _is_frozen(values.base))
    )
