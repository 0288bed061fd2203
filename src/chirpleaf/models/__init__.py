"""Trained models: representation, root, head and provenance in one file; saving, loading, the shipped ones."""

from chirpleaf.models.architecture import Architecture
from chirpleaf.models.estimator import Estimator
from chirpleaf.models.files import load, save
from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.models.model import Model
from chirpleaf.models.posterior import PosteriorEstimator
from chirpleaf.models.shipped import available_models, load_model

__all__ = [
    "Architecture",
    "Estimator",
    "LeafEstimator",
    "Model",
    "PosteriorEstimator",
    "available_models",
    "load",
    "load_model",
    "save",
]
