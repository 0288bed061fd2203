"""From strain to a posterior: the amortised posterior of a trained model, as an object with samples and densities."""

from chirpleaf.inference.infer import infer
from chirpleaf.inference.posterior import Posterior

__all__ = ["Posterior", "infer"]
