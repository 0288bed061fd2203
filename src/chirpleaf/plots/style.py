"""The look of every figure: colours, type, sizes and numbers, in one place.

Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), told apart by colour-blind readers. Type is
STIX, which comes with matplotlib, so that symbols look like those of a paper without a TeX installation. Settings hold
only while a figure of this package is made or drawn; the caller's own are left alone.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

from chirpleaf.physics.parameters import PARAMETERS

BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
PURPLE, SKY, BLACK = "#CC79A7", "#56B4E9", "#222222"
GREY, PALE = "#8A8A8A", "#D9D9D9"

CYCLE: Sequence[str] = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)
"""Colours of curves, in order."""

DETECTOR_COLOURS: Mapping[str, str] = MappingProxyType({"H1": VERMILION, "L1": BLUE, "V1": PURPLE, "K1": ORANGE})
"""Colours of the detectors, near those that LIGO, Virgo and KAGRA use themselves."""

SETTINGS: Any = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 12.0,
    "axes.labelsize": 13.0,
    "axes.titlesize": 13.0,
    "axes.edgecolor": BLACK,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "text.color": BLACK,
    "axes.labelcolor": BLACK,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.labelsize": 11.0,
    "ytick.labelsize": 11.0,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "grid.color": PALE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 11.0,
    "lines.linewidth": 1.5,
}

styled = rc_context(SETTINGS)
"""Decorator: what the function makes is made with the package's settings."""


class StyledFigure(Figure):
    """A figure that is also drawn with the package's settings, since matplotlib makes its ticks only when it draws."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw the figure.

        Args:
            renderer: matplotlib's renderer.
        """
        with rc_context(SETTINGS):
            super().draw(renderer)


def figure(width: float, height: float, *, dpi: float = 150.0, layout: Any = "constrained") -> StyledFigure:
    """An empty white figure.

    Args:
        width: Width in inches.
        height: Height in inches.
        dpi: Dots per inch when saved as pixels.
        layout: matplotlib's layout engine; None leaves the axes where they are put.

    Returns:
        The figure.
    """
    return StyledFigure(figsize=(width, height), dpi=dpi, facecolor="white", layout=layout)


def detector_colour(detector: str) -> str:
    """Colour of a detector by its two-letter name, green for one that is not known."""
    return DETECTOR_COLOURS.get(detector, GREEN)


def axis_label(name: str, offset: float = 0.0) -> str:
    """Symbol and unit of a parameter, with what was subtracted; the name itself where it is not a known one."""
    label = PARAMETERS[name].label if name in PARAMETERS else name
    return label.replace(" [", f" \N{MINUS SIGN} {offset:.0f} [", 1) if offset else label


def number(value: float, digits: int = 2) -> str:
    """A number with a true minus sign, for legends."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def symbol(name: str) -> str:
    """Symbol of a parameter without its unit; the name itself where it is not a known one."""
    return f"${PARAMETERS[name].latex}$" if name in PARAMETERS else name


def interval_text(median: float, lower: float, upper: float) -> str:
    """Median and interval as the field writes them, two digits of the smaller error.

    Example:
        >>> interval_text(38.53, 35.21, 44.28)
        '$38.5^{+5.8}_{-3.3}$'

    Args:
        median: Median.
        lower: Lower end of the interval, same unit.
        upper: Upper end of the interval, same unit.

    Returns:
        Mathtext with dollar signs.
    """
    smaller = min(median - lower, upper - median)
    digits = 1 - math.floor(math.log10(smaller)) if smaller > 0 else 2
    digits = int(np.clip(digits, 0, 6))
    return f"${median:.{digits}f}^{{+{upper - median:.{digits}f}}}_{{-{median - lower:.{digits}f}}}$"


def hide_spines(axes: Axes, *sides: str) -> None:
    """Take away the frame on the given sides.

    Args:
        axes: Axes to change.
        *sides: "left", "right", "top" or "bottom".
    """
    for side in sides:
        axes.spines[side].set_visible(False)
