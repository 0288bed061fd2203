"""Types of settings with their bounds, for the frozen dataclasses that presets are validated by.

The bounds are annotations: they cost nothing where the classes are used as a library, and pydantic checks them where a
preset is read (`chirpleaf.config`). A settings class forbids unknown names by `__pydantic_config__ = FORBID_EXTRA`.
"""

from typing import Annotated, Any

from annotated_types import Ge, Gt, Lt

PositiveInt = Annotated[int, Gt(0)]
NonNegativeInt = Annotated[int, Ge(0)]
PositiveFloat = Annotated[float, Gt(0)]
NonNegativeFloat = Annotated[float, Ge(0)]
Fraction = Annotated[float, Ge(0), Lt(1)]
"""From 0 up to, but not including, 1."""
OpenFraction = Annotated[float, Gt(0), Lt(1)]
"""Between 0 and 1, both excluded."""

FORBID_EXTRA: Any = {"extra": "forbid"}
"""Value of `__pydantic_config__` in a settings class."""
