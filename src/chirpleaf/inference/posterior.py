"""A posterior: samples, their density, and what they are of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirpleaf.inference.observe import Observation
from chirpleaf.inference.trust import Trust
from chirpleaf.physics import remnant
from chirpleaf.physics.conversions import chi_eff, component_masses
from chirpleaf.physics.parameters import PARAMETERS

Array = NDArray[np.float64]
Samples = dict[str, Array]

HEADLINE = (
    "chirp_mass",
    "mass_1",
    "mass_2",
    "mass_ratio",
    "chi_eff",
    "final_mass",
    "final_spin",
    "f_220",
    "tau_220",
)
"""Parameters of the table that `chirpleaf infer` prints."""


@dataclass(frozen=True)
class Posterior:
    """The posterior of one event.

    Attributes:
        samples: parameter name to values, each of shape (n,), in the units of `physics.parameters`.
        log_prob: ln of the density per unit of chirp_mass, mass_ratio, chi_1 and chi_2, shape (n,).
        event: name of the event, or "strain" for the user's own files.
        trigger_time: GPS time that was asked for, seconds.
        seed: seed of the draws.
        observation: the data as the model saw them.
        trust: whether the answer can be trusted, and why not.
        timing: seconds by stage: load_s, infer_s, certify_s (None), total_s.
    """

    samples: Samples
    log_prob: Array
    event: str
    trigger_time: float
    seed: int
    observation: Observation
    trust: Trust
    timing: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def detectors(self) -> tuple[str, ...]:
        """Detectors whose data were used."""
        return self.observation.model.detectors

    def __len__(self) -> int:
        return len(self.log_prob)

    def summary(self, parameters: tuple[str, ...] | None = None) -> dict[str, dict[str, Any]]:
        """Median and 90 % interval of parameters.

        Args:
            parameters: names; all when None.

        Returns:
            Name to {"median", "lower", "upper", "unit"}; lower and upper are the 5 % and 95 % quantiles.
        """
        rows = {}
        for name in parameters or tuple(self.samples):
            lower, median, upper = np.quantile(self.samples[name], (0.05, 0.5, 0.95))
            rows[name] = {
                "median": float(median),
                "lower": float(lower),
                "upper": float(upper),
                "unit": PARAMETERS[name].unit,
            }
        return rows


def derived(chirp_mass: Array, mass_ratio: Array, chi_1: Array, chi_2: Array) -> Samples:
    """Everything that follows from the four intrinsic parameters, and they themselves.

    Args:
        chirp_mass: detector frame, shape (n,), solar masses.
        mass_ratio: m_2 / m_1, shape (n,).
        chi_1: aligned spin of the heavier body, shape (n,).
        chi_2: of the lighter one, shape (n,).

    Returns:
        Name to values, shape (n,): component and total masses, effective spin, mass and spin of the remnant and its
        (2, 2, 0) quasi-normal mode, dimensionless and physical.
    """
    mass_1, mass_2 = component_masses(chirp_mass, mass_ratio)
    final_mass = remnant.final_mass(mass_1, mass_2, chi_1, chi_2)
    final_spin = remnant.final_spin(mass_1, mass_2, chi_1, chi_2)
    omega_r, omega_i = remnant.quasi_normal_frequency(final_spin)
    return {
        "chirp_mass": chirp_mass,
        "mass_ratio": mass_ratio,
        "mass_1": mass_1,
        "mass_2": mass_2,
        "total_mass": mass_1 + mass_2,
        "chi_1": chi_1,
        "chi_2": chi_2,
        "chi_eff": chi_eff(mass_ratio, chi_1, chi_2),
        "final_mass": final_mass,
        "final_spin": final_spin,
        "omega_r": omega_r,
        "omega_i": omega_i,
        "f_220": remnant.f_220(final_mass, final_spin),
        "tau_220": remnant.tau_220(final_mass, final_spin),
    }
