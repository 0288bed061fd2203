"""HEALPix pixel numbers in nested order: the pixel of a direction, and the neighbours of a pixel.

HEALPix divides the sphere into twelve faces of nside x nside pixels of equal area (arXiv:astro-ph/0409513). A pixel is
named by its face and its coordinates (x, y) on the face, from the southern corner to the north-east and north-west; the
nested number interleaves the bits of x and y. `astropy_healpix` gives the same numbers, but half a second of
`chirpleaf infer` would go into importing it.
"""

import numpy as np
from jaxtyping import Float64, Int64

Pixels = Int64[np.ndarray, "*pixel"]

_STEPS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""Steps in (x, y) to the neighbours SW, W, NW, N, NE, E, SE, S."""

_FACES = np.array(
    [
        [8, 9, 10, 11, -1, -1, -1, -1, 10, 11, 8, 9],
        [5, 6, 7, 4, 8, 9, 10, 11, 9, 10, 11, 8],
        [-1, -1, -1, -1, 5, 6, 7, 4, -1, -1, -1, -1],
        [4, 5, 6, 7, 11, 8, 9, 10, 11, 8, 9, 10],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
        [1, 2, 3, 0, 0, 1, 2, 3, 5, 6, 7, 4],
        [-1, -1, -1, -1, 7, 4, 5, 6, -1, -1, -1, -1],
        [3, 0, 1, 2, 3, 0, 1, 2, 4, 5, 6, 7],
        [2, 3, 0, 1, -1, -1, -1, -1, 0, 1, 2, 3],
    ]
)
"""Face beyond each edge and corner (rows S, SE, E, SW, itself, NE, W, NW, N) of each face; -1 where there is none."""

_TURNS = np.array([[0, 0, 3], [0, 0, 6], [0, 0, 0], [0, 0, 5], [0, 0, 0], [5, 0, 0], [0, 0, 0], [6, 0, 0], [3, 0, 0]])
"""Change of coordinates on crossing to that face, for northern, equatorial and southern faces: the sum of 1 (x is
counted backwards), 2 (y is counted backwards) and 4 (x and y are exchanged, after that)."""


def find_pixel(ra: Float64[np.ndarray, "*pixel"], dec: Float64[np.ndarray, "*pixel"], nside: int) -> Pixels:
    """Nested number of the pixel that holds each direction.

    Args:
        ra: right ascension, rad, any shape.
        dec: declination, rad, the same shape.
        nside: resolution, a power of two.

    Returns:
        Pixel numbers from 0 to 12 nside^2 - 1, the same shape.

    Source:
        arXiv:astro-ph/0409513, section 4.1.
    """
    z, turn = np.sin(dec), np.mod(ra * (2 / np.pi), 4.0) % 4.0  # the first remainder of -1e-17 rounds to 4
    return np.where(np.abs(z) <= 2 / 3, _equatorial_pixel(z, turn, nside), _polar_pixel(z, turn, nside))


def _equatorial_pixel(z: np.ndarray, turn: np.ndarray, nside: int) -> np.ndarray:
    """Pixel of a direction of |z| = |sin(dec)| <= 2/3; `turn` is the right ascension in quarter turns."""
    rising = (nside * (0.5 + turn) - nside * (0.75 * z)).astype(np.int64)
    falling = (nside * (0.5 + turn) + nside * (0.75 * z)).astype(np.int64)
    first, second = rising // nside, falling // nside
    face = np.where(first == second, first | 4, np.where(first < second, first, second + 8))
    return _join(face, falling % nside, nside - rising % nside - 1, nside)


def _polar_pixel(z: np.ndarray, turn: np.ndarray, nside: int) -> np.ndarray:
    """Pixel of a direction of |z| > 2/3."""
    quarter = np.minimum(turn.astype(np.int64), 3)
    within, width = turn - quarter, nside * np.sqrt(3 * (1 - np.abs(z)))
    rising = np.minimum((within * width).astype(np.int64), nside - 1)
    falling = np.minimum(((1 - within) * width).astype(np.int64), nside - 1)
    north = z >= 0
    x, y = np.where(north, nside - falling - 1, rising), np.where(north, nside - rising - 1, falling)
    return _join(np.where(north, quarter, quarter + 8), x, y, nside)


def find_neighbours(pixel: Int64[np.ndarray, " pixel"], nside: int) -> Int64[np.ndarray, "8 pixel"]:
    """Nested numbers of the pixels that share an edge or a corner with each pixel.

    Args:
        pixel: nested numbers, shape (n,).
        nside: resolution, a power of two.

    Returns:
        The neighbours in the order SW, W, NW, N, NE, E, SE, S, shape (8, n); -1 where there is none.
    """
    face, place = np.divmod(pixel, nside**2)
    x, y = _gather_bits(place), _gather_bits(place >> 1)
    neighbours = np.empty((len(_STEPS), len(pixel)), np.int64)
    for row, (step_x, step_y) in zip(neighbours, _STEPS, strict=True):
        side_x, new_x = np.divmod(x + step_x, nside)
        side_y, new_y = np.divmod(y + step_y, nside)
        beyond = 4 + side_x + 3 * side_y
        other, turn = _FACES[beyond, face], _TURNS[beyond, face // 4]
        new_x = np.where(turn & 1, nside - 1 - new_x, new_x)
        new_y = np.where(turn & 2, nside - 1 - new_y, new_y)
        new_x, new_y = np.where(turn & 4, new_y, new_x), np.where(turn & 4, new_x, new_y)
        row[:] = np.where(other < 0, -1, _join(other, new_x, new_y, nside))
    return neighbours


def _join(face: np.ndarray, x: np.ndarray, y: np.ndarray, nside: int) -> np.ndarray:
    """Nested number of the pixel at (x, y) of a face."""
    number: np.ndarray = face * nside**2 + _spread_bits(x) + 2 * _spread_bits(y)
    return number


def _spread_bits(value: np.ndarray) -> np.ndarray:
    """Inserts a zero after each of the 16 lowest bits."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        value = (value | value << shift) & mask
    return value


def _gather_bits(value: np.ndarray) -> np.ndarray:
    """Keeps every second bit, from the lowest on."""
    value = value & 0x55555555
    for shift, mask in ((1, 0x33333333), (2, 0x0F0F0F0F), (4, 0x00FF00FF), (8, 0x0000FFFF)):
        value = (value | value >> shift) & mask
    return value
