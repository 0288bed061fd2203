"""Target: prior and waveform model of the posterior that is certified.

The user chooses a `Prior`: a preset or a prior file of bilby. Together with the network's own prior it gives a
`Target`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.inference.certify.magnitudes_and_tilts import draw_spins
from chirpleaf.inference.certify.settings import DEFAULTS, PriorSettings
from chirpleaf.physics.comoving_volume import UniformSourceFrame
from chirpleaf.physics.distributions import BoundedDistribution, Marginal, PowerLaw
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.prior_kinds import PriorDistribution
from chirpleaf.physics.priors import IntrinsicDensity, IntrinsicPrior, IsotropicSpinPrior
from chirpleaf.physics.waveform_settings import DEFAULT_WAVEFORM, WaveformSettings
from chirpleaf.system.limits import LIMITS, find_fault


def _volume() -> BoundedDistribution:
    return PowerLaw(2.0, 100.0, 3000.0)


@dataclass(frozen=True)
class Target:
    """Prior and waveform model; sky, inclination, polarisation and phase are isotropic.

    Attributes:
        intrinsic: prior of masses and spins.
        distance: prior of the luminosity distance, bounded, Mpc.
        time: half width of the uniform prior on the arrival at the centre of the earth, seconds.
        waveform: waveform model of the likelihood.
        centre: middle of that prior, GPS time, seconds; the trigger if None.
        prior: the user's name of this prior: a preset or a file.
        spins: priors of aligned spins, or of magnitudes and tilts, that are independent of all other parameters, by
            name; an `IntrinsicPrior` gives its own.
        fixed: values of intrinsic parameters, and of ra, dec, theta_jn and psi, that the prior fixes, by name.
    """

    intrinsic: IntrinsicDensity
    distance: BoundedDistribution = field(default_factory=_volume)
    time: float = 0.1
    waveform: WaveformSettings = DEFAULT_WAVEFORM
    centre: float | None = None
    prior: str = "model"
    spins: Mapping[str, Marginal] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.intrinsic, IntrinsicPrior):
            object.__setattr__(self, "spins", dict.fromkeys(("chi_1", "chi_2"), self.intrinsic.spin))


@dataclass(frozen=True)
class Prior:
    """The prior that the user asks for.

    Attributes:
        name: a preset or a file.
        intrinsic: prior of masses and spins; the network's own if None.
        distance: prior of the luminosity distance, bounded, Mpc.
        arrival: first and last GPS time of the arrival at the centre of the earth, seconds; 0.1 s about the trigger if
            None.
        spins: priors of a file's spins that are independent of all other parameters, by name.
        fixed: values of parameters that the prior fixes, by name.
        isotropic: whether spins are projections of isotropic ones, of magnitudes up to the network's greatest spin.
        precesses: whether `intrinsic` is of precessing spins.

    Example:
        >>> prior = Prior.load("isotropic")
        >>> prior.make_target(IntrinsicPrior(), trigger_time=0.0).distance
        UniformSourceFrame(minimum=10.0, maximum=15000.0)
    """

    name: str
    intrinsic: IntrinsicDensity | None = None
    distance: BoundedDistribution = field(default_factory=_volume)
    arrival: tuple[float, float] | None = None
    spins: Mapping[str, Marginal] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)
    isotropic: bool = False
    precesses: bool = False

    @classmethod
    def load(cls, prior: str | Path, settings: PriorSettings = DEFAULTS.prior) -> "Prior":
        """The prior of a preset, or of a prior file.

        Args:
            prior: a preset (`PRESETS`) or a prior file of bilby.
            settings: how a file's constraints are normalised.

        Raises:
            InputError: it is neither, or the file cannot be used.
        """
        if str(prior) in PRESETS:
            return PRESETS[str(prior)]
        path = Path(prior)
        if fault := find_fault(path, LIMITS.document_bytes):
            what = "is none of them" if fault == "does not exist" else fault
            raise InputError(
                f"expected --prior {', '.join(PRESETS)} or a prior file of bilby; got {prior}, which {what}: "
                "choose a preset or check the name of the file"
            )
        from chirpleaf.inference.certify.bilby_prior import read_bilby_prior  # noqa: PLC0415 - for files alone

        return cls(str(prior), **read_bilby_prior(path, settings)._asdict())

    def make_target(
        self,
        network: PriorDistribution,
        *,
        trigger_time: float,
        waveform: WaveformSettings = DEFAULT_WAVEFORM,
        settings: PriorSettings = DEFAULTS.prior,
    ) -> Target:
        """The target for draws of a network.

        Args:
            network: the prior that the network was trained under.
            trigger_time: GPS time, seconds.
            waveform: waveform model of the likelihood.
            settings: how the priors are compared.

        Raises:
            InputError: network and target have no binary in common, or the trigger lies outside the prior of the time.
        """
        intrinsic = self.choose_intrinsic(network)
        target = Target(
            intrinsic, self.distance, waveform=waveform, prior=self.name, spins=self.spins, fixed=self.fixed
        )
        if self.arrival is not None:
            first, last = self.arrival
            if not first <= trigger_time <= last:
                raise InputError(
                    f"expected geocent_time of {self.name} about the trigger, {trigger_time:.3f}; got "
                    f"[{first:.3f}, {last:.3f}]: leave geocent_time out, and it is within 0.1 s of the trigger"
                )
            target = replace(target, time=(last - first) / 2, centre=(first + last) / 2)
        _check_overlap(network, target, settings.overlap_draws)
        return target

    def choose_intrinsic(self, network: PriorDistribution) -> IntrinsicDensity:
        """The prior of masses and spins for a network.

        Args:
            network: the prior that the network was trained under.

        Raises:
            InputError: one of both precesses, and the other does not.
        """
        if not isinstance(network, PrecessingPrior):
            if self.precesses:
                raise InputError(
                    f"expected a prior of aligned spins for this approximant and model; got precessing ones in "
                    f"{self.name}: choose --approximant IMRPhenomXPHM, or write chi_1 and chi_2"
                )
            return self.intrinsic or (self._project_spins(network) if self.isotropic else network)
        if self.intrinsic is None:
            return network
        if self.precesses:
            return self.intrinsic
        if self.name in PRESETS and isinstance(self.intrinsic, IntrinsicPrior):
            return PrecessingPrior(**asdict(self.intrinsic))
        raise InputError(
            f"expected a prior of precessing spins for this model; got aligned ones in {self.name}: choose --prior "
            f"{', '.join(PRESETS)}, or a model of aligned spins"
        )

    def _project_spins(self, network: PriorDistribution) -> IsotropicSpinPrior:
        if not isinstance(network, IntrinsicPrior):
            raise InputError(
                f"expected a network of aligned spins for prior {self.name}; got one under {type(network).__name__}: "
                "choose model"
            )
        return IsotropicSpinPrior(**asdict(network))


_CATALOGUE = UniformSourceFrame(10.0, 15_000.0)
"""Distances of the published catalogues (arXiv:2111.03606, section V and appendix E), Mpc."""

PRESETS = {
    "isotropic": Prior("isotropic", distance=_CATALOGUE, isotropic=True),
    "uniform": Prior("uniform", distance=_CATALOGUE),
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
"""All have masses uniform in the detector frame.

`isotropic`: masses of the network; spins isotropic of uniform magnitude, or aligned ones their projections; sources
uniform in comoving volume and source-frame time, 10 to 15,000 Mpc. `uniform`: the same with aligned spins uniform.
`model`: the prior of the network, with sources uniform in Euclidean volume, 100 to 3000 Mpc. `standard`: uniform in
component masses, with chirp mass in 10-100 solar masses and mass ratio above 1/8, and the distances of `model`.
`comoving`: the prior of the network, with sources uniform in comoving volume and source-frame time, 100 to 3000 Mpc."""


def choose_prior(network: PriorDistribution) -> str:
    """The preset that results have by default: that of the published catalogues.

    Args:
        network: the prior that the network was trained under; spins are isotropic, or projections of isotropic ones.
    """
    return "isotropic" if isinstance(network, IntrinsicPrior | PrecessingPrior) else "uniform"


def _check_overlap(network: PriorDistribution, target: Target, n: int) -> None:
    """Refuses a target whose density is zero at all of `n` draws of the network's prior."""
    if target.intrinsic == network:
        return
    rng = np.random.default_rng(0)
    draws = network.sample(n, rng)
    draws |= draw_spins(target.spins, n, rng)
    draws |= {name: np.full(n, value) for name, value in target.fixed.items() if name in draws}
    if np.isfinite(target.intrinsic.log_prob(draws)).any():
        return
    raise InputError(
        f"expected prior {target.prior} to overlap with the network's ({network.describe()}); got none in "
        "common: choose another --model or --prior"
    )
