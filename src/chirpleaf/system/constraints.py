"""Types of settings with their bounds, for the frozen dataclasses that presets are validated by.

The bounds are annotations: they cost nothing where the classes are used as a library, and pydantic checks them where a
preset is read (`chirpleaf.config`). A settings class forbids unknown names by `__pydantic_config__ = FORBID_EXTRA`.
"""

from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt

MOST_COUNT = 2**31 - 1
"""Largest whole number of a setting; products of two such numbers fit into 64 bits."""

MOST_NUMBER = 1e12
"""Largest number of a setting, in whichever unit."""

PositiveInt = Annotated[int, Gt(0), Le(MOST_COUNT)]
NonNegativeInt = Annotated[int, Ge(0), Le(MOST_COUNT)]
PositiveFloat = Annotated[float, Gt(0), Le(MOST_NUMBER)]
NonNegativeFloat = Annotated[float, Ge(0), Le(MOST_NUMBER)]
Width = Annotated[int, Gt(0), Le(16384)]
"""Neurons, features or filters of one layer."""
Depth = Annotated[int, Gt(0), Le(512)]
"""Layers, blocks or transforms of a network."""
Seed = Annotated[int, Ge(0), Le(2**63 - 1)]
"""Seed that numpy and torch take."""
Fraction = Annotated[float, Ge(0), Lt(1)]
"""From 0 up to, but not including, 1."""
OpenFraction = Annotated[float, Gt(0), Lt(1)]
"""Between 0 and 1, both excluded."""

FORBID_EXTRA: Any = {"extra": "forbid", "allow_inf_nan": False}
"""Value of `__pydantic_config__` in a settings class."""
