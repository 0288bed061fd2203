"""Priors: densities integrate to one, samples follow them, and invalid bounds are refused."""

import numpy as np
import pytest
from scipy import integrate, stats

from chirpleaf.errors import InputError
from chirpleaf.physics.conversions import chirp_mass, component_masses, mass_ratio
from chirpleaf.physics.distributions import Cosine, PowerLaw, Sine, Uniform
from chirpleaf.physics.extrinsic_prior import ExtrinsicPrior
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.physics.priors import IntrinsicPrior

ONE_DIMENSIONAL = [
    Uniform(-1.0, 3.0),
    PowerLaw(2.0, 0.0, 5.0),
    PowerLaw(2.0, 100.0, 3000.0),
    PowerLaw(-1.0, 0.1, 10.0),
    PowerLaw(-1.2, 0.125, 1.0),
    PowerLaw(0.0, 1.0, 2.0),
    Sine(),
    Sine(0.3, 2.0),
    Cosine(),
    Cosine(-0.5, 1.5),
]
INTRINSIC = {
    "default": IntrinsicPrior(),
    "low chirp masses": IntrinsicPrior(chirp_mass_min=4.0, chirp_mass_max=16.0),
    "high chirp masses": IntrinsicPrior(mass_min=10.0, mass_max=80.0, chirp_mass_min=40.0, chirp_mass_max=60.0),
    "standard analysis": IntrinsicPrior(
        mass_min=1.0, mass_max=1000.0, chirp_mass_min=10.0, chirp_mass_max=100.0, spin_max=0.5
    ),
    "mass ratio never binds": IntrinsicPrior(mass_min=30.0, mass_max=60.0, mass_ratio_min=0.125),
}
intrinsic = pytest.mark.parametrize("prior", INTRINSIC.values(), ids=INTRINSIC.keys())


@pytest.mark.parametrize("prior", ONE_DIMENSIONAL, ids=repr)
def test_one_dimensional_density_integrates_to_one(prior):
    total, _ = integrate.quad(lambda x: float(np.exp(prior.log_prob(x))), prior.minimum, prior.maximum)
    assert total == pytest.approx(1.0, abs=1e-7)
    np.testing.assert_array_equal(prior.log_prob([prior.minimum - 1e-6, prior.maximum + 1e-6]), -np.inf)
    assert prior.log_prob(np.nan) == -np.inf


@pytest.mark.parametrize("prior", ONE_DIMENSIONAL, ids=repr)
def test_one_dimensional_samples_follow_the_density(prior):
    samples = prior.sample(20_000, np.random.default_rng(0))
    assert np.all((samples >= prior.minimum) & (samples <= prior.maximum))
    grid = np.linspace(prior.minimum, prior.maximum, 20_001)
    cumulative = integrate.cumulative_simpson(np.exp(prior.log_prob(grid)), x=grid, initial=0.0)
    assert stats.kstest(samples, lambda x: np.interp(x, grid, cumulative)).pvalue > 1e-3
    shifted = samples + 0.05 * (prior.maximum - prior.minimum)
    assert stats.kstest(shifted, lambda x: np.interp(x, grid, cumulative)).pvalue < 1e-6
    np.testing.assert_allclose(
        prior.quantile(np.interp(samples[:50], grid, cumulative)), samples[:50], rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    "build",
    [
        lambda: Uniform(1.0, 1.0),
        lambda: PowerLaw(2.0, -1.0, 1.0),
        lambda: PowerLaw(-1.0, 0.0, 1.0),
        lambda: Sine(0.0, 180.0),
        lambda: Cosine(-90.0, 90.0),
        lambda: IntrinsicPrior(mass_min=50.0, mass_max=10.0),
        lambda: IntrinsicPrior(mass_min=0.0),
        lambda: IntrinsicPrior(mass_ratio_min=2.0),
        lambda: IntrinsicPrior(spin_max=1.5),
        lambda: IntrinsicPrior(chirp_mass_min=90.0),
        lambda: IntrinsicPrior(chirp_mass_min=30.0, chirp_mass_max=20.0),
        lambda: ExtrinsicPrior(distance_min=500.0, distance_max=100.0),
    ],
)
def test_impossible_bounds_are_refused(build):
    with pytest.raises(InputError, match="expected"):
        build()


def mass_density(prior, chirp, ratio):
    """Density of the masses alone, the spins integrated out."""
    spins = {"chi_1": np.zeros_like(chirp), "chi_2": np.zeros_like(chirp)}
    log_density = prior.log_prob({"chirp_mass": chirp, "mass_ratio": ratio} | spins)
    return np.exp(log_density) * (2 * prior.spin_max) ** 2


def integrate_masses(prior, weight=lambda chirp, ratio: 1.0):
    """Quadrature over (chirp_mass, mass_ratio) that knows no more than where the density ends at each chirp mass."""
    low, high = prior.chirp_mass_range
    nodes, weights = np.polynomial.legendre.leggauss(40)
    edges = np.linspace(low, high, 2001)
    chirp = 0.5 * (edges[1:] + edges[:-1])[:, None]
    lowest = prior.mass_ratio_lower(chirp)
    ratio = lowest + 0.5 * (1.0 - lowest) * (nodes + 1.0)
    values = mass_density(prior, *np.broadcast_arrays(chirp, ratio)) * weight(chirp, ratio)
    return np.sum(values * weights * 0.5 * (1.0 - lowest)) * (edges[1] - edges[0])


@intrinsic
def test_intrinsic_density_integrates_to_one(prior):
    assert integrate_masses(prior) == pytest.approx(1.0, abs=1e-5)
    assert abs(integrate_masses(prior, lambda _, ratio: ratio**0.2) - 1.0) > 0.01


@intrinsic
def test_intrinsic_area_by_counting_component_masses(prior):
    """In the (m_1, m_2) plane the area is the fraction of a box that satisfies the bounds as they are stated."""
    low, high = prior.chirp_mass_range
    heaviest = min(prior.mass_max, 1.001 * component_masses(high, prior.mass_ratio_min)[0])
    # Midpoints of a fine grid: an error of the order of the cells on the boundary.
    n = 2000
    points = prior.mass_min + (heaviest - prior.mass_min) * (np.arange(n) + 0.5) / n
    mass_1, mass_2 = np.meshgrid(points, points)
    chirp, ratio = chirp_mass(mass_1, mass_2), mass_ratio(mass_1, mass_2)
    allowed = (ratio <= 1.0) & (ratio >= prior.mass_ratio_min) & (chirp >= low) & (chirp <= high)
    assert prior.area == pytest.approx(np.mean(allowed) * (heaviest - prior.mass_min) ** 2, rel=3e-3)


def test_intrinsic_area_of_a_polygon():
    assert IntrinsicPrior().area == pytest.approx(35.0**2 / 2 + 7 / 16 * (100.0**2 - 40.0**2), rel=1e-10)
    assert IntrinsicPrior(mass_min=30.0, mass_max=60.0).area == pytest.approx(450.0, rel=1e-10)


@intrinsic
def test_intrinsic_samples_lie_inside(prior):
    samples = prior.sample(20_000, np.random.default_rng(3))
    assert np.all(np.isfinite(prior.log_prob(samples)))
    mass_1, mass_2 = component_masses(samples["chirp_mass"], samples["mass_ratio"])
    assert mass_1.max() <= prior.mass_max
    assert mass_2.min() >= prior.mass_min
    low, high = prior.chirp_mass_range
    assert low <= samples["chirp_mass"].min() < samples["chirp_mass"].max() <= high
    assert np.all(samples["mass_ratio"] >= prior.mass_ratio_lower(samples["chirp_mass"]) * (1 - 1e-12))
    assert max(np.abs(samples[name]).max() for name in ("chi_1", "chi_2")) <= prior.spin_max
    for name, values in samples.items():
        assert values.shape == (20_000,)
        assert PARAMETERS[name].minimum <= values.min() <= values.max() <= PARAMETERS[name].maximum


def marginal_pvalues(prior, samples):
    """Kolmogorov-Smirnov p-values of chirp mass, mass ratio given chirp mass, and spins under `log_prob`."""
    low, high = prior.chirp_mass_range
    grid = np.linspace(low, high, 1001)
    nodes = np.linspace(0.0, 1.0, 401)
    lowest = prior.mass_ratio_lower(grid)[:, None]
    ratio = np.clip(lowest + (1.0 - lowest) * nodes, lowest * (1 + 1e-12), 1.0)
    density = mass_density(prior, *np.broadcast_arrays(grid[:, None], ratio)) * (1.0 - lowest)
    marginal = integrate.trapezoid(density, nodes, axis=1)
    cumulative = integrate.cumulative_trapezoid(marginal, grid, initial=0.0)
    chirp = stats.kstest(samples["chirp_mass"], lambda x: np.interp(x, grid, cumulative)).pvalue
    nearest = np.clip(np.searchsorted(grid, samples["chirp_mass"]), 1, 999)
    position = (samples["mass_ratio"] - lowest[nearest, 0]) / (1.0 - lowest[nearest, 0])
    inner = integrate.cumulative_trapezoid(density, nodes, axis=1, initial=0.0) / marginal.clip(1e-300)[:, None]
    ranks = [np.interp(x, nodes, inner[row]) for x, row in zip(position, nearest, strict=True)]
    spins = [
        stats.kstest(samples[name] / prior.spin_max, stats.uniform(-1, 2).cdf).pvalue for name in ("chi_1", "chi_2")
    ]
    return np.array([chirp, stats.kstest(ranks, "uniform").pvalue, *spins])


@intrinsic
def test_intrinsic_samples_follow_log_prob(prior):
    samples = prior.sample(10_000, np.random.default_rng(4))
    assert marginal_pvalues(prior, samples).min() > 1e-3


@pytest.mark.parametrize(
    ("forgotten", "marginal"),
    [
        pytest.param(lambda samples: 1.0 / samples["chirp_mass"], 0, id="factor chirp mass"),
        pytest.param(lambda samples: samples["mass_ratio"] ** 1.2, 1, id="factor mass ratio"),
        pytest.param(lambda samples: (1 + samples["mass_ratio"]) ** -0.4, 1, id="factor 1 + mass ratio"),
    ],
)
def test_samples_with_a_wrong_jacobian_are_noticed(forgotten, marginal):
    rng = np.random.default_rng(5)
    samples = INTRINSIC["default"].sample(200_000, rng)
    weights = forgotten(samples)
    keep = np.flatnonzero(rng.random(200_000) < weights / weights.max())[:40_000]
    wrong = {name: values[keep] for name, values in samples.items()}
    assert marginal_pvalues(INTRINSIC["default"], wrong)[marginal] < 1e-6


@intrinsic
def test_intrinsic_samples_are_uniform_in_component_masses(prior):
    """Against draws made the slow way: component masses from a box, kept where the bounds allow."""
    rng = np.random.default_rng(6)
    low, high = prior.chirp_mass_range
    heaviest = min(prior.mass_max, 1.001 * component_masses(high, prior.mass_ratio_min)[0])
    mass_1, mass_2 = rng.uniform(prior.mass_min, heaviest, (2, 400_000))
    chirp, ratio = chirp_mass(mass_1, mass_2), mass_ratio(mass_1, mass_2)
    allowed = (ratio <= 1.0) & (ratio >= prior.mass_ratio_min) & (chirp >= low) & (chirp <= high)
    samples = prior.sample(20_000, rng)
    for slow, name in ((chirp[allowed], "chirp_mass"), (ratio[allowed], "mass_ratio")):
        assert stats.ks_2samp(slow[:20_000], samples[name]).pvalue > 1e-3


@intrinsic
def test_smallest_mass_ratio_is_where_the_density_ends(prior):
    low, high = prior.chirp_mass_range
    chirp = np.linspace(low, high, 102)[1:-1]
    lowest = prior.mass_ratio_lower(chirp)
    assert np.all(mass_density(prior, chirp, np.minimum(lowest * (1 + 1e-9), 1.0)) > 0.0)
    assert np.all(mass_density(prior, chirp, lowest * (1 - 1e-9)) == 0.0)
    assert np.all(mass_density(prior, chirp, np.full(100, 1.0 + 1e-9)) == 0.0)
    assert np.all(mass_density(prior, np.array([low - 1e-9, high + 1e-9]), np.ones(2)) == 0.0)


def test_same_seed_same_samples():
    for prior in (*INTRINSIC.values(), ExtrinsicPrior()):
        one, two = (prior.sample(100, np.random.default_rng(7)) for _ in range(2))
        other = prior.sample(100, np.random.default_rng(8))
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])
            assert np.all(one[name] != other[name])


def test_log_prob_of_batch_equals_loop():
    for prior in (IntrinsicPrior(), ExtrinsicPrior()):
        samples = prior.sample(20, np.random.default_rng(9))
        loop = [float(prior.log_prob({name: values[i] for name, values in samples.items()})) for i in range(20)]
        np.testing.assert_allclose(prior.log_prob(samples), loop, rtol=1e-12)
        outside = samples | {next(iter(samples)): np.full(20, -50.0)}
        np.testing.assert_array_equal(prior.log_prob(outside), -np.inf)


def test_extrinsic_density():
    prior = ExtrinsicPrior()
    samples = prior.sample(1000, np.random.default_rng(10))
    expected = (
        np.log(np.cos(samples["dec"]) * np.sin(samples["theta_jn"]) / 4)
        + 2 * np.log(samples["luminosity_distance"])
        - np.log((3000.0**3 - 100.0**3) / 3 * (2 * np.pi) ** 2 * np.pi)
    )
    np.testing.assert_allclose(prior.log_prob(samples), expected, rtol=1e-10)


def test_extrinsic_samples_are_isotropic_and_fill_the_volume():
    samples = ExtrinsicPrior().sample(20_000, np.random.default_rng(11))
    uniform = {
        "ra": samples["ra"] / (2 * np.pi),
        "dec": (np.sin(samples["dec"]) + 1) / 2,
        "theta_jn": (np.cos(samples["theta_jn"]) + 1) / 2,
        "psi": samples["psi"] / np.pi,
        "phase": samples["phase"] / (2 * np.pi),
        "luminosity_distance": (samples["luminosity_distance"] ** 3 - 100.0**3) / (3000.0**3 - 100.0**3),
    }
    assert uniform.keys() == samples.keys()
    for name, values in uniform.items():
        assert stats.kstest(values, "uniform").pvalue > 1e-3, name
        assert PARAMETERS[name].minimum <= samples[name].min() <= samples[name].max() <= PARAMETERS[name].maximum
    assert stats.kstest((samples["dec"] + np.pi / 2) / np.pi, "uniform").pvalue < 1e-6
