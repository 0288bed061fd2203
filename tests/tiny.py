"""A tiny signal model and parameter space, to test that no code assumes one series or four parameters.

The signal is a Newtonian chirp with two harmonics of the orbital phase, m = 2 and 3, in closed form (stationary phase),

    h_m(f) = A_m(f) exp(-i (m / 2) psi(2 f / m)) exp(-(f / f_end)^4),      psi(f) = (3 / 128) (pi G M_c f / c^3)^(-5/3),

with A_2 = sqrt(5 / 24) pi^(-2/3) (G M_c / c^3)^(5/6) f^(-7/6) / (1 Mpc / c) and A_3 = 0.4 (1 - q) A_2, and the
inclination i enters as for the (2, 2) and the (3, 3) mode:

    R_2 = F_plus (1 + cos^2 i) / 2 - i F_cross cos i,      R_3 = sin i R_2.

The space has two parameters, chirp mass and mass ratio.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from chirpleaf.models import Architecture
from chirpleaf.physics.bijections import Chain, Interval, Logarithm, Probit
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.edges import Edge
from chirpleaf.physics.inspiral import SOLAR_MASS_SECONDS, chirp_phase
from chirpleaf.physics.prior_kinds import PRIORS, PriorDistribution
from chirpleaf.physics.signals import SIGNALS
from chirpleaf.physics.spaces import SPACES, ParameterSpace
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.representation.templates import TemplateSettings
from chirpleaf.system.constraints import FORBID_EXTRA

MEGAPARSEC_SECONDS = 1.0292712503e14
END = 200.0
"""Where the chirp ends, Hz."""


@dataclass(frozen=True)
class TinySignal:
    """Two harmonics; implements `physics.signals.SignalModel`."""

    waveform: WaveformSettings = WaveformSettings("tiny")  # noqa: RUF009 - frozen
    harmonics: ClassVar[tuple[int, ...]] = (2, 3)
    dominant: ClassVar[int] = 0

    @property
    def approximant(self) -> str:
        """Name of the waveform approximant."""
        return self.waveform.approximant

    def has_all_modes(self) -> bool:
        """Both harmonics are there."""
        return True

    def series(
        self,
        intrinsic: Mapping[str, ArrayLike],
        frequencies: ArrayLike,
        *,
        workers: int = 1,
        skip_failures: bool = False,
    ) -> NDArray[np.complex128]:
        """(n, 2, F), strain/Hz at 1 Mpc."""
        chirp_mass, ratio = (
            np.atleast_1d(np.asarray(intrinsic[name], float))[:, None] for name in ("chirp_mass", "mass_ratio")
        )
        f = np.asarray(frequencies, float)
        amplitude = np.sqrt(5 / 24) * np.pi ** (-2 / 3) * (chirp_mass * SOLAR_MASS_SECONDS) ** (5 / 6) * f ** (-7 / 6)
        amplitude = amplitude / MEGAPARSEC_SECONDS * np.exp(-((f / END) ** 4))
        second = amplitude * np.exp(-1j * chirp_phase(chirp_mass, f))
        third = 0.4 * (1 - ratio) * amplitude * np.exp(-1.5j * chirp_phase(chirp_mass, 2 * f / 3))
        return np.stack([second, third], axis=1)

    def reference_series(self, intrinsic: Mapping[str, ArrayLike], frequencies: ArrayLike) -> NDArray[np.complex128]:
        """(2, F): both harmonics are smooth."""
        return self.series(intrinsic, frequencies)[0]

    def response(
        self, fp: ArrayLike, fc: ArrayLike, theta_jn: ArrayLike, phase: ArrayLike = 0.0
    ) -> NDArray[np.complex128]:
        """(..., 2)."""
        cosine, sine = np.cos(theta_jn), np.sin(theta_jn)
        second = np.asarray(fp) * (1 + cosine**2) / 2 - 1j * np.asarray(fc) * cosine
        turn = np.exp(1j * np.asarray(phase, float))
        return np.stack(np.broadcast_arrays(second * turn**2, sine * second * turn**3), axis=-1)


@dataclass(frozen=True)
class TinyPrior:
    """Uniform in chirp mass and mass ratio; implements `physics.prior_kinds.PriorDistribution`, and nothing more."""

    __pydantic_config__: ClassVar = FORBID_EXTRA

    lightest: float = 25.0
    heaviest: float = 45.0
    least_ratio: float = 0.3

    @property
    def chirp_mass_range(self) -> tuple[float, float]:
        """Solar masses."""
        return self.lightest, self.heaviest

    @property
    def chirp_mass_cuts(self) -> tuple[bool, bool]:
        """Both ends are bounds."""
        return True, True

    @property
    def component_mass_range(self) -> tuple[float, float]:
        """Solar masses."""
        ratio = np.array([1.0, self.least_ratio])
        mass_1, mass_2 = component_masses(np.array([self.lightest, self.heaviest])[:, None], ratio)
        return float(mass_2.min()), float(mass_1.max())

    @property
    def normalisation(self) -> float:
        """Width in chirp mass, as the ratios are the same everywhere."""
        return self.heaviest - self.lightest

    def restrict(self, low: float, high: float) -> "TinyPrior":
        """Fewer chirp masses."""
        return replace(self, lightest=low, heaviest=high)

    def sample(self, n: int, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """`chirp_mass` (solar masses) and `mass_ratio`, each (n,)."""
        return {
            "chirp_mass": rng.uniform(self.lightest, self.heaviest, n),
            "mass_ratio": rng.uniform(self.least_ratio, 1.0, n),
        }

    def log_prob(self, samples: Mapping[str, ArrayLike], /) -> NDArray[np.float64]:
        """ln density per d(chirp_mass) d(mass_ratio), (n,)."""
        chirp_mass, ratio = (np.asarray(samples[name], float) for name in ("chirp_mass", "mass_ratio"))
        inside = (self.lightest <= chirp_mass) & (chirp_mass <= self.heaviest) & (self.least_ratio <= ratio)
        return np.where(inside & (ratio <= 1), -np.log(self.normalisation * (1 - self.least_ratio)), -np.inf)

    def edges(self) -> tuple[Edge, ...]:
        """Both ends of the chirp mass."""
        return Edge.both("chirp_mass", *self.chirp_mass_range, unit="solar masses")

    def describe(self) -> str:
        """The ranges in words."""
        return f"chirp mass {self.lightest:g}-{self.heaviest:g}, mass ratio above {self.least_ratio:g}"


def tiny_space(prior: PriorDistribution) -> ParameterSpace:
    """Chirp mass and mass ratio, each in a range of its own."""
    assert isinstance(prior, TinyPrior)
    low, high = prior.chirp_mass_range
    steps = [
        Logarithm(0),
        Interval(0, np.log(low), np.log(high)),
        Interval(1, prior.least_ratio, 1.0),
        Probit((0, 1)),
    ]
    return ParameterSpace(("chirp_mass", "mass_ratio"), prior, Chain(steps), periodic=(False, False))


PRIOR = TinyPrior()


@contextmanager
def registered_tiny() -> Iterator[None]:
    """Puts the tiny model, space and prior among those that an architecture may name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SIGNALS, "tiny", TinySignal)
        patch.setitem(SPACES, "tiny", tiny_space)
        patch.setitem(PRIORS, "TinyPrior", TinyPrior)
        yield


def tiny_architecture(**sizes: Any) -> Architecture:
    """An architecture of the tiny model and space.

    Args:
        **sizes: root, n_context, head, and what else is not a default of `Architecture`.
    """
    return Architecture(
        signal="tiny",
        approximant="tiny",
        parameter_space="tiny",
        prior=PRIOR,
        duration=4.0,
        maximum_frequency=256.0,
        templates=TemplateSettings(phase_step=10.0, ratio_step=0.15, chi_eff=(0.0,)),
        **sizes,
    )
