"""Priors against bilby's own: comoving volume, and prior files as bilby reads them."""

import sys
from itertools import product
from pathlib import Path

import bilby
import numpy as np
import pytest
from bilby.gw.prior import BBHPriorDict
from prior_lines import ALIGNED, ANGLES, CHIRP, COMPONENTS, DISTANCE, PRECESSING, REGION, SPINS
from scipy import integrate, stats

from chirpleaf.errors import InputError
from chirpleaf.inference.certify.bilby_prior import read_bilby_prior
from chirpleaf.inference.certify.target import PRESETS
from chirpleaf.physics.comoving_volume import UniformComovingVolume, UniformSourceFrame
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.distributions import ProjectedSpin
from chirpleaf.physics.priors import IntrinsicPrior


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (UniformComovingVolume, bilby.gw.prior.UniformComovingVolume),
        (UniformSourceFrame, bilby.gw.prior.UniformSourceFrame),
    ],
)
@pytest.mark.parametrize(("low", "high"), [(100.0, 3000.0), (10.0, 15_000.0), (0.0, 5000.0)])
def test_comoving_distances(mine, theirs, low, high):
    one, other = mine(low, high), theirs(minimum=low, maximum=high, name="luminosity_distance")
    # Away from the ends, where bilby differentiates a table to one side.
    x = np.linspace(low + 0.03 * (high - low), 0.97 * high, 500)
    np.testing.assert_allclose(one.log_prob(x), other.ln_prob(x), atol=3e-4)
    levels = np.linspace(0.001, 1, 200)
    np.testing.assert_allclose(one.quantile(levels), other.rescale(levels), rtol=5e-4)
    fine = np.linspace(low, high, 400_001)
    assert integrate.simpson(np.exp(one.log_prob(fine)), x=fine) == pytest.approx(1.0, abs=1e-7)
    samples = one.sample(5000, np.random.default_rng(0))
    assert stats.kstest(samples, other.cdf).pvalue > 1e-3
    np.testing.assert_array_equal(one.log_prob([low - 1e-6, high + 1e-6, np.nan]), -np.inf)
    assert np.all(np.abs(PRESETS["model"].distance.log_prob([500.0, 2500.0]) - one.log_prob([500.0, 2500.0])) > 0.05)


def test_projected_spins():
    one = ProjectedSpin(0.9)
    other = bilby.gw.prior.AlignedSpin(name="chi_1", a_prior=bilby.core.prior.Uniform(0, 0.9))
    x = np.linspace(-0.88, 0.88, 60)
    np.testing.assert_allclose(one.log_prob(x), other.ln_prob(x), atol=1e-4)
    levels = np.linspace(0.0, 1.0, 101)
    np.testing.assert_allclose(one.cumulative(one.quantile(levels)), levels, atol=1e-12)
    np.testing.assert_allclose(one.quantile([0.0, 0.5, 1.0]), [-0.9, 0.0, 0.9], atol=1e-12)
    total, _ = integrate.quad(lambda x: float(np.exp(one.log_prob(x))), 0.0, 0.9)
    assert total == pytest.approx(0.5, abs=1e-7)
    # Isotropic directions of uniform magnitude.
    rng = np.random.default_rng(0)
    assert stats.kstest(0.9 * rng.random(20_000) * rng.uniform(-1, 1, 20_000), one.cumulative).pvalue > 1e-3
    np.testing.assert_array_equal(one.log_prob([-0.91, 0.91, np.nan]), -np.inf)
    assert np.isfinite(one.log_prob(0.0))


def test_impossible_distances_are_refused():
    for low, high in ((-1.0, 10.0), (10.0, 1.0), (10.0, 1e9)):
        with pytest.raises(InputError, match="expected"):
            UniformSourceFrame(low, high)


@pytest.mark.parametrize("masses", [CHIRP, COMPONENTS], ids=["chirp", "components"])
def test_uniform_component_masses_in_either_coordinates(read, masses):
    """The one density that is known in closed form, its normalisation with it."""
    intrinsic = read(masses + SPINS + DISTANCE).intrinsic
    samples = REGION.sample(500, np.random.default_rng(0))
    difference = intrinsic.log_prob(samples) - REGION.log_prob(samples)
    assert np.ptp(difference) < 1e-9
    assert abs(difference[0]) < 5 * intrinsic.log_acceptance_error < 2e-3
    outside = IntrinsicPrior(mass_min=5.0, mass_max=100.0, spin_max=0.99).sample(2000, np.random.default_rng(1))
    np.testing.assert_array_equal(np.isfinite(intrinsic.log_prob(outside)), np.isfinite(REGION.log_prob(outside)))
    beyond = {name: values[:1] for name, values in samples.items()} | {"mass_ratio": np.array([1.2])}
    assert intrinsic.log_prob(beyond) == -np.inf


@pytest.mark.parametrize("mass", ["mass_1", "mass_2", "total_mass"])
def test_other_masses_with_mass_ratio(read, mass):
    """A density uniform in a mass and in mass ratio integrates to one over chirp mass and mass ratio."""
    text = f"{mass} = Uniform(minimum=20, maximum=50)\nmass_ratio = Uniform(minimum=0.3, maximum=1)\n"
    intrinsic = read(text + SPINS + DISTANCE).intrinsic
    nodes, weights = np.polynomial.legendre.leggauss(60)
    ratio = 0.65 + 0.35 * nodes
    mass_1, mass_2 = component_masses(1.0, ratio)
    per_chirp_mass = {"mass_1": mass_1, "mass_2": mass_2, "total_mass": mass_1 + mass_2}[mass]
    chirp = (35 + 15 * nodes[:, None]) / per_chirp_mass
    density = [
        np.exp(intrinsic.log_prob({"chirp_mass": row, "mass_ratio": ratio, "chi_1": 0.1, "chi_2": -0.2}))
        for row in chirp
    ]
    total = np.sum(weights[:, None] * weights * density * 15 / per_chirp_mass * 0.35) * 1.6**2
    assert total == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize("masses", [CHIRP, COMPONENTS], ids=["chirp", "components"])
def test_density_against_bilby(read, masses, tmp_path):
    intrinsic = read(masses + ALIGNED + DISTANCE + ANGLES).intrinsic
    theirs = BBHPriorDict(filename=str(tmp_path / "some.prior"))
    bilby.core.utils.random.seed(1)
    drawn = theirs.sample(300)
    names = [name for name in drawn if name in ("chirp_mass", "mass_ratio", "mass_1", "mass_2", "chi_1", "chi_2")]
    reference = theirs.ln_prob({name: drawn[name] for name in names}, axis=0)
    full = bilby.gw.conversion.generate_mass_parameters(drawn)
    if "mass_1" in names:
        reference = reference + np.log(full["mass_1"] ** 2 / full["chirp_mass"])
    np.testing.assert_allclose(intrinsic.log_prob(full), reference, atol=0.01)  # bilby rounds its normalisation


def test_bilbys_own_file_for_aligned_spins():
    path = Path(bilby.gw.prior.DEFAULT_PRIOR_DIR) / "aligned_spins_bbh.prior"
    prior = read_bilby_prior(path)
    assert prior.arrival is None
    assert (prior.distance.minimum, prior.distance.maximum) == (100.0, 5000.0)
    x = np.linspace(150, 4900, 50)
    np.testing.assert_allclose(prior.distance.log_prob(x), UniformSourceFrame(100.0, 5000.0).log_prob(x), atol=2e-4)
    samples = prior.distance.sample(2000, np.random.default_rng(0))
    assert stats.kstest(samples, prior.distance.prior.cdf).pvalue > 1e-3


def test_conditional_masses(read):
    text = """
mass_1 = PowerLaw(alpha=-2, minimum=20, maximum=80, name='mass_1')
mass_2 = bilby.core.prior.ConditionalUniform(condition_func=bilby.gw.prior.secondary_mass_condition_function, \
minimum=20, maximum=80, name='mass_2')
"""
    intrinsic = read(text + SPINS + DISTANCE).intrinsic
    chirp, ratio = np.array([30.0, 40.0]), np.array([0.7, 0.9])
    mass_1, _ = component_masses(chirp, ratio)
    density = 1 / (mass_1**2 * (1 / 20 - 1 / 80) * (mass_1 - 20)) * mass_1**2 / chirp / 1.6**2
    found = intrinsic.log_prob({"chirp_mass": chirp, "mass_ratio": ratio, "chi_1": 0.0, "chi_2": 0.0})
    np.testing.assert_allclose(found, np.log(density), rtol=1e-10)
    assert intrinsic.log_acceptance == 0.0


def test_time_of_arrival(read):
    assert read(CHIRP + SPINS + DISTANCE + "geocent_time = Uniform(minimum=9.9, maximum=10.1)\n").arrival == (9.9, 10.1)


REFUSED = {
    "both kinds of spins": (CHIRP + SPINS + DISTANCE + "tilt_1 = Sine(name='tilt_1')\n", "got chi_1 and precessing"),
    "azimuths of spins": (CHIRP + PRECESSING + DISTANCE + "phi_1 = Uniform(0, 6.28, 'phi_1')\n", "got phi_1"),
    "two tilts": (CHIRP + PRECESSING + DISTANCE + "cos_tilt_1 = Uniform(-1, 1, 'cos_tilt_1')\n", "got both"),
    "no tilt": (CHIRP + PRECESSING.replace("tilt_2 = Sine(name='tilt_2')", "") + DISTANCE, "prior of tilt_2; got none"),
    "a narrow phi_12": (CHIRP + PRECESSING.replace("2 * np.pi", "3.0") + DISTANCE, "phi_12 = Uniform"),
    "fixed inclination": (CHIRP + PRECESSING + DISTANCE + "theta_jn = 0.3\n", "density of theta_jn with precessing"),
    "no spin": (CHIRP + DISTANCE, "chi_1"),
    "fixed component": ("mass_1 = 30\nmass_ratio = Uniform(minimum=0.5, maximum=1)\n" + SPINS + DISTANCE, "fixed mass"),
    "all fixed": ("chirp_mass = 30\nmass_ratio = 1\nchi_1 = 0\nchi_2 = 0\n" + DISTANCE, "at least one"),
    "half of a direction": (CHIRP + SPINS + DISTANCE + "ra = 1.0\n", "both ra and dec"),
    "fixed spin of precession": (CHIRP + "a_1 = 0.3\na_2 = 0\n" + DISTANCE, "density of a_1 with precessing"),
    "one mass": ("chirp_mass = Uniform(minimum=20, maximum=30)\n" + SPINS + DISTANCE, "two masses"),
    "masses of either order": (COMPONENTS[: COMPONENTS.index("mass_ratio")] + SPINS + DISTANCE, "mass_1 >= mass_2"),
    "nothing left": (CHIRP.replace("=80", "=11") + SPINS + DISTANCE, "constraints"),
    "constraint in the source frame": (
        CHIRP + SPINS + DISTANCE + "mass_1_source = Constraint(minimum=5, maximum=50)\n",
        "mass_1_source",
    ),
    "no distance": (CHIRP + SPINS, "luminosity_distance"),
    "unbounded distance": (CHIRP + SPINS + "luminosity_distance = Gaussian(mu=400, sigma=50)\n", "within bounds"),
    "narrow distance": (CHIRP + SPINS + "luminosity_distance = Uniform(minimum=400, maximum=420)\n", "wider"),
    "steep distance": (CHIRP + SPINS + "luminosity_distance = PowerLaw(100, 50, 2000)\n", "too steep"),
    "steep distance downwards": (CHIRP + SPINS + "luminosity_distance = PowerLaw(-400, 50, 2000)\n", "too steep"),
    "fixed distance": (CHIRP + SPINS + "luminosity_distance = 400\n", "within bounds"),
    "two distances": (CHIRP + SPINS + DISTANCE + "redshift = Uniform(minimum=0.1, maximum=1)\n", "one of"),
    "comoving distance": (CHIRP + SPINS + "comoving_distance = Uniform(minimum=100, maximum=900)\n", "cosmological"),
    "fixed redshift": (CHIRP + SPINS + "redshift = 0.1\n", "within bounds"),
    "part of the sky": (CHIRP + SPINS + DISTANCE + "ra = Uniform(minimum=0, maximum=1)\n", "isotropic"),
    "uniform declination": (CHIRP + SPINS + DISTANCE + "dec = Uniform(minimum=-np.pi/2, maximum=np.pi/2)\n", "Cosine"),
    "fixed phase": (CHIRP + SPINS + DISTANCE + "phase = 0.4\n", "isotropic"),
    "impossible direction": (CHIRP + SPINS + DISTANCE + "ra = 0.1\ndec = 2.0\n", "isotropic"),
    "peaked time": (CHIRP + SPINS + DISTANCE + "geocent_time = Gaussian(mu=10, sigma=1)\n", "geocent_time"),
    "tides": (CHIRP + SPINS + DISTANCE + "lambda_1 = Uniform(minimum=0, maximum=100)\n", "lambda_1"),
    "no prior file": ("chirp_mass = bilby.gw.prior.NoSuchPrior(minimum=1)\n", "mend"),
    "words": ("chirp_mass = heavy\n", "heavy"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_certification_does_not_do_is_refused(read, text, message):
    with pytest.raises(InputError, match=message) as caught:
        read(text)
    assert "some.prior" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("angle", ["cos_theta_jn = Uniform(minimum=-1, maximum=1)\n", ANGLES, ""])
def test_isotropic_angles_are_taken(read, angle):
    read(CHIRP + SPINS + DISTANCE + angle)


def test_without_bilby(read, monkeypatch):
    monkeypatch.setitem(sys.modules, "bilby.gw.prior", None)
    with pytest.raises(InputError, match="pip install bilby"):
        read(CHIRP + SPINS + DISTANCE)


def test_density_of_a_batch_equals_a_loop(read):
    samples = REGION.sample(10, np.random.default_rng(3))
    for masses, spins in product((CHIRP, COMPONENTS), (SPINS, ALIGNED)):
        intrinsic = read(masses + spins + DISTANCE).intrinsic
        loop = [intrinsic.log_prob({name: values[i] for name, values in samples.items()})[0] for i in range(10)]
        np.testing.assert_allclose(intrinsic.log_prob(samples), loop, rtol=1e-12)
