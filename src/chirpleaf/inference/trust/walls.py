"""Walls: does the posterior end only because a prior does?

The density of the posterior in a strip along the end of a prior, times its standard deviation, is 0.3 for a flat
posterior, 0.5 for half a normal one, whose likelihood is greatest at the end, and 1 for an exponential one, whose
likelihood is greatest far beyond it. Signals of the network's own prior reach 0.67. Ends that a prior file sets within
that prior cut off what the network would have found, and are doubted from 0.5 on. A parameter whose physical range ends
there too, such as the mass ratio at one, has no wall; beyond other ends, no more counts than the physical range has
left. A posterior that is flat at an end may be of a signal within or beyond it. No density tells the two apart, so that
such an answer is not doubted, but says in a note that nothing is known of what lies beyond.
"""

import numpy as np
from numpy.typing import NDArray

from chirpleaf.inference.certify.bilby_densities import BilbyIntrinsic
from chirpleaf.inference.certify.target import PRESETS, Target
from chirpleaf.inference.trust.levels import Threshold, grade_value
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, WallSettings
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.edges import Edge
from chirpleaf.physics.prior_kinds import PriorDistribution
from chirpleaf.result.trust import Finding, Level
from chirpleaf.result.weights import relative_weights

Array = NDArray[np.float64]

CHECK = "model.wall"
"""Name of this check among the findings."""

_COMPONENTS = ("mass_1", "mass_2")

_GRID = 32
"""Chirp masses at which the range of mass ratios is averaged."""

_RANGE = {
    "mass_ratio": (0.0, 1.0),
    **dict.fromkeys(("a_1", "a_2"), (0.0, 1.0)),
    **dict.fromkeys(("chi_1", "chi_2", "cos_tilt_1", "cos_tilt_2"), (-1.0, 1.0)),
    **dict.fromkeys(("chi_1_in_plane", "chi_2_in_plane"), (-1.0, 1.0)),
    **dict.fromkeys(("tilt_1", "tilt_2"), (0.0, np.pi)),
}
"""The physical range of a parameter: no more of it lies beyond the end of a prior. Masses and distances have no end."""


def examine_walls(
    samples: Samples,
    log_weight: Array,
    prior: PriorDistribution,
    target: Target,
    centre: float,
    settings: WallSettings = DEFAULT_TRUST.walls,
) -> tuple[Finding, ...]:
    """Compares the posterior with the ends of every prior.

    Args:
        samples: draws of intrinsic and extrinsic parameters, each of shape (n,).
        log_weight: ln of their weights, shape (n,).
        prior: prior of the network, within which the draws lie.
        target: prior of the posterior.
        centre: middle of the prior of the arrival time, GPS time, seconds.
        settings: strips and limits.

    Returns:
        A finding for each end; a note where the posterior does not pile up. It is worth telling if `is_reached`.
    """
    kept = np.isfinite(log_weight)
    if not kept.any():
        return ()
    theta = {name: np.asarray(values)[kept] for name, values in samples.items()}
    theta |= {f"cos_{name}": np.cos(theta[name]) for name in ("tilt_1", "tilt_2") if name in theta}
    weight = relative_weights(log_weight[kept])
    weight /= weight.sum()
    found = []
    for edge, threshold in _list_walls(prior, target, settings):
        if edge.name in theta and edge.name not in target.fixed:
            if edge.name == "chirp_mass" and any(one.name == "mass_ratio" for one in prior.edges()):
                value = _measure_chirp_mass(theta, weight, edge, prior, settings)
            else:
                value = measure_pile_up(theta[edge.name], edge.value(theta), weight, edge, settings)
            level = grade_value(value, threshold)
            found.append(Finding(CHECK, level, _describe(edge, level), value=value))
    return (*found, *_examine_time(theta, weight, target, centre, settings))


def is_reached(finding: Finding, settings: WallSettings = DEFAULT_TRUST.walls) -> bool:
    """Whether a finding of an end, be it a note, says that the posterior is not negligible there."""
    return finding.check == CHECK and finding.value is not None and finding.value >= settings.reached


def _describe(edge: Edge, level: Level) -> str:
    if level is Level.NOTE:
        return f"the posterior reaches {edge.description}, where the prior ends: nothing is known of what lies beyond"
    return (
        f"the posterior piles up at {edge.description}, where the prior ends: the signal may lie beyond; "
        "choose another --model or --prior"
    )


def _measure_chirp_mass(
    theta: Samples, weight: Array, edge: Edge, prior: PriorDistribution, settings: WallSettings
) -> float:
    """As `measure_pile_up`, of the posterior over the range of mass ratios that component masses leave.

    This range vanishes at the greatest chirp mass, and the posterior with it, however great the likelihood is.
    """
    (lowest,) = (one for one in prior.edges() if one.name == "mass_ratio")
    x, place = theta["chirp_mass"], float(edge.value(theta)[0])
    spread = float(np.sqrt(weight @ (x - weight @ x) ** 2))
    strip = settings.mass_strip * spread
    if strip == 0.0:
        return 0.0
    near = np.abs(x - place) <= strip
    grid = place - edge.outward * strip * (np.arange(_GRID) + 0.5) / _GRID
    room = float(np.mean(1 - lowest.value({"chirp_mass": grid})))
    density = float(weight[near].sum()) / (strip * room)
    beside = float(np.sum(weight[~near] / np.maximum(1 - lowest.value(theta)[~near], room)))
    return density * spread / (beside + density * strip) if density > 0 else 0.0


def _list_walls(network: PriorDistribution, target: Target, settings: WallSettings) -> list[tuple[Edge, Threshold]]:
    """Ends of both priors, each with its limits; the target's count where both end at the same value."""
    limits = settings.density if target.prior in PRESETS else settings.given
    walls = {edge.description: (edge, settings.density) for edge in _list_edges(network)}
    walls |= {edge.description: (edge, limits) for edge in _list_target_edges(network, target)}
    return [
        (edge, settings.component if edge.name in _COMPONENTS and limit is settings.density else limit)
        for edge, limit in walls.values()
    ]


def _list_edges(prior: PriorDistribution) -> tuple[Edge, ...]:
    """Ends of the masses and spins of a registered prior, each at one value.

    The least mass ratio depends on the chirp mass where component masses bound it; these bounds are ends by themselves.
    """
    lightest, heaviest = prior.component_mass_range
    lowest_ratio = getattr(prior, "mass_ratio_min", 0.0)
    return (
        *(edge for edge in prior.edges() if edge.name != "mass_ratio"),
        *Edge.both("mass_ratio", lowest_ratio, 1.0)[:1],
        *Edge.both("mass_2", lightest, heaviest, unit="solar masses")[:1],
        *Edge.both("mass_1", lightest, heaviest, unit="solar masses")[1:],
    )


def _list_target_edges(network: PriorDistribution, target: Target) -> tuple[Edge, ...]:
    """Ends of the target's masses, spins and distance; of its chirp masses those that the draws can reach."""
    own: tuple[Edge, ...] = ()
    if isinstance(target.intrinsic, PriorDistribution):
        own = _list_edges(target.intrinsic)
    elif isinstance(target.intrinsic, BilbyIntrinsic):
        own = target.intrinsic.edges()
    distance = target.distance
    return (
        *(edge for edge in own if edge.name != "chirp_mass" or _is_within(edge, network)),
        *Edge.both("luminosity_distance", distance.minimum, distance.maximum, unit="Mpc"),
    )


def _is_within(edge: Edge, prior: PriorDistribution) -> bool:
    """Whether the end of a prior of chirp masses lies within another one."""
    low, high = prior.chirp_mass_range
    return low < float(edge.value({"chirp_mass": np.ones(1)})[0]) < high


def measure_pile_up(x: Array, place: Array, weight: Array, edge: Edge, settings: WallSettings) -> float:
    """Density of a parameter at an end of its prior, times its standard deviation.

    Args:
        x: values, shape (n,).
        place: the end of the prior for each of them, shape (n,).
        weight: their weights, which sum to one, shape (n,).
        edge: the end.
        settings: width of the strip.

    Returns:
        Dimensionless; zero for a parameter of one value. No more counts beyond the end than its physical range has.
    """
    mean = float(weight @ x)
    spread = float(np.sqrt(weight @ (x - mean) ** 2))
    strip = settings.strip * spread
    if strip == 0.0:
        return 0.0
    near = np.abs(x - place) <= strip
    middle = float(np.average(place, weights=weight))
    low, high = _RANGE.get(edge.name, (-np.inf, np.inf))
    room = high - middle if edge.outward > 0 else middle - low
    return float(weight[near].sum() / strip * min(spread, max(room, 0.0)))


def _examine_time(
    theta: Samples, weight: Array, target: Target, centre: float, settings: WallSettings
) -> tuple[Finding, ...]:
    """Whether the arrival time lies at an end of its prior. Its posterior has several peaks, so its share counts."""
    if "geocent_time" not in theta:
        return ()
    offset = theta["geocent_time"] - centre
    share = float(weight[np.abs(offset) > target.time - settings.time_strip].sum())
    level = grade_value(share, settings.time)
    message = (
        f"{100 * share:.0f} % of the posterior lie at the end of the prior of the arrival time, {target.time:g} s from "
        "its middle: correct --trigger"
    )
    return (Finding(CHECK, level, message, value=share),)
