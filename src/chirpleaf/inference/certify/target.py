"""Target: the posterior that is certified, that is prior and waveform model.

A `Prior` is what the user asks for: a preset or a file of bilby. With the prior of the network that answers it becomes
a `Target`. The network proposes within its own prior alone, so a target that goes on beyond is covered only as far as
the posterior keeps away from there: `edges_reached` looks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.distributions import BoundedDistribution, PowerLaw, UniformSourceFrame
from chirpleaf.physics.priors import IntrinsicDensity, IntrinsicPrior
from chirpleaf.physics.waveforms import DEFAULT_APPROXIMANT

Array = NDArray[np.float64]

_OVERLAP_DRAWS = 20_000
_STRIP = 0.01
"""Width of the strip along an edge over that of the network's prior; half a standard deviation where that is less."""
_PROBES = 16
"""Points beyond an edge at which the target is looked up."""
_LARGEST_LOSS = 0.01
"""Share of the posterior beyond an edge that is not worth a word."""


def _volume() -> BoundedDistribution:
    return PowerLaw(2.0, 100.0, 3000.0)


@dataclass(frozen=True)
class Target:
    """What the weights aim at; sky, inclination, polarisation and phase are isotropic.

    Attributes:
        intrinsic: prior of masses and spins.
        distance: prior of the luminosity distance, bounded, Mpc.
        time: the arrival at the centre of the earth is within this of `centre`, uniformly, seconds.
        approximant: waveform model with the (2, 2) mode alone.
        centre: GPS time; the trigger when None.
        prior: what the user calls this prior: a preset or a file.
    """

    intrinsic: IntrinsicDensity
    distance: BoundedDistribution = field(default_factory=_volume)
    time: float = 0.1
    approximant: str = DEFAULT_APPROXIMANT
    centre: float | None = None
    prior: str = "model"


@dataclass(frozen=True)
class Prior:
    """What is held likely before the data are seen.

    Attributes:
        name: a preset or a file.
        intrinsic: of masses and spins; the network's own when None.
        distance: of the luminosity distance, bounded, Mpc.
        arrival: first and last GPS time of the arrival at the centre of the earth; 0.1 s about the trigger when None.

    Example:
        >>> prior = Prior.of("comoving")
        >>> prior.target(IntrinsicPrior(), trigger_time=0.0).distance
        UniformSourceFrame(minimum=100.0, maximum=3000.0)
    """

    name: str
    intrinsic: IntrinsicDensity | None = None
    distance: BoundedDistribution = field(default_factory=_volume)
    arrival: tuple[float, float] | None = None

    @classmethod
    def of(cls, prior: str | Path) -> "Prior":
        """The prior of a name.

        Args:
            prior: a preset (`PRESETS`) or a prior file of bilby.

        Raises:
            InputError: it is neither, or the file cannot be used.
        """
        if str(prior) in PRESETS:
            return PRESETS[str(prior)]
        path = Path(prior)
        if not path.is_file():
            raise InputError(
                f"expected --prior {', '.join(PRESETS)} or a prior file of bilby; got {prior}, which is none of them: "
                "choose a preset or check the name of the file"
            )
        from chirpleaf.inference.certify.bilby_prior import read_bilby_prior  # noqa: PLC0415 - for files alone

        return cls(str(prior), *read_bilby_prior(path))

    def target(self, network: IntrinsicPrior, *, trigger_time: float, approximant: str = DEFAULT_APPROXIMANT) -> Target:
        """What to weigh draws of a network with.

        Args:
            network: the prior that the network was trained under.
            trigger_time: GPS time, seconds.
            approximant: waveform model with the (2, 2) mode alone.

        Raises:
            InputError: network and target have no binary in common, or the trigger lies outside the prior of the time.
        """
        target = Target(self.intrinsic or network, self.distance, approximant=approximant, prior=self.name)
        if self.arrival is not None:
            first, last = self.arrival
            if not first <= trigger_time <= last:
                raise InputError(
                    f"expected geocent_time of {self.name} about the trigger, {trigger_time:.3f}; got "
                    f"[{first:.3f}, {last:.3f}]: leave geocent_time out, and it is within 0.1 s of the trigger"
                )
            target = Target(
                target.intrinsic, self.distance, (last - first) / 2, approximant, (first + last) / 2, self.name
            )
        _check_overlap(network, target)
        return target


PRESETS = {
    "model": Prior("model"),
    "standard": Prior(
        "standard",
        IntrinsicPrior(
            mass_min=1.0,
            mass_max=400.0,
            mass_ratio_min=0.125,
            spin_max=0.99,
            chirp_mass_min=10.0,
            chirp_mass_max=100.0,
        ),
    ),
    "comoving": Prior("comoving", distance=UniformSourceFrame(100.0, 3000.0)),
}
"""`model`: the network's own, with distances as in flat space; `standard`: component masses uniform at chirp masses of
10-100 solar masses and mass ratios above 1/8, the same distances; `comoving`: the network's own, with sources uniform
in comoving volume and in their own time. All from 100 to 3000 Mpc."""


def edges_reached(
    samples: Samples, log_weight: Array, network_prior: IntrinsicPrior, target: Target
) -> tuple[str, ...]:
    """Edges of the network's prior beyond which more of the posterior may lie than can be passed over.

    The density of the samples in a narrow strip along an edge is taken on beyond it as the target goes on, no farther
    than a standard deviation of the parameter: an estimate that errs to the high side where the likelihood falls.

    Args:
        samples: draws of the network, of shape (n,).
        log_weight: ln of their weights towards the target, shape (n,), of any scale.
        network_prior: which the network proposes within.
        target: what the weights aim at.

    Returns:
        A sentence for each edge that the posterior reaches.
    """
    finite = np.isfinite(log_weight)
    if target.intrinsic == network_prior or not finite.any():
        return ()
    theta = {name: np.asarray(samples[name])[finite] for name in ("chirp_mass", "mass_ratio", "chi_1", "chi_2")}
    weight = np.exp(log_weight[finite] - log_weight[finite].max())
    weight /= weight.sum()
    losses = ((edge, _loss(edge, theta, weight, target.intrinsic)) for edge in _edges(network_prior))
    return tuple(
        f"about {100 * loss:.0f} % of the posterior may lie beyond {edge.text}, where the network's prior ends and "
        f"{target.prior} goes on: choose another --model or a narrower --prior"
        for edge, loss in losses
        if loss > _LARGEST_LOSS
    )


class _Edge(NamedTuple):
    """Where the network's prior ends.

    Attributes:
        name: of the parameter.
        text: of the edge.
        place: value of the parameter there, given the others.
        outward: 1 where values beyond are larger, else -1.
        width: of the network's prior.
    """

    name: str
    text: str
    place: Callable[[Samples], Array]
    outward: int
    width: float


def _edges(prior: IntrinsicPrior) -> Iterator[_Edge]:
    """All but equal masses, where every prior ends."""

    def fixed(name: str, value: float, outward: int, width: float, unit: str = "") -> _Edge:
        return _Edge(name, f"{name} {value:.4g}{unit}", lambda theta: np.full_like(theta[name], value), outward, width)

    low, high = prior.chirp_mass_range
    yield fixed("chirp_mass", low, -1, high - low, " solar masses")
    yield fixed("chirp_mass", high, 1, high - low, " solar masses")
    least = prior.mass_ratio_min
    text = (
        f"the least mass_ratio ({least:.4g}, or where component masses leave {prior.mass_min:.4g}-{prior.mass_max:.4g})"
    )
    yield _Edge("mass_ratio", text, lambda theta: prior.mass_ratio_lower(theta["chirp_mass"]), -1, 1 - least)
    for name in ("chi_1", "chi_2"):
        for side in (-1, 1):
            yield fixed(name, side * prior.spin_max, side, 2 * prior.spin_max)


def _loss(edge: _Edge, theta: Samples, weight: Array, intrinsic: IntrinsicDensity) -> float:
    """Share of the posterior beyond an edge, over what is within."""
    x, place = theta[edge.name], edge.place(theta)
    spread = float(np.sqrt(np.cov(x, aweights=weight))) if len(x) > 1 else 0.0
    strip = min(_STRIP * edge.width, spread / 2)
    near = np.flatnonzero((np.abs(x - place) <= strip) & (weight > 0))
    if strip == 0 or len(near) == 0:
        return 0.0
    some = {name: values[near] for name, values in theta.items()}
    here = intrinsic.log_prob(some)
    beyond = np.zeros(len(near))
    for step in (np.arange(_PROBES) + 0.5) / _PROBES:
        there = intrinsic.log_prob({**some, edge.name: place[near] + edge.outward * step * spread})
        beyond += np.exp(there - here) / _PROBES
    return float(np.sum(weight[near] * beyond) * spread / strip)


def _check_overlap(network: IntrinsicPrior, target: Target) -> None:
    """Refuses a target that the network cannot reach at all."""
    if target.intrinsic == network:
        return
    draws = network.sample(_OVERLAP_DRAWS, np.random.default_rng(0))
    if np.isfinite(target.intrinsic.log_prob(draws)).any():
        return
    low, high = network.chirp_mass_range
    raise InputError(
        f"expected prior {target.prior} to overlap with the network's (chirp mass {low:.4g}-{high:.4g} solar masses, "
        f"mass ratio above {network.mass_ratio_min:.4g}, spins within {network.spin_max:.4g}); got none in common: "
        "choose another --model or --prior"
    )
