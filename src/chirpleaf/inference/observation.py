"""Observation: the data of an event in the form that a model takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from chirpleaf.models.model import Model
from chirpleaf.representation.canonical import Canonical
from chirpleaf.strain.segment import Segment


@dataclass(frozen=True)
class UntriedModel:
    """A model that could not be tried although the signal may be among those that it was trained for.

    Attributes:
        name: name of the model.
        reason: why it could not be tried.
        short: whether longer strain would allow it.
    """

    name: str
    reason: str
    short: bool

    def describe(self) -> str:
        """The attributes in one sentence."""
        return f"the signal may be lighter than its model assumes, but {self.name} could not be tried: {self.reason}"


@dataclass(frozen=True, eq=False)
class Observation:
    """Data in the form that a model takes.

    Attributes:
        model: the model.
        segment: the data, about the reference time.
        canonical: the canonical input, a batch of one.
        snr_by_detector: signal-to-noise ratio of the loudest waveform that was tried, for each detector.
        untried: models that the signal may belong to and that could not be tried.
    """

    model: Model
    segment: Segment
    canonical: Canonical
    snr_by_detector: Mapping[str, float]
    untried: tuple[UntriedModel, ...] = ()

    @property
    def snr(self) -> float:
        """Network signal-to-noise ratio of the loudest waveform that was tried."""
        return float(np.sqrt(sum(value**2 for value in self.snr_by_detector.values())))

    @property
    def chirp_mass(self) -> float:
        """Chirp mass of the best template, solar masses."""
        return float(self.model.estimator.canonical.chirp_mass[self.canonical.template[0]])


def canonicalise(model: Model, segments: Sequence[Segment]) -> Canonical:
    """Computes the canonical input of a batch of segments.

    Args:
        model: its preprocessing is used.
        segments: at least one, all of the same detectors, which are some of the model's if it takes subsets, else all
            of them; of the model's duration and frequencies.

    Returns:
        The canonical input, in the order of the segments.
    """
    return preprocess(model, segments[0].detectors, *compress(model, segments))


def compress(model: Model, segments: Sequence[Segment]) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Compresses segments onto the multiband grid of a model.

    Args:
        model: its grid is used.
        segments: at least one, as for `canonicalise`.

    Returns:
        Whitened data and whitening weights, both of shape (segment, detector, n_bins), for the segments' detectors.
    """
    grid = model.estimator.canonical.grid
    data, weights = zip(*(grid.compress(segment.strain, segment.psd) for segment in segments), strict=True)
    return np.stack(data), np.stack(weights)


@torch.no_grad()
def preprocess(
    model: Model, detectors: Sequence[str], data: NDArray[np.complex128], weights: NDArray[np.float64]
) -> Canonical:
    """Computes the canonical input of multiband data.

    Args:
        model: its preprocessing is used.
        detectors: names of the detectors of the data, in order; all of the model's in its order unless it takes
            subsets.
        data: whitened data, shape (segment, detector, n_bins).
        weights: whitening weights, same shape.

    Returns:
        The canonical input, in the order of the segments; detectors without data are absent.
    """
    relative = torch.from_numpy((weights / model.estimator.canonical.reference_weights).astype(np.float32))
    whitened = torch.from_numpy(data.astype(np.complex64))
    if not model.takes_subsets:
        return model.estimator.preprocess(whitened, relative)
    places = [model.detectors.index(name) for name in detectors]
    shape = (len(data), len(model.detectors), data.shape[-1])
    present = torch.zeros(shape[:2], dtype=torch.bool)
    present[:, places] = True
    whole = [
        torch.zeros(shape, dtype=part.dtype).index_copy(1, torch.tensor(places), part) for part in (whitened, relative)
    ]
    return model.estimator.preprocess(whole[0], whole[1], present)
