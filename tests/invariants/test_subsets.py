"""Any subset of the detectors: the observation holds those that are present, and no other."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
import torch

from chirpleaf.diagnostics.injections import inject
from chirpleaf.errors import InputError
from chirpleaf.inference.amortised import sample_posterior
from chirpleaf.inference.observation import canonicalise
from chirpleaf.inference.observe import observe
from chirpleaf.inference.trust import assess
from chirpleaf.models import Model
from chirpleaf.networks.encoders import PooledSettings
from chirpleaf.physics.detectors import DETECTORS
from chirpleaf.strain.noise import EnsembleNoise
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.strain import Strain

TRIGGER = 1126259462.4
FLAT = PowerSpectralDensity(np.array([10.0, 2048.0]), np.array([1e-46, 1e-46]))
SUBSETS = [names for size in range(1, 5) for names in combinations(DETECTORS, size)]


def make_strain(names: tuple[str, ...]) -> dict[str, Strain]:
    """White noise of 8 s, the same for a detector whatever the others are."""
    values = {name: np.random.default_rng(ord(name[0])).normal(scale=4.5e-22, size=4096 * 8) for name in DETECTORS}
    return {name: Strain(name, values[name], TRIGGER - 4.0, 4096.0) for name in names}


@pytest.fixture(scope="module")
def subset_model(build_model: Callable[..., Model]) -> Model:
    return build_model("subsets", detectors=DETECTORS, encoder=PooledSettings(), arrival_margin=0.005, delay=0.025)


@pytest.mark.parametrize("names", SUBSETS)
def test_any_subset_is_observed(subset_model: Model, names: tuple[str, ...]) -> None:
    found = observe(subset_model, make_strain(names), dict.fromkeys(names, FLAT), TRIGGER)
    assert found.segment.detectors == names
    assert found.canonical.tokens.present[0].tolist() == [name in names for name in DETECTORS]
    assert tuple(assess(found).snr) == names
    assert found.snr > 0
    samples, log_prob = sample_posterior(found, 20, seed=0)
    assert np.isfinite(log_prob).all()
    assert np.isfinite(samples["chirp_mass"]).all()


def test_order_and_other_detectors_of_the_strain_do_not_matter(subset_model: Model) -> None:
    names = ("H1", "V1")
    found = observe(subset_model, make_strain(names), dict.fromkeys(DETECTORS, FLAT), TRIGGER)
    turned = observe(subset_model, make_strain(names[::-1]), dict.fromkeys(DETECTORS, FLAT), TRIGGER)
    for part, other in zip(found.canonical.tokens, turned.canonical.tokens, strict=True):
        assert torch.equal(part, other)
    more = observe(subset_model, make_strain(("H1", "L1", "V1")), dict.fromkeys(DETECTORS, FLAT), TRIGGER)
    assert not torch.equal(more.canonical.tokens.shared, found.canonical.tokens.shared)


def test_without_any_of_its_detectors_a_model_refuses(subset_model: Model) -> None:
    with pytest.raises(InputError, match="expected strain of some of H1, L1, V1, K1 for model subsets; got none"):
        observe(subset_model, {}, {}, TRIGGER)
    assert subset_model.takes_subsets


def test_a_model_of_a_fixed_network_needs_all_of_it(model: Model) -> None:
    assert not model.takes_subsets
    assert model.select_detectors(("V1", "L1", "H1")) == ("H1", "L1")
    with pytest.raises(InputError, match="expected strain of H1, L1 for model random; got H1, V1: add --strain L1"):
        model.select_detectors(("H1", "V1"))


@pytest.mark.parametrize("names", [("L1",), ("H1", "V1"), ("H1", "L1", "V1")])
def test_injections_have_the_detectors_that_are_asked_for(subset_model: Model, names: tuple[str, ...]) -> None:
    rng = np.random.default_rng(1)
    event = inject(subset_model, EnsembleNoise(), rng, snr_range=(29.0, 30.0), trigger_error=0.0, detectors=names)
    assert event.segment.detectors == names
    assert 29.0 <= event.snr <= 30.0
    loud = canonicalise(subset_model, [event.segment]).snr.square().sum().sqrt()
    assert float(loud) > 15.0
