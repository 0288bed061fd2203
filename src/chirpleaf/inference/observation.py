"""Observation: the data of an event in the form that a model takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from chirpleaf.models.model import Model
from chirpleaf.representation.canonical import Canonical
from chirpleaf.strain.segment import Segment


@dataclass(frozen=True, eq=False)
class Observation:
    """Data in the form that a model takes.

    Attributes:
        model: the model.
        segment: the data, about the reference time.
        canonical: the canonical input, a batch of one.
        snr: network signal-to-noise ratio of the loudest waveform that was tried.
    """

    model: Model
    segment: Segment
    canonical: Canonical
    snr: float

    @property
    def chirp_mass(self) -> float:
        """Chirp mass of the best template, solar masses."""
        return float(self.model.estimator.canonical.chirp_mass[self.canonical.template[0]])


def canonicalise(model: Model, segments: Sequence[Segment]) -> Canonical:
    """Computes the canonical input of a batch of segments.

    Args:
        model: its preprocessing is used.
        segments: at least one; of the model's detectors, duration and frequencies.

    Returns:
        The canonical input, in the order of the segments.
    """
    return preprocess(model, *compress(model, segments))


def compress(model: Model, segments: Sequence[Segment]) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Compresses segments onto the multiband grid of a model.

    Args:
        model: its grid is used.
        segments: at least one, as for `canonicalise`.

    Returns:
        Whitened data and whitening weights, both of shape (segment, detector, n_bins).
    """
    grid = model.estimator.canonical.grid
    data, weights = zip(*(grid.compress(segment.strain, segment.psd) for segment in segments), strict=True)
    return np.stack(data), np.stack(weights)


@torch.no_grad()
def preprocess(model: Model, data: NDArray[np.complex128], weights: NDArray[np.float64]) -> Canonical:
    """Computes the canonical input of multiband data.

    Args:
        model: its preprocessing is used.
        data: whitened data, shape (segment, detector, n_bins).
        weights: whitening weights, same shape.

    Returns:
        The canonical input, in the order of the segments.
    """
    relative = weights / model.estimator.canonical.reference_weights
    return model.estimator.preprocess(
        torch.from_numpy(data.astype(np.complex64)), torch.from_numpy(relative.astype(np.float32))
    )
