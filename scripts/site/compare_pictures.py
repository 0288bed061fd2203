"""Fail if the README's first picture is no longer what `make demo` draws.

    python scripts/site/compare_pictures.py out/GW150914/corner.png docs/images/demo.png

Fonts and rounding differ between machines, so a share of the pixels may differ.
"""

import sys

import numpy as np
from matplotlib.image import imread

MOST = 0.01
"""Largest mean difference of the pixels, over the range from black to white. Lower, other rounding fails; higher,
another posterior passes: a shift of the picture by three pixels gives 0.032, an empty picture 0.042."""


def measure_difference(one: str, other: str) -> float:
    """The mean difference of the pixels of two pictures of one size, over the range from black to white.

    Args:
        one: path of a PNG.
        other: path of another.

    Raises:
        SystemExit: the sizes differ.
    """
    first, second = imread(one)[..., :3], imread(other)[..., :3]
    if first.shape != second.shape:
        sys.exit(f"expected pictures of one size; got {first.shape} and {second.shape}: copy {one} to {other}")
    return float(np.abs(first - second).mean())


if __name__ == "__main__":
    difference = measure_difference(*sys.argv[1:])
    if difference > MOST:
        sys.exit(f"expected pictures that differ by at most {MOST}; got {difference:.3f}: {sys.argv[2]} is out of date")
