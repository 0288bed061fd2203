"""Targets: presets, overlap with the prior of the network, and integrals over any prior of the distance."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
from scipy.special import i0e
from tiny import TinyPrior

from chirpleaf.errors import InputError
from chirpleaf.inference.certify.edges import find_reached_edges
from chirpleaf.inference.certify.likelihood_settings import DistanceSettings
from chirpleaf.inference.certify.overlaps import Overlaps
from chirpleaf.inference.certify.phase import BesselIntegral
from chirpleaf.inference.certify.target import Prior, Target, choose_prior
from chirpleaf.physics.comoving_volume import UniformComovingVolume, UniformSourceFrame
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.distributions import PowerLaw, ProjectedSpin, Uniform
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.priors import IntrinsicPrior, IsotropicSpinPrior
from chirpleaf.physics.spaces import aligned_space
from chirpleaf.physics.waveform_settings import WaveformSettings

NETWORK = IntrinsicPrior(mass_min=1.0, mass_max=400.0, spin_max=0.9, chirp_mass_min=10.0, chirp_mass_max=60.0)
WIDER = IntrinsicPrior(mass_min=0.5, mass_max=800.0, mass_ratio_min=0.02, chirp_mass_min=4.0, chirp_mass_max=120.0)
NARROWER = IntrinsicPrior(mass_min=10.0, mass_max=80.0, spin_max=0.5, chirp_mass_min=15.0, chirp_mass_max=50.0)


def test_presets():
    model = Prior.load("model").make_target(NETWORK, trigger_time=5.0)
    assert model == Target(NETWORK, PowerLaw(2.0, 100.0, 3000.0))
    assert (model.time, model.centre, model.prior) == (0.1, None, "model")
    comoving = Prior.load("comoving").make_target(NETWORK, trigger_time=5.0, waveform=WaveformSettings("IMRPhenomD"))
    assert (comoving.intrinsic, comoving.distance) == (NETWORK, UniformSourceFrame(100.0, 3000.0))
    assert (comoving.waveform.approximant, comoving.prior) == ("IMRPhenomD", "comoving")
    standard = Prior.load("standard").make_target(NETWORK, trigger_time=5.0)
    assert standard.distance == PowerLaw(2.0, 100.0, 3000.0)
    low, high = standard.intrinsic.chirp_mass_range
    assert (low, high, standard.intrinsic.spin_max) == (10.0, 100.0, 0.99)
    # Chirp mass and mass ratio alone bound it: the component masses never do.
    np.testing.assert_array_equal(standard.intrinsic.mass_ratio_lower(np.linspace(low, high, 50)), 0.125)


def test_catalogue_priors():
    """Distances to 15 Gpc; the masses of the network; spins isotropic or as the network's."""
    isotropic, uniform = (Prior.load(name).make_target(NETWORK, trigger_time=5.0) for name in ("isotropic", "uniform"))
    assert isotropic.distance == uniform.distance == UniformSourceFrame(10.0, 15_000.0)
    assert (isotropic.intrinsic, uniform.intrinsic) == (IsotropicSpinPrior(**asdict(NETWORK)), NETWORK)
    assert isotropic.intrinsic != NETWORK
    assert isotropic.intrinsic.spin == ProjectedSpin(0.9)
    samples = NETWORK.sample(5, np.random.default_rng(0))
    ratio = sum(np.log(np.log(0.9 / np.abs(samples[name]))) for name in ("chi_1", "chi_2"))
    np.testing.assert_allclose(isotropic.intrinsic.log_prob(samples) - NETWORK.log_prob(samples), ratio, rtol=1e-9)


def test_presets_for_a_network_of_precessing_spins():
    """Isotropic spins in all of them; `standard` has the masses of its own."""
    network = PrecessingPrior(mass_min=1.0, mass_max=400.0, spin_max=0.9, chirp_mass_min=10.0, chirp_mass_max=60.0)
    assert choose_prior(network) == "isotropic"
    for name in ("isotropic", "uniform", "model", "comoving"):
        assert Prior.load(name).make_target(network, trigger_time=5.0).intrinsic == network
    standard = Prior.load("standard").make_target(network, trigger_time=5.0).intrinsic
    assert isinstance(standard, PrecessingPrior)
    assert (standard.chirp_mass_range, standard.spin_max) == ((10.0, 100.0), 0.99)


def test_a_prior_file_of_aligned_spins_is_refused_for_a_network_of_precessing_spins():
    prior = Prior("aligned.prior", intrinsic=IntrinsicPrior())
    with pytest.raises(InputError, match=r"expected a prior of precessing spins.*got aligned ones in aligned.prior"):
        prior.make_target(PrecessingPrior(), trigger_time=0.0)


def test_isotropic_spins_are_of_networks_of_aligned_spins():
    with pytest.raises(InputError, match="aligned spins for prior isotropic; got one under TinyPrior: choose model"):
        Prior.load("isotropic").make_target(TinyPrior(), trigger_time=0.0)
    assert Prior.load("model").make_target(TinyPrior(), trigger_time=0.0).intrinsic == TinyPrior()


@pytest.mark.parametrize("name", ["flat", "", "missing.prior", "."])
def test_unknown_priors_are_refused(name, tmp_path):
    with pytest.raises(InputError, match="isotropic, uniform, model, standard, comoving or a prior file"):
        Prior.load(tmp_path / name if name == "." else name)


def test_prior_file(tmp_path):
    path = tmp_path / "narrow.prior"
    path.write_text(
        "chirp_mass = Uniform(minimum=20, maximum=30)\n"
        "mass_ratio = Uniform(minimum=0.5, maximum=1)\n"
        "chi_1 = Uniform(minimum=-0.5, maximum=0.5)\n"
        "chi_2 = Uniform(minimum=-0.5, maximum=0.5)\n"
        "luminosity_distance = Uniform(minimum=100, maximum=900)\n"
        "geocent_time = Uniform(minimum=999.9, maximum=1000.2)\n"
    )
    prior = Prior.load(path)
    assert Prior.load(str(path)).name == prior.name == str(path)
    target = prior.make_target(NETWORK, trigger_time=1000.0)
    assert target.centre == pytest.approx(1000.05)
    assert target.time == pytest.approx(0.15)
    samples = {"chirp_mass": [25.0, 35.0], "mass_ratio": [0.7, 0.7], "chi_1": [0.1, 0.1], "chi_2": [0.0, 0.0]}
    np.testing.assert_allclose(target.intrinsic.log_prob(samples), [-np.log(10 * 0.5), -np.inf])
    np.testing.assert_allclose(target.distance.log_prob([500.0, 950.0]), [-np.log(800), -np.inf])
    with pytest.raises(InputError, match="geocent_time"):
        prior.make_target(NETWORK, trigger_time=1000.3)
    with pytest.raises(InputError, match="overlap"):
        prior.make_target(IntrinsicPrior(chirp_mass_min=40.0), trigger_time=1000.0)


def test_targets_without_a_binary_in_common_are_refused():
    heavy = IntrinsicPrior(chirp_mass_min=60.0)
    light = Prior("light", IntrinsicPrior(chirp_mass_max=20.0))
    with pytest.raises(InputError, match=r"prior light to overlap .* got none in common"):
        light.make_target(heavy, trigger_time=0.0)
    sliver = Prior("sliver", IntrinsicPrior(chirp_mass_min=30.0, chirp_mass_max=30.2))
    assert sliver.make_target(NETWORK, trigger_time=0.0).prior == "sliver"


class Thin:
    """A density of a thin slice of first spins."""

    def log_prob(self, samples):
        return np.where(np.abs(samples["chi_1"] - 0.1) < 1e-9, 0.0, -np.inf)


@pytest.mark.parametrize("given", [{"fixed": {"chi_1": 0.1}}, {"spins": {"chi_1": Uniform(0.1 - 1e-9, 0.1 + 1e-9)}}])
def test_a_prior_of_values_that_no_draw_of_the_network_has_overlaps_with_it(given):
    assert Prior("thin", Thin(), **given).make_target(NETWORK, trigger_time=0.0).prior == "thin"
    with pytest.raises(InputError, match="got none in common"):
        Prior("thin", Thin()).make_target(NETWORK, trigger_time=0.0)


class Doubled:
    """The network's prior with another slope, and not one binary more."""

    def log_prob(self, samples):
        return NETWORK.log_prob(samples) + np.log(np.abs(samples["chirp_mass"]))


def gaussian(name, mean, sigma, target, n=20_000):
    """Draws of the network weighed towards a Gaussian likelihood of one parameter under a target."""
    samples = NETWORK.sample(20 * n, np.random.default_rng(0))
    keep = np.flatnonzero(np.abs(samples[name] - mean) < 6 * sigma)[:n]
    samples = {key: values[keep] for key, values in samples.items()}
    likelihood = -0.5 * ((samples[name] - mean) / sigma) ** 2
    return samples, likelihood + target.intrinsic.log_prob(samples) - NETWORK.log_prob(samples) + 200.0


def told(name, mean, sigma, target, words):
    """Sentences on one edge."""
    lines = find_reached_edges(*gaussian(name, mean, sigma, target), aligned_space(NETWORK), target)
    return [line for line in lines if f"beyond {words}" in line]


@pytest.mark.parametrize(
    ("name", "edge", "inward", "sigma", "words"),
    [
        pytest.param("chirp_mass", 60.0, -1, 2.0, "chirp_mass 60 solar masses", id="heavy"),
        pytest.param("chirp_mass", 10.0, 1, 0.2, "chirp_mass 10 solar masses", id="light"),
        pytest.param("mass_ratio", 0.125, 1, 0.05, "the least mass_ratio", id="unequal"),
        pytest.param("chi_1", 0.9, -1, 0.1, "chi_1 0.9", id="fast"),
        pytest.param("chi_2", -0.9, 1, 0.2, "chi_2 -0.9", id="retrograde"),
    ],
)
def test_posterior_at_an_edge_is_told(name, edge, inward, sigma, words):
    """Where the target goes on; not where it ends with the network or before, nor where the posterior keeps away."""
    wider = Target(WIDER, prior="wide")
    found = told(name, edge + inward * sigma, sigma, wider, words)
    assert len(found) == 1
    assert "wide goes on" in found[0]
    assert "\n" not in found[0]
    assert told(name, edge + 4 * inward * sigma, sigma, wider, words) == []
    for target in (Target(NETWORK), Target(Doubled()), Target(NARROWER)):
        assert told(name, edge + inward * sigma, sigma, target, words) == []


def test_component_masses_that_end_are_told():
    """A heavier first mass is a smaller mass ratio."""
    network = IntrinsicPrior(**{**asdict(NETWORK), "mass_max": 80.0})
    samples = network.sample(50_000, np.random.default_rng(2))
    mass_1, _ = component_masses(samples["chirp_mass"], samples["mass_ratio"])
    found = find_reached_edges(samples, -0.5 * ((mass_1 - 80.0) / 5.0) ** 2, aligned_space(network), Target(NETWORK))
    assert any("component masses leave 1-80" in line for line in found)
    found = find_reached_edges(samples, -0.5 * ((mass_1 - 50.0) / 5.0) ** 2, aligned_space(network), Target(NETWORK))
    assert not any("component masses leave 1-80" in line for line in found)


def test_what_is_lost_is_estimated():
    """Spins that nothing is known of: beyond each edge a target to 0.99 has 0.09 / 1.8 of what the network covers."""
    target = Target(IntrinsicPrior(**{**asdict(NETWORK), "spin_max": 0.99}))
    samples = NETWORK.sample(50_000, np.random.default_rng(2))
    log_weight = target.intrinsic.log_prob(samples) - NETWORK.log_prob(samples)
    lines = find_reached_edges(samples, log_weight, aligned_space(NETWORK), target)
    assert len(lines) == 4
    assert all(line.startswith(("about 5 %", "about 4 %", "about 6 %")) for line in lines)
    little = Target(IntrinsicPrior(**{**asdict(NETWORK), "spin_max": 0.905}))
    assert find_reached_edges(samples, log_weight, aligned_space(NETWORK), little) == ()


def test_edges_of_few_or_impossible_samples():
    target = Target(WIDER)
    samples = NETWORK.sample(3, np.random.default_rng(0))
    assert find_reached_edges(samples, np.full(3, -np.inf), aligned_space(NETWORK), target) == ()
    assert find_reached_edges(samples, np.array([0.0, -np.inf, -np.inf]), aligned_space(NETWORK), target) == ()


DISTANCES = {
    "volume": PowerLaw(2.0, 100.0, 3000.0),
    "comoving": UniformComovingVolume(50.0, 2000.0),
    "source frame": UniformSourceFrame(100.0, 3000.0),
    "catalogue": UniformSourceFrame(10.0, 15_000.0),
    "uniform": Uniform(100.0, 3000.0),
    "down to nothing": PowerLaw(2.0, 0.0, 2000.0),
    "narrow": Uniform(300.0, 500.0),
}


@pytest.mark.parametrize("prior", DISTANCES.values(), ids=DISTANCES.keys())
def test_distance_and_phase_integrated_out(prior):
    """Against a plain sum over distances."""
    integral = BesselIntegral.tabulate(prior, 12.0, DistanceSettings())
    assert torch.isfinite(integral.table.values).all()
    x = np.linspace(max(prior.minimum, 1e-3), prior.maximum, 200_001)
    density = prior.log_prob(x)
    for snr in (2.1, 5.3, 11.7):
        for best in (330.0, 470.0, 900.0):
            kappa, rho = snr**2 * best, snr * best
            value = density + np.log(i0e(kappa / x)) + kappa / x - rho**2 / (2 * x**2)
            top = value.max()
            expected = top + np.log(np.exp(value - top).sum() * (x[1] - x[0]))
            found = float(integral.integrate(torch.tensor(kappa), torch.tensor(rho)))
            assert found == pytest.approx(expected, abs=0.03)


def test_distances_of_any_prior_are_drawn():
    """Mean and spread of draws against a plain sum, for a prior other than a power law."""
    prior = UniformSourceFrame(100.0, 3000.0)
    integral = BesselIntegral.tabulate(prior, 12.0, DistanceSettings())
    kappa, rho = np.full(20_000, 49.0 * 600.0 + 0j), np.full(20_000, 7.0 * 600.0)
    none = torch.zeros((0, 20_000), dtype=torch.complex64)
    overlaps = Overlaps((2,), (), torch.from_numpy(kappa)[None], torch.from_numpy(rho**2), none)
    distance, phase = integral.sample(overlaps, np.random.default_rng(0))
    x = np.linspace(100.0, 3000.0, 100_001)
    value = prior.log_prob(x) + np.log(i0e(kappa[0].real / x)) + kappa[0].real / x - rho[0] ** 2 / (2 * x**2)
    weight = np.exp(value - value.max())
    mean = np.average(x, weights=weight)
    spread = np.sqrt(np.average((x - mean) ** 2, weights=weight))
    assert distance.mean() == pytest.approx(mean, abs=4 * spread / np.sqrt(20_000))
    assert distance.std() == pytest.approx(spread, rel=0.03)
    assert phase.min() >= 0.0
    assert phase.max() < 2 * np.pi


def test_clients_of_the_server_may_name_the_presets_and_nothing_else():
    from typing import get_args

    from chirpleaf.inference.certify.target import PRESETS
    from chirpleaf.server.schemas import Prior

    assert set(get_args(Prior)) == set(PRESETS)


def test_one_draw_with_all_the_weight_reaches_no_edge():
    samples = NETWORK.sample(50, np.random.default_rng(4))
    log_weight = np.where(np.arange(50) == 7, 0.0, -1e4)
    with np.errstate(all="raise", under="ignore"):
        assert find_reached_edges(samples, log_weight, aligned_space(NETWORK), Target(WIDER)) == ()
