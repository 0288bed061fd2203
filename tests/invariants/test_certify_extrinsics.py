"""Extrinsic points: their arrival times are the drawn ones, and their weights are prior over proposal."""

from dataclasses import replace

import lal
import numpy as np
import pytest
from scipy.stats import kstest, qmc

from chirpleaf.inference.certify.extrinsic_correction import Correction
from chirpleaf.inference.certify.extrinsics import DetectorNetwork, ExtrinsicProposal, Points
from chirpleaf.inference.certify.histogram import Histogram
from chirpleaf.inference.certify.mixture_settings import MixtureFitSettings
from chirpleaf.physics.detectors import detector, gmst, light_travel_time, project
from chirpleaf.physics.signals import Quadrupole

GPS = 1126259462.4
NETWORKS = [("H1",), ("H1", "L1"), ("L1", "V1"), ("H1", "L1", "V1"), ("V1", "K1", "H1")]
kinds = pytest.mark.parametrize("kind", [{}, {"uneven": True}, {"uneven": True, "corrected": True}], ids=str)
networks = pytest.mark.parametrize("names", NETWORKS, ids="".join)


def proposal(
    names: tuple[str, ...],
    *,
    uneven: bool = False,
    corrected: bool = False,
    time_prior: tuple[float, float] = (-0.1, 0.1),
    start: tuple[float, float] = (-0.15, -0.15),
    extent: tuple[float, float] = (0.3, 0.3),
) -> ExtrinsicProposal:
    """A proposal whose first detector is the last one; with a single detector, the partner is a place without data."""
    detectors = tuple(detector(name) for name in names)
    second = detectors[0] if len(names) > 1 else detector("V1")
    rng = np.random.default_rng(0)
    times, table = np.ones((40, 40)), np.ones((3, 8, 5, 6))
    if uneven:
        times, table = times + 3 * rng.random(times.shape), table + 2 * rng.random(table.shape)
        table *= np.linspace(1, 3, 5)[:, None] * np.linspace(2, 1, 6)
    found = ExtrinsicProposal(
        DetectorNetwork(detectors, float(gmst(GPS))),
        len(names) - 1,
        second,
        Histogram.normalize(times),
        Histogram.normalize(table),
        start,
        extent,
        time_prior,
    )
    return replace(found, correction=correction(found)) if corrected else found


def correction(tables: ExtrinsicProposal) -> Correction:
    """A mixture about two places, one of them on the seam of both periodic angles."""
    points = tables.transform(sobol(2**14))
    apart = [
        np.abs(np.mod(points.cube[:, 1:] - middle + 0.5, 1.0) - 0.5) for middle in ((0.98, 0.4, 0.02), (0.5, 0.6, 0.3))
    ]
    log_weight = np.logaddexp(*(-0.5 * np.square(one / 0.2).sum(axis=1) for one in apart))
    log_weight[~np.isfinite(points.log_weight)] = -np.inf
    return Correction.fit(points.place, points.cube, log_weight, MixtureFitSettings(), 0.4, seed=0)


def sobol(n: int = 2**16, seed: int = 0) -> np.ndarray:
    return qmc.Sobol(5, rng=seed).random(n)


def placed(proposed: ExtrinsicProposal, uniforms: np.ndarray) -> np.ndarray:
    """Where in the table of arrivals points lie: tau_b at the quantile that the second table gives."""
    cube, _ = proposed.table.transform(uniforms[:, 1:])
    place, _ = proposed.times.transform(np.stack([uniforms[:, 0], cube[:, 0]], axis=1))
    return place


def chosen(points: Points, seed: int = 0, n: int = 4000) -> dict[str, np.ndarray]:
    """Points drawn by their weights."""
    weight = np.exp(points.log_weight)
    rows = np.random.default_rng(seed).choice(len(weight), n, p=weight / weight.sum())
    return {name: getattr(points, name)[rows] for name in ("ra", "dec", "theta_jn", "psi", "time")}


@networks
def test_the_arrivals_are_those_that_were_drawn(names: tuple[str, ...]) -> None:
    proposed = proposal(names, uneven=True)
    uniforms = sobol(2**13)
    points = proposed.transform(uniforms)
    place = placed(proposed, uniforms)
    live = np.isfinite(points.log_weight)
    assert live.sum() > 100
    _, arrivals = proposed.network.respond(points.places, Quadrupole())
    first = proposed.network.detectors[proposed.first]
    np.testing.assert_allclose(arrivals[live, proposed.first], -0.15 + 0.3 * place[live, 0], atol=1e-12)
    for one, drawn in ((first, place[:, 0]), (proposed.second, place[:, 1])):
        seen = points.time + one.time_delay(points.ra, points.dec, proposed.network.gmst)
        np.testing.assert_allclose(seen[live], (-0.15 + 0.3 * drawn)[live], atol=1e-12)


@networks
@kinds
def test_weighed_points_are_isotropic_and_the_time_is_uniform(names: tuple[str, ...], kind: dict[str, bool]) -> None:
    found = chosen(proposal(names, **kind).transform(sobol()))
    uniform = {
        "ra": found["ra"] / (2 * np.pi),
        "dec": (1 + np.sin(found["dec"])) / 2,
        "theta_jn": (1 - np.cos(found["theta_jn"])) / 2,
        "psi": found["psi"] / np.pi,
        "time": (found["time"] + 0.1) / 0.2,
    }
    for name, values in uniform.items():
        assert ((values >= 0) & (values < 1)).all(), name
        assert kstest(values, "uniform").pvalue > 1e-4, name
    # No pair of them is possible.
    assert np.abs(np.corrcoef(list(uniform.values())) - np.eye(5)).max() < 0.08


@networks
def test_corrected_points_lie_where_the_correction_is_and_beyond(names: tuple[str, ...]) -> None:
    tables, corrected = proposal(names), proposal(names, corrected=True)
    middle = np.array([0.5, 0.6, 0.3])
    near = [
        float((np.abs(one.transform(sobol(2**13)).cube[:, 1:] - middle) < 0.15).all(axis=1).mean())
        for one in (tables, corrected)
    ]
    assert near[1] > 1.4 * near[0]
    assert corrected.correction is not None
    # The seam of the angle and of the polarisation is not where the mixture is cut.
    assert all(0.05 < cut < 0.95 for cut in corrected.correction.cuts)
    far = (np.abs(corrected.transform(sobol(2**13)).cube[:, 2] - 0.5) > 0.4).mean()
    assert far > 0.03


def test_the_density_is_that_of_the_points() -> None:
    """Points that are drawn, and the density that is computed from where they lie."""
    for kind in ({"uneven": True}, {"uneven": True, "corrected": True}):
        proposed = proposal(("H1", "L1"), **kind)
        points = proposed.transform(sobol(2**12))
        live = np.isfinite(points.log_weight)
        light = light_travel_time(detector("H1"), detector("L1"))
        prior = -np.log(2 * light * 0.2 / 0.3**2)
        found = proposed.log_density(points.place[live], points.cube[live])
        np.testing.assert_allclose(found, prior - points.log_weight[live], atol=1e-9)


def test_unweighed_points_are_not_isotropic() -> None:
    points = proposal(("H1", "L1"), uneven=True).transform(sobol(2**12))
    assert kstest((1 - np.cos(points.theta_jn)) / 2, "uniform").pvalue < 1e-4


@networks
@kinds
def test_weights_integrate_to_the_whole_prior(names: tuple[str, ...], kind: dict[str, bool]) -> None:
    weight = np.exp(proposal(names, **kind).transform(sobol(2**17)).log_weight)
    assert weight.mean() == pytest.approx(1.0, abs=0.02)


def test_weights_integrate_to_the_prior_mass_of_the_box() -> None:
    """Arrivals in a box that the prior goes beyond: the share of prior draws that arrive within it."""
    names, start, extent = ("H1", "L1"), (-0.02, -0.004), (0.03, 0.012)
    weight = np.exp(proposal(names, uneven=True, start=start, extent=extent).transform(sobol(2**17)).log_weight)
    rng = np.random.default_rng(1)
    n = 1_000_000
    ra, dec, time = rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n)), rng.uniform(-0.1, 0.1, n)
    a, b = (time + detector(name).time_delay(ra, dec, gmst(GPS)) for name in ("L1", "H1"))
    inside = (a >= start[0]) & (a < start[0] + extent[0]) & (b >= start[1]) & (b < start[1] + extent[1])
    share = inside.mean()
    error = np.sqrt(share / n)
    assert weight.mean() == pytest.approx(share, abs=5 * error + 0.005 * share)


def test_a_narrower_prior_of_the_time_weighs_more_and_cuts() -> None:
    wide, narrow = proposal(("H1", "L1")), proposal(("H1", "L1"), time_prior=(-0.01, 0.03))
    uniforms = sobol(2**16)
    a, b = wide.transform(uniforms), narrow.transform(uniforms)
    inside = (a.time >= -0.01) & (a.time <= 0.03) & np.isfinite(a.log_weight)
    np.testing.assert_array_equal(np.isfinite(b.log_weight), inside)
    np.testing.assert_allclose(b.log_weight[inside] - a.log_weight[inside], np.log(0.2 / 0.04), atol=1e-9)
    assert np.exp(b.log_weight).mean() == pytest.approx(1.0, abs=0.03)


def test_arrivals_that_light_does_not_allow_have_no_weight() -> None:
    proposed = proposal(("H1", "L1"))
    uniforms = sobol(2**12)
    points = proposed.transform(uniforms)
    place = placed(proposed, uniforms)
    apart = np.abs(0.3 * (place[:, 0] - place[:, 1]))
    assert (points.log_weight[apart > light_travel_time(detector("H1"), detector("L1"))] == -np.inf).all()
    for values in points[:5]:
        assert np.isfinite(values).all()


@networks
def test_the_response_is_that_of_the_projection(names: tuple[str, ...]) -> None:
    """R_d h(f; face-on) exp(-2 pi i f tau_d) is what `project` makes of the two polarisations."""
    network = proposal(names).network
    points = proposal(names).transform(sobol(64))
    response, arrivals = network.respond(points.places, Quadrupole())
    assert response.shape == (64, len(names), 1)
    assert arrivals.shape == (64, len(names))
    frequencies = np.array([20.0, 47.0, 210.0])
    plus = 0.5 * (1 + np.cos(points.theta_jn) ** 2)[:, None] * np.ones(3)
    cross = -1j * np.cos(points.theta_jn)[:, None] * np.ones(3)
    for index, name in enumerate(names):
        seen = project(
            plus, cross, detector(name), points.ra, points.dec, points.psi, network.gmst, frequencies, points.time
        )
        ours = response[:, index] * np.exp(-2j * np.pi * arrivals[:, index, None] * frequencies)
        np.testing.assert_allclose(ours, seen, atol=1e-10)


def test_light_takes_ten_milliseconds_between_the_two_ligos() -> None:
    assert light_travel_time(detector("H1"), detector("L1")) == pytest.approx(10.012e-3, abs=2e-6)
    assert light_travel_time(detector("L1"), detector("V1")) == light_travel_time(detector("V1"), detector("L1"))
    apart = lal.cached_detector_by_prefix["H1"].location - lal.cached_detector_by_prefix["V1"].location
    assert light_travel_time(detector("H1"), detector("V1")) == pytest.approx(np.linalg.norm(apart) / lal.C_SI)


def test_the_cube_is_what_the_angles_are_made_of() -> None:
    proposed = proposal(("H1", "L1"), uneven=True)
    uniforms = sobol(2**10)
    points = proposed.transform(uniforms)
    cube, log_table = proposed.table.transform(uniforms[:, 1:])
    np.testing.assert_array_equal(points.cube, cube)
    np.testing.assert_array_equal(points.log_table, log_table)
    np.testing.assert_allclose(np.cos(points.theta_jn), 1 - 2 * cube[:, 2], atol=1e-12)
    np.testing.assert_allclose(points.psi, np.pi * cube[:, 3])


@networks
def test_a_fixed_direction_has_the_time_of_its_arrivals(names: tuple[str, ...]) -> None:
    """Points lie in the direction, the prior of the time is uniform, and the other angles are isotropic or fixed."""
    given = {"ra": 1.2, "dec": -0.4, "psi": 0.3}
    free = proposal(names)
    times, table = np.linspace(1, 3, 40)[:, None], np.linspace(1, 2, 5)[None, None, :, None]
    proposed = replace(
        free,
        times=Histogram.normalize(times),
        table=Histogram.normalize(table),
        start=(-0.15, 0.0),
        extent=(0.3, 1.0),
        fixed=given,
    )
    points = proposed.transform(sobol())
    assert all(np.ptp(getattr(points, name)) == 0 and getattr(points, name)[0] == given[name] for name in given)
    # The weights average to the prior's probability: all of it.
    assert np.exp(points.log_weight).mean() == pytest.approx(1.0, abs=2e-3)
    found = chosen(points)
    assert kstest((found["time"] + 0.1) / 0.2, "uniform").pvalue > 1e-3
    assert kstest((1 - np.cos(found["theta_jn"])) / 2, "uniform").pvalue > 1e-3
    face_on = replace(proposed, fixed={**given, "theta_jn": 0.7}, table=Histogram.normalize(np.ones((1, 1, 1, 1))))
    points = face_on.transform(sobol(2**10))
    np.testing.assert_array_equal(points.theta_jn, 0.7)
    assert np.exp(points.log_weight).mean() == pytest.approx(1.0, abs=0.05)
