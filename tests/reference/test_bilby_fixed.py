"""Redshifts, fixed parameters and spins of prior files of bilby."""

import numpy as np
import pytest
from prior_lines import ALIGNED, CHIRP, DISTANCE, REGION, SPINS
from scipy import integrate, stats

from chirpleaf.physics.comoving_volume import UniformComovingVolume, UniformSourceFrame
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.cosmology import luminosity_distance, redshift
from chirpleaf.physics.distributions import ProjectedSpin


@pytest.mark.parametrize("name", ["redshift", "comoving_distance"])
@pytest.mark.parametrize("kind", [UniformSourceFrame, UniformComovingVolume])
def test_cosmological_priors_of_any_distance(read, name, kind):
    low, high = {"redshift": (0.01, 1.5), "comoving_distance": (50.0, 4000.0)}[name]
    line = f"{name} = bilby.gw.prior.{kind.__name__}(minimum={low}, maximum={high}, name='{name}')\n"
    found = read(CHIRP + SPINS + line).distance
    x = np.linspace(1.5 * found.minimum, 0.95 * found.maximum, 50)
    np.testing.assert_allclose(found.log_prob(x), kind(found.minimum, found.maximum).log_prob(x), atol=5e-3)


def test_any_density_of_the_redshift(read):
    found = read(CHIRP + SPINS + "redshift = PowerLaw(alpha=1, minimum=0.05, maximum=2)\n").distance
    assert (found.minimum, found.maximum) == pytest.approx([luminosity_distance(z) for z in (0.05, 2.0)])
    x = np.linspace(found.minimum, found.maximum, 200_001)
    density = np.exp(found.log_prob(x))
    assert integrate.simpson(density, x=x) == pytest.approx(1.0, abs=1e-5)
    # Below a redshift of one: (1 - 0.05^2) / (4 - 0.05^2) of a density proportional to z.
    near = x <= luminosity_distance(1.0)
    assert integrate.simpson(density[near], x=x[near]) == pytest.approx(0.9975 / 3.9975, abs=1e-4)
    np.testing.assert_array_equal(found.log_prob([found.minimum - 1, found.maximum + 1]), -np.inf)
    samples = redshift(found.sample(4000, np.random.default_rng(0)))
    assert stats.kstest(samples, lambda z: (z**2 - 0.05**2) / (4 - 0.05**2)).pvalue > 1e-3


@pytest.mark.parametrize("spins", ["chi_1 = 0\nchi_2 = 0.1\n", "chi_2 = 0.1\nchi_1 = 0.0\n"])
def test_fixed_spins(read, spins):
    prior = read(CHIRP + spins + DISTANCE + "ra = 1.0\ndec = -0.5\ncos_theta_jn = 0\npsi = 0.2\n")
    assert prior.fixed == pytest.approx(
        {"chi_1": 0.0, "chi_2": 0.1, "ra": 1.0, "dec": -0.5, "theta_jn": np.pi / 2, "psi": 0.2}
    )
    assert prior.spins == {}
    samples = REGION.sample(100, np.random.default_rng(0))
    # The density of the masses alone.
    expected = REGION.log_prob(samples) + 2 * np.log(1.6)
    np.testing.assert_allclose(prior.intrinsic.log_prob(samples), expected, atol=2e-3)


def test_spins_of_magnitude_zero_are_aligned(read):
    text = CHIRP + "a_1 = 0.0\na_2 = 0.0\ntilt_1 = 0.0\ntilt_2 = 0.0\nphi_12 = 0.0\nphi_jl = 0.0\n" + DISTANCE
    assert read(text).fixed == {"chi_1": 0.0, "chi_2": 0.0}


def test_fixed_masses(read):
    """The density of the other mass."""
    ratio = read(
        CHIRP.split("mass_1", maxsplit=1)[0].replace(
            "mass_ratio = bilby.gw.prior.UniformInComponentsMassRatio(name='mass_ratio', minimum=0.125, maximum=1)",
            "mass_ratio = 0.8",
        )
        + SPINS
        + DISTANCE
    )
    assert ratio.fixed == {"mass_ratio": 0.8}
    some = {"chirp_mass": np.array([20.0, 40.0]), "mass_ratio": np.full(2, 0.8), "chi_1": np.zeros(2)}
    found = ratio.intrinsic.log_prob({**some, "chi_2": np.zeros(2)})
    np.testing.assert_allclose(found, np.log(some["chirp_mass"] * 2 / (60**2 - 15**2) / 1.6**2), atol=2e-3)
    mass = read("chirp_mass = 30\nmass_ratio = Uniform(minimum=0.2, maximum=1)\n" + SPINS + DISTANCE)
    found = mass.intrinsic.log_prob({**some, "chi_2": np.zeros(2)})
    np.testing.assert_allclose(found, -np.log(0.8 * 1.6**2), atol=1e-9)
    first = read("mass_1 = Uniform(minimum=20, maximum=60)\nmass_ratio = 0.8\n" + SPINS + DISTANCE)
    found = first.intrinsic.log_prob({**some, "chi_2": np.zeros(2)})
    slope = component_masses(1.0, 0.8)[0]  # of mass_1 by chirp mass
    np.testing.assert_allclose(found, np.log(slope / 40.0 / 1.6**2), atol=2e-3)


@pytest.mark.parametrize("low", [0.05, 0.8])
def test_priors_of_single_spins(read, low):
    spins = read(CHIRP + ALIGNED.replace("0.8", str(low)) + DISTANCE).spins
    assert set(spins) == {"chi_1", "chi_2"}
    levels = np.linspace(0.01, 0.99, 50)
    for marginal in spins.values():
        np.testing.assert_allclose(marginal.cumulative(marginal.quantile(levels)), levels, atol=1e-6)
        np.testing.assert_allclose(marginal.quantile(levels), ProjectedSpin(low).quantile(levels), atol=1e-3)
