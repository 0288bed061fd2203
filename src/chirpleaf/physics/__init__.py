"""The physics that simulation and inference share: parameters, priors, waveforms, detectors, the remnant.

What needs no LAL is offered here by name. `chirpleaf.physics.waveforms` and `chirpleaf.physics.detectors` import
LALSimulation and LAL, which takes a moment, and are therefore left to be imported by those who use them.
"""

from chirpleaf.physics.conversions import chi_eff, chirp_mass, component_masses, mass_ratio, symmetric_mass_ratio
from chirpleaf.physics.parameters import PARAMETERS, Parameter
from chirpleaf.physics.priors import Cosine, ExtrinsicPrior, IntrinsicPrior, PowerLaw, Sine, Uniform
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
