"""Coverage: draws from a broadened proposal, which find what the proposals miss.

Importance weights say nothing about a part of the posterior in which no draw lies. A small share of the draws therefore
comes from the principal proposal with its standard deviations multiplied by a factor (defensive importance sampling,
doi:10.1080/00401706.1995.10484303). All draws have the density of the mixture of all proposals, so that the estimates
stay exact. Draws in a part that the other proposals miss have large weights: the effective sample size falls, further
draws are made, and mixtures are fitted that hold this part.
"""

from dataclasses import replace

import numpy as np

from chirpleaf.inference.certify.gaussian_mixture import GaussianMixture
from chirpleaf.inference.certify.mixture import MixtureProposal
from chirpleaf.inference.certify.proposals import NetworkProposal, Proposal
from chirpleaf.models.normal import normal_coordinates


def broaden(proposal: Proposal, scale: float) -> MixtureProposal:
    """Multiplies the standard deviations of a proposal.

    Args:
        proposal: a Gaussian mixture, or a network, which is a standard normal distribution in its normal coordinates.
        scale: factor on the standard deviations.

    Raises:
        TypeError: the proposal is of another kind.
    """
    match proposal:
        case MixtureProposal():
            return replace(proposal, gaussians=replace(proposal.gaussians, roots=scale * proposal.gaussians.roots))
        case NetworkProposal(observation):
            dimension = len(proposal.space)
            coordinates = normal_coordinates(observation.model.posterior, observation.canonical)
            one = GaussianMixture(np.zeros(1), np.zeros((1, dimension)), scale * np.eye(dimension)[None])
            return MixtureProposal(proposal.space, coordinates, one)
        case _:
            raise TypeError(f"expected a network or a mixture; got {type(proposal).__name__}: broaden one of these")
