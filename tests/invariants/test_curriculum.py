"""The curriculum: loud signals first, the whole range later; validation and calibration are never restricted."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from chirpleaf.errors import InputError
from chirpleaf.models import Architecture
from chirpleaf.training.data import build_simulator, held_out_simulator
from chirpleaf.training.simulation import Curriculum, Simulation

CURRICULUM = Curriculum(snr_min=40.0, batches=10)


def test_the_quietest_signal_of_a_batch_gets_quieter(architecture: Architecture) -> None:
    simulation = Simulation(waveforms=64, validation_waveforms=64, spectra=4, batch_size=64, curriculum=CURRICULUM)
    estimator = architecture.build()
    simulator = build_simulator(architecture, estimator, simulation, seed=0)
    plain = replace(simulator, curriculum=None)
    snr = estimator.canonical.layout.sections[:2]

    def loudness(index: int, *, restricted: bool) -> float:
        tokens = (simulator if restricted else plain).batch(index).tokens
        return float(np.quantile((tokens.values[..., sum(snr)] + 2.5).exp().square().sum(1).sqrt(), 0.05))

    assert loudness(0, restricted=True) > 35
    assert loudness(0, restricted=False) < 15
    assert loudness(5, restricted=True) < 30
    for index in (10, 400):
        assert torch.equal(simulator.batch(index).tokens.values, plain.batch(index).tokens.values)
    assert held_out_simulator(architecture, estimator, simulation, seed=[0, 1]).curriculum is None


def test_a_curriculum_lies_within_the_range() -> None:
    with pytest.raises(InputError, match=r"snr_min below 60"):
        Simulation(curriculum=Curriculum(snr_min=70.0)).check(("H1",))
