"""Physics shared by simulation and inference: parameters, priors, waveforms, detectors, remnants.

This module exports the parts that do not need LAL. `chirpleaf.physics.waveforms` and `chirpleaf.physics.detectors`
import LALSimulation and LAL, which takes a moment; import them where they are used.
"""

from chirpleaf.physics.conversions import chi_eff, chirp_mass, component_masses, mass_ratio, symmetric_mass_ratio
from chirpleaf.physics.distributions import Cosine, PowerLaw, Sine, Uniform
from chirpleaf.physics.extrinsic_prior import ExtrinsicPrior
from chirpleaf.physics.parameters import PARAMETERS, Parameter
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.remnant import f_220, final_mass, final_spin, quasi_normal_frequency, tau_220

__all__ = [
    "PARAMETERS",
    "Cosine",
    "ExtrinsicPrior",
    "IntrinsicPrior",
    "Parameter",
    "PowerLaw",
    "Sine",
    "Uniform",
    "chi_eff",
    "chirp_mass",
    "component_masses",
    "f_220",
    "final_mass",
    "final_spin",
    "mass_ratio",
    "quasi_normal_frequency",
    "symmetric_mass_ratio",
    "tau_220",
]
