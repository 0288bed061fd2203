"""Certification: the posterior of a simulated source, its evidence and its certificate."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from astropy_healpix import HEALPix
from certified_source import GPS, SNR, SOURCE, bbh, observed, quantile_of, settings, signal, weighed, weights

from chirpleaf.inference.certify import Certified, Target, certify
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.physics.conversions import chirp_mass
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.strain.segment import Segment
from chirpleaf.system import threads


@pytest.fixture(scope="module")
def found() -> Certified:
    return weighed()


def test_the_network_proposes_well(found: Certified) -> None:
    certificate = found.certificate
    assert certificate.efficiency > 0.4
    assert certificate.pareto_k < 0.5
    assert certificate.marginal_error < 0.15
    assert certificate.likelihood_error < 0.05
    assert certificate.reasons == ()
    assert certificate.detectors == ("H1", "L1")
    assert certificate.approximant == "IMRPhenomXAS"


def test_the_verdict_is_that_of_the_weights(found: Certified) -> None:
    weight, certificate = weights(found), found.certificate
    assert certificate.draws == len(weight) == 512
    assert certificate.effective_samples == pytest.approx(1 / np.sum(weight**2))
    assert certificate.efficiency == pytest.approx(certificate.effective_samples / 512)
    assert np.exp(found.log_weight).mean() == pytest.approx(1.0)
    of_draws = np.sqrt((1 / certificate.efficiency - 1) / 512)
    assert 0.99 * of_draws < certificate.log_bayes_factor_error < 5 * of_draws  # they share points in two rounds


def test_two_seeds_find_the_same_evidence(found: Certified) -> None:
    again = weighed(1)
    assert (again.samples["chirp_mass"] != found.samples["chirp_mass"]).all()
    one, other = found.certificate, again.certificate
    error = np.hypot(one.log_bayes_factor_error, other.log_bayes_factor_error)
    assert error < 0.1
    assert one.log_bayes_factor == pytest.approx(other.log_bayes_factor, abs=4 * error + 0.02)
    for name in ("chirp_mass", "luminosity_distance", "network_optimal_snr"):
        means = [np.sum(weights(run) * run.samples[name]) for run in (found, again)]
        spread = np.sqrt(np.sum(weights(found) * (found.samples[name] - means[0]) ** 2))
        assert means[0] == pytest.approx(means[1], abs=5 * spread * np.sqrt(2 / 400)), name


def test_the_same_seed_finds_the_same(found: Certified) -> None:
    again = weighed()
    np.testing.assert_allclose(again.log_weight, found.log_weight, atol=1e-9)
    np.testing.assert_allclose(again.samples["ra"], found.samples["ra"])


def test_the_evidence_pays_for_the_volume_of_the_prior(found: Certified) -> None:
    """A prior with half the range of times or eight times that of distances; both contain the whole likelihood."""
    other = weighed(distance=PowerLaw(2.0, 100.0, 6000.0), time=0.05)
    expected = np.log(2) - np.log((6000.0**3 - 100.0**3) / (3000.0**3 - 100.0**3))
    moved = other.certificate.log_bayes_factor - found.certificate.log_bayes_factor
    assert moved == pytest.approx(expected, abs=0.02)


def test_a_part_of_the_prior_has_the_posteriors_share_of_the_evidence(found: Certified) -> None:
    whole = bbh().architecture.prior
    part = replace(whole, spin_max=0.4)
    inside = (np.abs(found.samples["chi_1"]) < 0.4) & (np.abs(found.samples["chi_2"]) < 0.4)
    share = weights(found)[inside].sum()
    assert 0.05 < share < 0.95
    narrow, wide = weighed(intrinsic=part).certificate, found.certificate
    moved = narrow.log_bayes_factor - wide.log_bayes_factor
    # The narrow prior has draws of its own, so that the scatter of share and evidences counts.
    of_share = (1 - share) / share / wide.effective_samples
    error = np.sqrt(of_share + narrow.log_bayes_factor_error**2 + wide.log_bayes_factor_error**2)
    assert error < 0.1
    assert moved == pytest.approx(np.log(share) + 2 * np.log(whole.spin_max / 0.4), abs=3 * error)


def test_the_likelihood_is_that_on_every_frequency(found: Certified) -> None:
    full, snr = log_likelihood_ratio(signal()[0], found.samples, "IMRPhenomXAS")
    likely = weights(found) > 1e-4
    np.testing.assert_allclose(found.samples["log_likelihood"][likely], full[likely], atol=0.1)
    np.testing.assert_allclose(
        found.samples["network_optimal_snr"][likely], np.linalg.norm(snr, axis=1)[likely], rtol=0.01
    )
    for index, name in enumerate(("H1", "L1")):
        np.testing.assert_allclose(found.samples[f"{name}_optimal_snr"][likely], snr[likely, index], rtol=0.01)
    # No waveform beats the one that is in the data; eleven parameters cost half a nat each.
    assert full.max() < SNR**2 / 2 + 0.01
    assert SNR**2 / 2 - np.sum(weights(found) * full) == pytest.approx(5.5, abs=2.0)


def test_the_source_lies_within(found: Certified) -> None:
    """Data without noise: the truth is in the body of each posterior."""
    truth = {
        "chirp_mass": chirp_mass(38.0, 31.0),
        "mass_ratio": 31 / 38,
        "luminosity_distance": signal()[1],
        "geocent_time": SOURCE["geocent_time"],
        "network_optimal_snr": SNR,
    }
    for name, value in truth.items():
        assert 0.01 < quantile_of(found, name, float(value)) < 0.99, name
    spread = np.std(found.samples["geocent_time"])
    assert 1e-3 < spread < 2e-2


def test_the_source_lies_on_the_map(found: Certified) -> None:
    sky = found.sky
    assert sky.probability.sum() == pytest.approx(1.0)
    there = HEALPix(sky.nside, order="nested").lonlat_to_healpix(SOURCE["ra"] * u.rad, SOURCE["dec"] * u.rad)
    ordered = np.sort(sky.probability)[::-1]
    assert ordered[ordered > sky.probability[there]].sum() < 0.9
    assert 30 < sky.area(0.9) < 4000


def test_samples_are_within_the_prior_and_hold_what_follows(found: Certified) -> None:
    samples = found.samples
    assert {len(values) for values in samples.values()} == {512}
    assert all(np.isfinite(values).all() for values in samples.values())
    bounds = {
        "ra": (0, 2 * np.pi),
        "dec": (-np.pi / 2, np.pi / 2),
        "theta_jn": (0, np.pi),
        "psi": (0, np.pi),
        "phase": (0, 2 * np.pi),
        "luminosity_distance": (100, 3000),
    }
    for name, (low, high) in bounds.items():
        assert ((samples[name] >= low) & (samples[name] <= high)).all(), name
    assert (samples["chirp_mass_source"] < samples["chirp_mass"]).all()
    np.testing.assert_allclose(chirp_mass(samples["mass_1"], samples["mass_2"]), samples["chirp_mass"], rtol=1e-5)
    assert set(bbh().architecture.space.names) <= set(samples)


def test_one_detector_and_three(found: Certified) -> None:
    """More detectors, more evidence and less sky."""
    one = weighed(segment=_rows(signal()[0], ("H1",)))
    three = weighed(segment=signal(("H1", "L1", "V1"))[0])
    runs = (one, found, three)
    assert [run.certificate.detectors for run in runs] == [("H1",), ("H1", "L1"), ("H1", "L1", "V1")]
    evidence = [run.certificate.log_bayes_factor for run in runs]
    assert evidence == sorted(evidence)
    areas = [run.sky.area(0.9) for run in runs]
    assert areas == sorted(areas, reverse=True)
    assert "V1_optimal_snr" in three.samples
    assert "L1_optimal_snr" not in one.samples


def _rows(segment: Segment, names: tuple[str, ...]) -> Segment:
    chosen = [segment.detectors.index(name) for name in names]
    return replace(segment, detectors=names, strain=segment.strain[chosen], psd=segment.psd[chosen])


def test_budget_and_draws_are_kept() -> None:
    """The requested number of draws is made even if few are effective, and none after the deadline."""
    seen = observed()
    aim = Target(bbh().architecture.prior)
    short = certify(seen, seen.segment, GPS, aim, settings(64, 5000, 0.0))
    assert short.certificate.draws == 64
    assert short.certificate.wanted == 5000
    assert "effective samples of 5000" in short.certificate.reasons[0]
    assert short.certificate.stopped == "budget"
    more = certify(seen, seen.segment, GPS, aim, settings(128, 300, 600.0))
    assert more.certificate.effective_samples >= 300
    assert more.certificate.draws == len(more.log_weight) > 300
    assert more.certificate.reasons == ()
    many = certify(seen, seen.segment, GPS, aim, settings(600, 10, 600.0))
    assert many.certificate.draws == 600 + 24  # and those of a broadened proposal


def test_the_prior_of_the_time_holds_for_the_samples() -> None:
    """A trigger 96 ms late: the source is 4 ms within the prior, whose edge cuts the posterior."""
    found = weighed(trigger=GPS + 0.1)
    late = found.samples["geocent_time"] - (GPS + 0.1)
    # The prior is asked before a waveform is moved to where it fits best, which is by a millisecond at most.
    assert weights(found)[np.abs(late) > 0.1].sum() < 0.01
    assert weights(found)[np.abs(late) > 0.102].sum() < 1e-4
    assert weights(found)[np.abs(late) > 0.096].sum() > 0.1


def test_the_time_prior_is_about_the_targets_own_centre() -> None:
    shifted, usual = weighed(trigger=GPS + 50.0, centre=GPS), weighed()
    np.testing.assert_array_equal(shifted.log_weight, usual.log_weight)
    assert weighed(trigger=GPS + 50.0).certificate.effective_samples == 0.0


def test_threads_do_not_change_the_result(found: Certified, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []

    class Counted(ThreadPoolExecutor):
        def __init__(self, count: int) -> None:
            used.append(count)
            super().__init__(count)

    monkeypatch.setattr(threads, "ThreadPoolExecutor", Counted)
    for cores in (1, 2):
        monkeypatch.setattr(threads, "available_cores", lambda cores=cores: cores)
        again = weighed()
        np.testing.assert_array_equal(again.log_weight, found.log_weight)
        np.testing.assert_array_equal(again.samples["ra"], found.samples["ra"])
    assert {1, 2} == set(used)
