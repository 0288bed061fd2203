"""Picture of both spins: half disks of magnitude and tilt, as the catalogues of LIGO, Virgo and KAGRA print them.

The distance from the centre is the magnitude a, the angle from the top the tilt to the orbital angular momentum; the
first spin is on the left, the second on the right. Pixels are equally wide in a and in the cosine of the tilt. All have
the same probability under the prior of the catalogues, uniform magnitudes and isotropic directions, so that the shade
shows what the data say: the probability of a pixel over that of the prior (arXiv:2111.03606, figure 10).
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Wedge
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.plots import style

Array = NDArray[np.float64]

FEWEST_MAGNITUDES, MOST_MAGNITUDES = 4, 12
"""Pixels along the magnitude; there are 4 / 3 times as many along the cosine of the tilt."""

SAMPLES_PER_PIXEL = 20
"""Samples of a pixel under the prior, which set the number of pixels. Fewer show finer structure, and the noise."""

LEAST_SCALE = 2.0
"""Least upper end of the colours, over the prior. A smaller one makes the noise of an uninformative posterior loud."""

NAMES = tuple(f"{name}_{body}" for body in (1, 2) for name in ("a", "tilt"))


def compare_with_prior(magnitude: ArrayLike, tilt: ArrayLike, largest: float) -> Array:
    """Posterior probability of each pixel over that of the prior.

    Args:
        magnitude: Samples of equal weight, shape (n,).
        tilt: Tilts of the same samples, rad.
        largest: Largest magnitude of the prior.

    Returns:
        Shape (magnitude, cosine); rows from the centre outwards, columns from anti-aligned to aligned spins.
    """
    rows = int(np.clip(np.sqrt(0.75 * np.size(tilt) / SAMPLES_PER_PIXEL), FEWEST_MAGNITUDES, MOST_MAGNITUDES))
    bins = (rows, round(4 * rows / 3))
    ranges = ((0.0, largest), (-1.0, 1.0))
    inside = np.minimum(np.asarray(magnitude, np.float64), largest)
    counts, _, _ = np.histogram2d(inside, np.cos(tilt), bins=bins, range=ranges)
    return np.asarray(counts * counts.size / max(counts.sum(), 1.0))


@style.with_settings
def plot_spin_disks(samples: Mapping[str, ArrayLike], *, largest: float = 1.0) -> Figure:
    """Draw the posterior of magnitude and tilt of both spins.

    Args:
        samples: Samples of equal weight of `a_1`, `tilt_1` (rad), `a_2` and `tilt_2`, each of shape (n,).
        largest: Largest magnitude of the prior.

    Returns:
        The figure.

    Raises:
        InputError: If a parameter has no samples.
    """
    absent = [name for name in NAMES if name not in samples]
    if absent:
        raise InputError(f"expected samples of {', '.join(absent)}; got {', '.join(samples)}: leave the picture out")
    pixels = [compare_with_prior(samples[f"a_{body}"], samples[f"tilt_{body}"], largest) for body in (1, 2)]
    colours = LinearSegmentedColormap.from_list("spins", ["white", style.SKY, style.BLUE, "#00263D"])
    scale = Normalize(0.0, max(LEAST_SCALE, *(float(one.max()) for one in pixels)))
    figure = style.new_figure(5.6, 4.3, dpi=130, layout=None)
    panel = figure.add_axes((0.06, 0.06, 0.72, 0.84))
    for body, one in enumerate(pixels, start=1):
        _draw_half_disk(panel, one, body, colours, scale, largest)
    reach = 1.16 * largest
    panel.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    panel.set_axis_off()
    bar = figure.colorbar(ScalarMappable(scale, colours), cax=figure.add_axes((0.84, 0.14, 0.03, 0.68)))
    bar.set_label("posterior over prior, each pixel")
    return figure


def _draw_half_disk(
    panel: Axes, pixels: Array, body: int, colours: LinearSegmentedColormap, scale: Normalize, largest: float
) -> None:
    """Draw one spin, with circles of magnitude and the angles of its tilt."""
    radii = np.linspace(0.0, largest, len(pixels) + 1)
    tilts = np.degrees(np.arccos(np.linspace(-1.0, 1.0, pixels.shape[1] + 1)))
    wedges, values = [], []
    for row, outer in enumerate(radii[1:]):
        for column in range(pixels.shape[1]):
            # From the horizontal axis, anticlockwise; the first spin is to the left.
            ends = sorted(90 + tilt if body == 1 else 90 - tilt for tilt in tilts[column : column + 2])
            wedges.append(Wedge((0, 0), outer, *ends, width=outer - radii[row]))
            values.append(pixels[row, column])
    drawn = PatchCollection(wedges, cmap=colours, norm=scale, edgecolor="face", linewidth=0.3)
    drawn.set_array(np.array(values))
    panel.add_collection(drawn)
    side, (first, last) = (-1, (90, 270)) if body == 1 else (1, (-90, 90))
    for magnitude in (0.25, 0.5, 0.75, 1.0):
        edge = magnitude * largest
        colour, width = (style.BLACK, 0.8) if magnitude == 1.0 else (style.GREY, 0.4)
        arc = Arc((0, 0), 2 * edge, 2 * edge, theta1=first, theta2=last, color=colour, linewidth=width)
        panel.add_patch(arc)
    panel.plot([0, 0], [-largest, largest], color=style.BLACK, linewidth=0.8)
    for tilt in (0, 30, 60, 90, 120, 150, 180):
        x, y = side * np.sin(np.radians(tilt)), np.cos(np.radians(tilt))
        tick = np.array([0.97, 1.03]) * largest
        panel.plot(tick * x, tick * y, color=style.BLACK, linewidth=0.6)
        if tilt % 180 or body == 1:
            place = (1.09 * largest * x, 1.09 * largest * y)
            panel.annotate(f"{tilt}°", place, fontsize=9, ha="center", va="center", annotation_clip=False)
    text = f"$a_{body}$ from 0 to {largest:g}"
    panel.annotate(text, (side * 0.86 * largest, 1.04 * largest), ha="center", fontsize=11, annotation_clip=False)
