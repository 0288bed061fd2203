"""Interpolated matched filters, compared with the sums over all nodes that they stand for."""

import numpy as np
import pytest
from made_marginal import SIGNAL, arrivals, binaries, segment
from tiny import TinySignal

from chirpleaf.inference.certify.heterodyne import Heterodyne
from chirpleaf.inference.certify.matching import match_points
from chirpleaf.inference.certify.settings import HeterodyneSettings
from chirpleaf.physics.signals import SignalModel

SNR = 20.0
N_BINARIES, N_POINTS = 5, 3000


def make_heterodyne(names: tuple[str, ...], signal: SignalModel) -> Heterodyne:
    data, settings = segment(names, SNR), HeterodyneSettings(dephasing=0.15)
    return Heterodyne.from_reference(data, binaries(1), arrivals(names), signal, settings, reach=0.012)


@pytest.mark.parametrize("signal", [SIGNAL, TinySignal()], ids=["one harmonic", "two harmonics"])
@pytest.mark.parametrize("names", [("H1",), ("H1", "L1", "V1")], ids="".join)
@pytest.mark.parametrize("extent", [0.0, 0.002, 0.2], ids=["one time", "narrow", "wide"])
def test_it_is_the_sum_over_the_nodes(names: tuple[str, ...], signal: SignalModel, extent: float) -> None:
    fast = make_heterodyne(names, signal)
    ratios, rng = fast.compute_ratios(binaries(N_BINARIES)), np.random.default_rng(3)
    times = arrivals(names) + extent * rng.uniform(-0.5, 0.5, (N_POINTS, len(names)))
    shape = (N_POINTS, len(names), len(signal.harmonics))
    response = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)

    expected = np.zeros((len(set(signal.harmonics)), N_BINARIES, N_POINTS), complex)
    for detector in range(len(names)):
        turned = np.exp(2j * np.pi * np.outer(fast.frequencies, times[:, detector] - fast.arrivals[detector]))
        for series, harmonic in enumerate(signal.harmonics):
            matched = (ratios[:, series].conj() * fast.filters[detector, series]) @ turned
            expected[sorted(set(signal.harmonics)).index(harmonic)] += matched * response[:, detector, series].conj()

    found = match_points(fast, ratios, response, times).numpy()
    assert found.shape == expected.shape
    # ln L is half the square of a signal-to-noise of 20, so that it is off by no more than 0.01 nats.
    assert np.abs(found - expected).max() < 2e-5 * np.abs(expected).max()
