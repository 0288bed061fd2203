"""Shipped models on simulated strain: the data choose the model, and the posterior contains the true values."""

from collections.abc import Callable

import numpy as np
import pytest

import chirpleaf
from chirpleaf.result import Posterior

WIDEST = {5.2: 0.1, 7.0: 0.2, 9.5: 0.4, 19.0: 2.5, 30.0: 6.0}
"""Chirp mass (solar masses) to the largest allowed width of its 90 % interval at a signal-to-noise ratio of 20."""


@pytest.fixture(scope="module", params=WIDEST)
def answer(request: pytest.FixtureRequest, simulated: Callable[..., tuple]) -> tuple[Posterior, float]:
    strain, densities, trigger = simulated(request.param, seed=int(request.param))
    posterior = chirpleaf.infer(strain=strain, psd=densities, trigger_time=trigger, samples=4000, certify=False)
    return posterior, request.param


def test_the_data_choose_the_model(answer: tuple[Posterior, float]) -> None:
    posterior, chirp_mass = answer
    expected = "bbh-long" if chirp_mass < 6 else "bbh-middle" if chirp_mass < 14 else "bbh"
    assert posterior.provenance.model == expected
    assert (posterior.trust.verdict, posterior.trust.reasons) == ("not certified", ())
    assert posterior.trust.network_snr == pytest.approx(20, abs=5)


def test_the_posterior_contains_the_true_values(answer: tuple[Posterior, float]) -> None:
    posterior, chirp_mass = answer
    for name, truth in {"chirp_mass": chirp_mass, "mass_ratio": 0.8, "chi_eff": (0.2 - 0.08) / 1.8}.items():
        low, high = np.quantile(posterior.samples[name], [0.001, 0.999])
        assert low < truth < high, name
    # The lighter, the more cycles, the better its chirp mass is known.
    assert np.ptp(np.quantile(posterior.samples["chirp_mass"], [0.05, 0.95])) < WIDEST[chirp_mass]
