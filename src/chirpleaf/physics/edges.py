"""Edges: the ends of the support of a prior, for each parameter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Edge:
    """An end of a parameter's range.

    Attributes:
        name: name of the parameter.
        description: the edge in words, for messages.
        value: value of the parameter at the edge, given samples of all parameters, each of shape (n,).
        outward: 1 if larger values of the parameter lie beyond the edge, else -1.
        width: width of the parameter's range, in its unit.

    Example:
        >>> lower, upper = Edge.both("chi_1", -0.99, 0.99)
        >>> upper.description, upper.value({"chi_1": np.zeros(2)}).tolist()
        ('chi_1 0.99', [0.99, 0.99])
    """

    name: str
    description: str
    value: Callable[[Mapping[str, Array]], Array]
    outward: int
    width: float

    @classmethod
    def both(cls, name: str, low: float, high: float, *, unit: str = "") -> "tuple[Edge, Edge]":
        """Lower and upper edge of a range that is the same for all values of the other parameters.

        Args:
            name: name of the parameter.
            low: lower end of its range.
            high: upper end of its range.
            unit: unit of the parameter in words, for messages.
        """

        def make(value: float, outward: int) -> Edge:
            description = f"{name} {value:.4g}{f' {unit}' if unit else ''}"
            return cls(name, description, lambda theta: np.full_like(theta[name], value), outward, high - low)

        return make(low, -1), make(high, 1)
