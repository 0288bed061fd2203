"""Picture of a sky map: the credible regions on the whole sky, and an enlarged part where they are small.

The projections conserve areas: that of Mollweide, for the whole sky,

    x = (2 sqrt 2 / pi) lambda cos theta,  y = sqrt 2 sin theta,  2 theta + sin 2 theta = pi sin delta,

and Lambert's azimuthal one about the densest pixel for the enlargement (Snyder, USGS professional paper 1395, chapters
24 and 31). So the credible levels are those of equal cells. The map is smoothed on the scale of its pixels.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from numpy.typing import NDArray

from chirpleaf.plots import style
from chirpleaf.plots.density import find_credible_levels, make_reflecting_smoother

Array = NDArray[np.float64]
Density = Callable[[Array, Array], Array]
"""Probability per solid angle, of any scale, at right ascensions and declinations (rad), in their shape."""

PROBABILITIES = (0.9, 0.5)
"""Probabilities of the contours, outermost first, because matplotlib requires increasing density levels."""

SMOOTHING = 1.5
"""Standard deviation of the smoothing in pixels of the map. More hides structure, less shows the pixels."""

LARGEST_ENLARGED = 2000.0
"""Area of the 90 % region, square degrees, below which a part of the sky is enlarged."""


class Direction(NamedTuple):
    """A direction on the sky, rad."""

    ra: float
    dec: float


@style.with_settings
def plot_sky(density: Density, centre: Direction, *, area_50: float, area_90: float, pixel: float) -> Figure:
    """Draw the 50 % and 90 % credible regions.

    Args:
        density: Probability per solid angle.
        centre: Direction of the largest density.
        area_50: Area of the smallest region of 50 %, square degrees; the legend states it.
        area_90: The same of 90 %.
        pixel: Side of a pixel of the map, degrees.

    Returns:
        The figure.
    """
    enlarged = area_90 < LARGEST_ENLARGED
    figure = style.new_figure(9.0 if enlarged else 6.4, 3.3, dpi=130, layout=None)
    whole = figure.add_axes((0.035, 0.08, 0.6, 0.9) if enlarged else (0.05, 0.08, 0.93, 0.9))
    middle = round(np.degrees(centre.ra) / 15) * 15
    _draw_whole_sky(whole, density, np.radians(middle), pixel)
    if enlarged:
        _draw_part(figure.add_axes((0.72, 0.15, 0.27, 0.75)), density, centre, area_90, pixel)
    for area, probability, alpha in ((area_50, "50 %", 0.7), (area_90, "90 %", 0.3)):
        colour = to_rgba(style.BLUE, alpha)
        whole.fill_between([], [], color=colour, label=f"{probability}: {area:,.0f} square degrees")
    whole.legend(loc="upper center", bbox_to_anchor=(0.5, 0.04), ncols=2, fontsize=11)
    return figure


def _draw_whole_sky(panel: Axes, density: Density, middle: float, pixel: float, *, cells: int = 480) -> None:
    """Draw the map in Mollweide's projection, right ascension growing to the left."""
    x = np.linspace(-2, 2, cells) * np.sqrt(2)
    y = np.linspace(-1, 1, cells // 2) * np.sqrt(2)
    theta = np.arcsin(y / np.sqrt(2))[:, None]
    inside = (x / 2) ** 2 + y[:, None] ** 2 < 2
    with np.errstate(divide="ignore", invalid="ignore"):
        longitude = np.where(inside, np.pi * x / (2 * np.sqrt(2) * np.cos(theta)), 0.0)
    dec = np.broadcast_to(np.arcsin((2 * theta + np.sin(2 * theta)) / np.pi), longitude.shape)
    values = np.where(inside, density(np.mod(middle - longitude, 2 * np.pi), dec), 0.0)
    cell = float(np.degrees(x[1] - x[0]))
    _draw_contours(panel, x, y, values, SMOOTHING * pixel / cell)
    panel.add_patch(Ellipse((0, 0), 4 * np.sqrt(2), 2 * np.sqrt(2), fill=False, color=style.BLACK, linewidth=0.8))
    _draw_graticule(panel, middle)
    panel.set(xlim=(-2.9, 2.9), ylim=(-1.45, 1.45), aspect="equal")
    panel.set_axis_off()


def _draw_graticule(panel: Axes, middle: float) -> None:
    """Draw meridians every two hours of right ascension and parallels every 30 degrees, with their labels."""
    declinations = np.radians(np.linspace(-90, 90, 91))
    for hour in range(0, 24, 2):
        longitude = np.mod(middle - hour * np.pi / 12 + np.pi, 2 * np.pi) - np.pi
        x, y = project_mollweide(longitude, declinations)
        panel.plot(x, y, color=style.PALE, linewidth=0.5, zorder=0)
        if hour % 4 == 0 and abs(longitude) < 0.95 * np.pi:
            place = project_mollweide(longitude, np.array(0.0))
            panel.annotate(f"{hour} h", (float(place[0]), 0.0), fontsize=9, color=style.GREY, ha="center", va="bottom")
    for degree in (-60, -30, 0, 30, 60):
        x, y = project_mollweide(np.array([-np.pi, np.pi]), np.radians([degree, degree]))
        panel.plot(x, y, color=style.PALE, linewidth=0.5, zorder=0)
        text = f"{degree}°".replace("-", "\N{MINUS SIGN}")
        panel.annotate(text, (x[0] - 0.04, y[0]), fontsize=9, color=style.GREY, ha="right", va="center")


def project_mollweide(longitude: Array | float, dec: Array) -> tuple[Array, Array]:
    """Project directions by Mollweide's projection.

    Args:
        longitude: From the middle of the map, growing to the right, rad.
        dec: Declination, rad, of a shape that broadcasts.

    Returns:
        x and y; the sphere of radius one fills the ellipse of half axes 2 sqrt 2 and sqrt 2.
    """
    theta = np.asarray(dec, np.float64)
    target = np.pi * np.sin(dec)
    for _ in range(30):  # Newton's method; it converges linearly at the poles, where cos theta vanishes
        slope = np.maximum(2 + 2 * np.cos(2 * theta), 1e-9)
        theta = np.clip(theta - (2 * theta + np.sin(2 * theta) - target) / slope, -np.pi / 2, np.pi / 2)
    x = 2 * np.sqrt(2) / np.pi * np.asarray(longitude) * np.cos(theta)
    return x, np.broadcast_to(np.sqrt(2) * np.sin(theta), np.shape(x)).copy()


def _draw_part(
    panel: Axes, density: Density, centre: Direction, area: float, pixel: float, *, cells: int = 160
) -> None:
    """Draw the surroundings of a direction in Lambert's azimuthal projection, right ascension growing to the left."""
    half = _find_half_width(density, centre, area)
    axis = np.linspace(-half, half, cells)
    ra, dec = unproject_azimuthal(axis[None, :], axis[:, None], centre)
    step = 2 * half / (cells - 1)
    degrees = np.degrees(axis)
    _draw_contours(panel, degrees, degrees, density(ra, dec), SMOOTHING * np.radians(pixel) / step)
    text = f"RA {np.degrees(centre.ra):.0f}°, dec {np.degrees(centre.dec):.0f}°".replace("-", "\N{MINUS SIGN}")
    panel.set(aspect="equal", xlabel="east - west [degrees]".replace(" - ", " \N{EN DASH} "), title=f"about {text}")
    panel.set_ylabel("south \N{EN DASH} north [degrees]")
    panel.title.set_fontsize(11)


def _find_half_width(density: Density, centre: Direction, area: float) -> float:
    """Half width of the part that holds 98 % of the probability of a quarter of the sky about its centre, rad."""
    axis = np.linspace(-1.0, 1.0, 81)
    ra, dec = unproject_azimuthal(axis[None, :], axis[:, None], centre)
    values = density(ra, dec)
    distance = np.maximum(np.abs(axis[None, :]), np.abs(axis[:, None]))
    order = np.argsort(distance, axis=None)
    held = np.cumsum(values.ravel()[order])
    widest = float(distance.ravel()[order][np.searchsorted(held, 0.98 * held[-1])]) if held[-1] > 0 else 0.5
    return max(1.15 * widest, 1.5 * float(np.radians(np.sqrt(area / np.pi))))


def unproject_azimuthal(x: Array, y: Array, centre: Direction) -> tuple[Array, Array]:
    """Directions of points of Lambert's azimuthal equal-area projection.

    Args:
        x: To the west of the centre, of any shape that broadcasts; the sphere has radius one.
        y: To the north.
        centre: Direction of the origin.

    Returns:
        Right ascension and declination, rad.
    """
    x, y = np.broadcast_arrays(x, y)
    rho = np.minimum(np.hypot(x, y), 2.0)
    angle = 2 * np.arcsin(rho / 2)
    ratio = np.divide(np.sin(angle), rho, out=np.ones_like(rho), where=rho > 0)
    sine = np.cos(angle) * np.sin(centre.dec) + y * ratio * np.cos(centre.dec)
    along = np.cos(angle) * np.cos(centre.dec) - y * ratio * np.sin(centre.dec)
    ra = centre.ra - np.arctan2(x * ratio, along)
    return np.mod(ra, 2 * np.pi), np.arcsin(np.clip(sine, -1, 1))


def _draw_contours(panel: Axes, x: Array, y: Array, values: Array, sigma: float) -> None:
    """Draw the smoothed credible regions of a density on equal cells."""
    along_y, along_x = (make_reflecting_smoother(len(axis), max(sigma, 0.5)) for axis in (y, x))
    smooth = along_y @ values @ along_x.T
    levels = find_credible_levels(smooth, PROBABILITIES)
    if not 0 < levels[0] < levels[1] < smooth.max():
        return  # a uniform map has no regions
    fills = [to_rgba(style.BLUE, alpha) for alpha in (0.3, 0.7)]
    panel.contourf(x, y, smooth, [*levels, 1.01 * smooth.max()], colors=fills)
    panel.contour(x, y, smooth, levels, colors=[style.BLUE], linewidths=0.9)
