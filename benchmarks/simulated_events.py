"""Estimates of leaves for simulated events of their own prior and noise, by signal-to-noise ratio."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from chirpleaf.config import Preset
from chirpleaf.models.leaves import LeafEstimator
from chirpleaf.training.data import held_out_simulator

TEST = 3
"""Number that extends the seed of the training for the waveforms, spectra and noise of these events."""


@torch.no_grad()
def estimate_simulated(
    preset: Preset, estimator: LeafEstimator, edges: Sequence[float], events: int
) -> Iterator[tuple[dict[str, Tensor], dict[str, Tensor]]]:
    """Estimates and true values of as many events in each bin between `edges`, on all detectors of a preset."""
    simulation = replace(
        preset.simulation, strata=1, subsets=None, curriculum=None, validation_waveforms=events,
        batch_size=min(events, 256),
    )  # fmt: skip
    estimator.eval()
    estimator.use_bfloat16(False)
    simulator = held_out_simulator(preset.architecture(), estimator, simulation, seed=[preset.seed, TEST])
    n_batches = max(1, events // simulation.batch_size)
    for place, snr_range in enumerate(pairwise(edges)):
        some = replace(simulator, snr_range=snr_range)
        batches = [some.batch(place * n_batches + index) for index in range(n_batches)]
        found = [torch.stack(list(estimator.network.estimate(batch.tokens).values()), dim=-1) for batch in batches]
        truth = torch.cat([batch.target for batch in batches])
        yield estimator.targets.inv(torch.cat(found)), estimator.targets.inv(truth)
