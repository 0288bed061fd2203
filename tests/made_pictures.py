"""Pictures of the report, for the tests of all figures."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from chirpleaf.plots.corner import plot_corner
from chirpleaf.plots.intervals import Interval
from chirpleaf.plots.regions import plot_planes
from chirpleaf.plots.sky import Direction, plot_sky
from chirpleaf.plots.spins import plot_spin_disks
from chirpleaf.plots.time_frequency import plot_time_frequency

Array = NDArray[np.float64]
CENTRES = {"mass_1": 38.0, "mass_2": 33.0, "chirp_mass": 31.0, "final_mass": 68.0, "final_spin": 0.68, "theta_jn": 1.0}
TABLE = {
    name: centre * (1 + 0.03 * values)
    for (name, centre), values in zip(
        {**CENTRES, "luminosity_distance": 400.0}.items(), np.random.default_rng(0).normal(size=(7, 2000)), strict=True
    )
}
"""Samples of some parameters."""


def spot(centre: Direction, width: float) -> Callable[[Array, Array], Array]:
    """A density that falls with the angle from a direction."""

    def density(ra: Array, dec: Array) -> Array:
        cosine = np.sin(dec) * np.sin(centre.dec) + np.cos(dec) * np.cos(centre.dec) * np.cos(ra - centre.ra)
        return np.exp((cosine - 1) / width**2)

    return density


def corner_with_notes() -> Figure:
    return plot_corner(TABLE, tuple(TABLE)[:3], notes=("GW150914_095045", "H1 L1 V1 IMRPhenomXPHM", "untrusted"))


def time_frequency() -> Figure:
    times, frequencies = np.linspace(-0.3, 0.1, 60), np.geomspace(20, 500, 30)
    energy = np.random.default_rng(4).exponential(size=(3, 30, 60))
    return plot_time_frequency(times, frequencies, energy, ("H1", "L1", "V1"), trigger_time=0.0)


def sky() -> Figure:
    return plot_sky(spot(Direction(1.0, -0.8), 0.05), Direction(1.0, -0.8), area_50=11.0, area_90=38.0, pixel=0.5)


def sky_of_a_large_region() -> Figure:
    return plot_sky(spot(Direction(0.01, 1.5), 1.0), Direction(0.01, 1.5), area_50=5e3, area_90=2e4, pixel=2.0)


def planes() -> Figure:
    known = {"final_mass": Interval(70.0, 3.0, 3.0), "final_spin": Interval(0.7, 0.1, 0.1)}
    pairs = [("luminosity_distance", "theta_jn"), ("final_mass", "final_spin")]
    return plot_planes(TABLE, pairs, published=known, published_name="GWTC-1")


def isotropic_spins(n: int, largest: float = 0.9) -> dict[str, Array]:
    """Spins of the prior of the catalogues."""
    rng = np.random.default_rng(4)
    magnitudes = {f"a_{body}": rng.uniform(0.0, largest, n) for body in (1, 2)}
    return magnitudes | {f"tilt_{body}": np.arccos(rng.uniform(-1.0, 1.0, n)) for body in (1, 2)}


def spin_disks() -> Figure:
    return plot_spin_disks(isotropic_spins(500), largest=0.9)
