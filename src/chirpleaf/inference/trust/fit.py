"""The best signal of a posterior in the data of each detector."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex128
from numpy.typing import NDArray

from chirpleaf.inference.certify.likelihood import Waveform, project_signals
from chirpleaf.physics.derived import Samples
from chirpleaf.strain.segment import Segment


class BestSignal(NamedTuple):
    """The sample of the greatest likelihood.

    Attributes:
        sample: its parameters, each of shape (1,).
        strain: its signal in each detector, shape (detector, F), 1/Hz.
        merger: its arrival at the centre of the earth, seconds after the segment's reference time.
    """

    sample: Samples
    strain: Complex128[np.ndarray, "detector frequency"]
    merger: float


def find_best_signal(
    segment: Segment, samples: Samples, log_weight: NDArray[np.float64], waveform: Waveform
) -> BestSignal | None:
    """Computes the signal of the sample of the greatest likelihood.

    Args:
        segment: the data.
        samples: draws of all parameters and their log_likelihood, each of shape (n,).
        log_weight: ln of their weights, shape (n,).
        waveform: signal model or approximant of the likelihood.

    Returns:
        The signal; None if no draw is possible, or its waveform cannot be computed.
    """
    value = np.where(np.isfinite(log_weight), np.nan_to_num(samples["log_likelihood"], nan=-np.inf), -np.inf)
    if not len(value) or not np.isfinite(value.max()):
        return None
    best = int(value.argmax())
    sample = {name: np.asarray(values)[[best]] for name, values in samples.items()}
    strain = np.concatenate(list(project_signals(segment, sample, waveform)))
    if not np.isfinite(strain).all():
        return None
    return BestSignal(sample, strain, float(sample["geocent_time"][0] - segment.reference_time))
