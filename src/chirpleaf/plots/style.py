"""Style of all figures: colours, fonts, sizes and number formats.

The colours are the colour-blind safe palette of Okabe and Ito (https://jfly.uni-koeln.de/color/). The font is STIX,
which comes with matplotlib and needs no TeX installation. All other settings are matplotlib's defaults, not those of
the user, such as `text.usetex`. They apply only while a figure of this package is made or drawn; the caller's settings
do not change.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.text import Text

from chirpleaf.physics.parameters import PARAMETERS

BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
PURPLE, SKY, BLACK = "#CC79A7", "#56B4E9", "#222222"
GREY, PALE = "#8A8A8A", "#D9D9D9"

CYCLE: Sequence[str] = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)
"""Colours of successive curves."""

DETECTOR_COLOURS: Mapping[str, str] = MappingProxyType({"H1": VERMILION, "L1": BLUE, "V1": PURPLE, "K1": ORANGE})
"""Colours of the detectors, close to those of the LIGO, Virgo and KAGRA collaborations."""

_DRAWN = {
    "agg", "axes", "contour", "errorbar", "figure", "font", "grid", "hatch", "hist", "image", "legend", "lines",
    "markers", "mathtext", "patch", "path", "savefig", "scatter", "text", "xtick", "ytick",
}  # fmt: skip
"""Families of matplotlib's settings that change a figure."""

SETTINGS: Any = {name: value for name, value in rcParamsDefault.items() if name.partition(".")[0] in _DRAWN} | {
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

with_settings = rc_context(SETTINGS)
"""Decorator: run a function with the settings of this package."""


class StyledFigure(Figure):
    """Figure that is also drawn with the settings of this package, because matplotlib makes ticks when it draws."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw the figure.

        Args:
            renderer: matplotlib's renderer.
        """
        with rc_context(SETTINGS):
            super().draw(renderer)


def new_figure(width: float, height: float, *, dpi: float = 150.0, layout: Any = "constrained") -> StyledFigure:
    """Make an empty white figure.

    Args:
        width: Width in inches.
        height: Height in inches.
        dpi: Resolution of saved raster images, in dots per inch.
        layout: matplotlib's layout engine; None keeps the axes where the caller puts them.

    Returns:
        The figure.
    """
    return StyledFigure(figsize=(width, height), dpi=dpi, facecolor="white", layout=layout)


def detector_colour(detector: str) -> str:
    """Colour of a detector given its two-letter name; green for an unknown detector."""
    return DETECTOR_COLOURS.get(detector, GREEN)


def axis_label(name: str, offset: float = 0.0) -> str:
    """Symbol, subtracted offset and unit of a parameter; the name itself for an unknown parameter."""
    label = PARAMETERS[name].label if name in PARAMETERS else name
    return label.replace(" [", f" \N{MINUS SIGN} {offset:.0f} [", 1) if offset else label


def format_number(value: float, digits: int = 2) -> str:
    """Format a number with a typographic minus sign, for legends."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def symbol(name: str) -> str:
    """Symbol of a parameter without its unit; the name itself for an unknown parameter."""
    return f"${PARAMETERS[name].latex}$" if name in PARAMETERS else name


def format_interval(median: float, lower: float, upper: float) -> str:
    """Format a median with its interval, to two significant digits of the smaller error.

    Example:
        >>> format_interval(38.53, 35.21, 44.28)
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


@with_settings
def stamp(figure: Figure, word: str) -> Text:
    """Write a word across a figure, behind nothing and readable through, so that no copy of the figure loses it.

    Args:
        figure: Figure to change.
        word: The verdict on what the figure shows.

    Returns:
        The text.
    """
    look: Any = {"color": VERMILION, "alpha": 0.3, "fontsize": 12 * figure.get_figwidth(), "fontweight": "bold"}
    text = figure.text(0.5, 0.5, word, ha="center", va="center", rotation=25, zorder=100, **look)
    text.set_in_layout(False)
    return text


def hide_spines(axes: Axes, *sides: str) -> None:
    """Hide the frame of the axes on the given sides.

    Args:
        axes: Axes to change.
        *sides: "left", "right", "top" or "bottom".
    """
    for side in sides:
        axes.spines[side].set_visible(False)
