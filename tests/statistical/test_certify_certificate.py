"""Certification from end to end: a signal without noise, what must follow from its weights, and what must be said."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy_healpix import HEALPix

from chirpleaf.inference.certify import Certified, CertifySettings, Target, certification, certify, reference_times
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.reweighting import reweight_with_modes
from chirpleaf.inference.observation import Observation, canonicalise
from chirpleaf.inference.reference_time import find_reference_time_hypotheses, refine_reference_time
from chirpleaf.models import Model, load_model
from chirpleaf.physics.conversions import chirp_mass
from chirpleaf.physics.detectors import detector, gmst, project
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.events import load_event
from chirpleaf.strain.psd_estimation import welch
from chirpleaf.strain.segment import Segment

GPS = 1126259462.4
SNR = 16.0
SOURCE = {
    "mass_1": 38.0,
    "mass_2": 31.0,
    "chi_1": 0.1,
    "chi_2": -0.1,
    "theta_jn": 2.5,
    "phase": 1.3,
    "psi": 0.8,
    "ra": 1.9,
    "dec": -1.1,
    "geocent_time": GPS + 0.004,
}
DISTANCE = PowerLaw(2.0, 100.0, 3000.0)


@cache
def bbh() -> Model:
    return load_model("bbh")


def densities(model: Model, names: tuple[str, ...]) -> np.ndarray:
    """GW150914's noise, Livingston's for Virgo."""
    strain, frequencies = load_event("GW150914"), model.architecture.grid.native_frequencies
    return np.stack([welch(strain["H1" if name == "H1" else "L1"]).at(frequencies) for name in names])


@cache
def signal(names: tuple[str, ...] = ("H1", "L1")) -> tuple[Segment, float]:
    """The source alone, of signal-to-noise 16 in H1 and L1, and how far away it is (Mpc)."""
    frequencies, psd = bbh().architecture.grid.native_frequencies, densities(bbh(), names)
    hp, hc = polarizations({**SOURCE, "luminosity_distance": 1.0}, frequencies)
    sky = (SOURCE["ra"], SOURCE["dec"], SOURCE["psi"], gmst(GPS), frequencies, SOURCE["geocent_time"] - GPS)
    rows = np.stack([project(hp[0], hc[0], detector(name), *sky) for name in names])
    duration = bbh().duration
    two = [names.index(name) for name in ("H1", "L1")]
    distance = np.sqrt(4 / duration * np.sum(np.abs(rows[two]) ** 2 / psd[two])) / SNR
    return Segment(names, rows / distance, psd, frequencies, duration, GPS), float(distance)


def observed() -> Observation:
    return refine_reference_time(bbh(), signal()[0])


def settings(draws: int, effective_samples: int, budget: float) -> CertifySettings:
    return CertifySettings(minimum_draws=draws, effective_samples=effective_samples, budget=budget)


def weighed(seed: int = 0, *, segment: Segment | None = None, trigger: float = GPS, **target: Any) -> Certified:
    """512 draws for the source, and no time for more."""
    seen = observed()
    aim = Target(**{"intrinsic": bbh().architecture.prior, "distance": DISTANCE, **target})
    data = seen.segment if segment is None else segment.with_reference_time(seen.segment.reference_time)
    return certify(seen, data, trigger, aim, settings(512, 100, 0.0), seed=seed)


@pytest.fixture(scope="module")
def found() -> Certified:
    return weighed()


def weights(found: Certified) -> np.ndarray:
    weight = np.exp(found.log_weight - found.log_weight.max())
    return np.asarray(weight / weight.sum())


def quantile_of(found: Certified, name: str, value: float) -> float:
    return float(weights(found)[found.samples[name] < value].sum())


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
    assert certificate.log_bayes_factor_error == pytest.approx(np.sqrt((1 / certificate.efficiency - 1) / 512))


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
    """Half the time and eight times the distances, all of the likelihood within either."""
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
    moved = weighed(intrinsic=part).certificate.log_bayes_factor - found.certificate.log_bayes_factor
    assert moved == pytest.approx(np.log(share) + 2 * np.log(whole.spin_max / 0.4), abs=0.03)


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
    """As many draws as are asked for where too few count, and no more when the time is up."""
    seen = observed()
    aim = Target(bbh().architecture.prior)
    short = certify(seen, seen.segment, GPS, aim, settings(64, 5000, 0.0))
    assert short.certificate.draws == 64
    assert short.certificate.wanted == 5000
    assert "effective samples of 5000" in short.certificate.reasons[0]
    more = certify(seen, seen.segment, GPS, aim, settings(128, 300, 600.0))
    assert more.certificate.effective_samples >= 300
    assert more.certificate.draws == len(more.log_weight) > 300
    assert more.certificate.reasons == ()
    many = certify(seen, seen.segment, GPS, aim, settings(600, 10, 600.0))
    assert many.certificate.draws == 600


def late() -> Observation:
    """The source as the network sees it when the reference time is far off."""
    seen = observed()
    segment = seen.segment.with_reference_time(seen.segment.reference_time + 0.02)
    return replace(seen, segment=segment, canonical=canonicalise(seen.model, [segment]))


def test_what_the_network_misses_it_looks_at_again(found: Certified, monkeypatch: pytest.MonkeyPatch) -> None:
    """About the time at which the best of its draws arrive, where it sees what it should have seen."""
    aim = Target(bbh().architecture.prior, DISTANCE)
    again = certify(late(), late().segment, GPS, aim, settings(512, 200, 60.0))
    assert again.certificate.reasons == ()
    assert again.certificate.draws == 2 * 512  # of both looks, and no others
    for name in ("chirp_mass", "chi_eff"):
        order = np.argsort(again.samples[name])
        middle = np.interp(0.5, weights(again)[order].cumsum(), again.samples[name][order])
        assert 0.3 < quantile_of(found, name, middle) < 0.7
    assert again.certificate.log_bayes_factor == pytest.approx(found.certificate.log_bayes_factor, abs=0.3)
    monkeypatch.setattr(reference_times, "find_reference_time_hypotheses", lambda *_: [])
    missed = certify(late(), late().segment, GPS, aim, settings(512, 200, 0.0))
    assert missed.certificate.efficiency < again.certificate.efficiency / 3


def test_another_look_is_one_that_sees_another_template() -> None:
    seen, off = observed(), late()
    source = {name: np.full(2, SOURCE.get(name, 0.0)) for name in bbh().architecture.space.names}
    source |= {"chirp_mass": np.full(2, chirp_mass(38.0, 31.0)), "mass_ratio": np.full(2, 31 / 38)}
    (look,) = find_reference_time_hypotheses(off, source)  # one for both waveforms
    assert look.canonical.template.item() != off.canonical.template.item()
    assert look.chirp_mass == pytest.approx(seen.chirp_mass, rel=0.1)
    assert look.segment.reference_time == pytest.approx(seen.segment.reference_time, abs=1e-3)
    assert find_reference_time_hypotheses(look, source) == []


def noise_alone(model: Model, seed: int) -> Segment:
    psd, frequencies = densities(model, ("H1", "L1")), model.architecture.grid.native_frequencies
    real, imaginary = np.random.default_rng(seed).standard_normal((2, *psd.shape))
    hiss = np.sqrt(psd * model.duration / 4) * (real + 1j * imaginary)
    return Segment(("H1", "L1"), hiss, psd, frequencies, model.duration, GPS)


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_alone_is_not_certified(seed: int) -> None:
    seen = refine_reference_time(bbh(), noise_alone(bbh(), seed))
    found = certify(seen, seen.segment, GPS, Target(bbh().architecture.prior), settings(512, 256, 0.0))
    assert found.certificate.reasons
    assert found.certificate.log_bayes_factor < 4
    assert np.isfinite(found.certificate.log_bayes_factor)
    assert found.sky.probability.sum() == pytest.approx(1.0)


def test_an_untrained_network_is_not_certified(model: Model) -> None:
    """Its draws miss the posterior, and the weights say so."""
    frequencies, psd = model.architecture.grid.native_frequencies, densities(model, ("H1", "L1"))
    hp, hc = polarizations({**SOURCE, "luminosity_distance": signal()[1]}, frequencies)
    sky = (SOURCE["ra"], SOURCE["dec"], SOURCE["psi"], gmst(GPS), frequencies, SOURCE["geocent_time"] - GPS)
    rows = np.stack([project(hp[0], hc[0], detector(name), *sky) for name in ("H1", "L1")])
    seen = refine_reference_time(model, Segment(("H1", "L1"), rows, psd, frequencies, model.duration, GPS))
    found = certify(seen, seen.segment, GPS, Target(model.architecture.prior), settings(512, 100, 0.0))
    assert found.certificate.efficiency < 0.2
    assert any("effective samples" in reason for reason in found.certificate.reasons)


def test_a_prior_that_excludes_all_draws_is_a_verdict_and_not_an_error() -> None:
    found = weighed(intrinsic=IntrinsicPrior(chirp_mass_min=75.0))
    certificate = found.certificate
    assert certificate.effective_samples == 0.0
    assert certificate.log_bayes_factor == -np.inf
    assert len(certificate.reasons) >= 2
    json.dumps(certificate.to_json(), allow_nan=False)


def test_the_prior_of_the_time_holds_for_the_samples() -> None:
    """A trigger 96 ms late: the source is 4 ms within the prior, whose edge cuts the posterior."""
    found = weighed(trigger=GPS + 0.1)
    late = found.samples["geocent_time"] - (GPS + 0.1)
    # The prior is asked before a waveform is moved to where it fits best, which is by a millisecond at most.
    assert weights(found)[np.abs(late) > 0.1].sum() < 0.01
    assert weights(found)[np.abs(late) > 0.102].sum() < 1e-4
    assert weights(found)[np.abs(late) > 0.096].sum() > 0.1


def test_a_second_weighing_gives_what_certifying_at_once_gives(found: Certified) -> None:
    # IMRPhenomD has one mode, so both ways are open to it.
    again = reweight_with_modes(found, observed().segment, "IMRPhenomD", seed=3)
    at_once = weighed(approximant="IMRPhenomD")
    error = np.hypot(again.certificate.log_bayes_factor_error, at_once.certificate.log_bayes_factor_error)
    apart = again.certificate.log_bayes_factor - at_once.certificate.log_bayes_factor
    assert abs(apart) < 4 * error
    # The two models differ by more than that, and the second weighing says so.
    assert abs(again.certificate.log_bayes_factor - found.certificate.log_bayes_factor) > 1e-3
    assert again.certificate.approximant == "IMRPhenomD"
    assert 0 < again.certificate.efficiency < found.certificate.efficiency
    full, snr = log_likelihood_ratio(observed().segment, again.samples, "IMRPhenomD")
    np.testing.assert_allclose(again.samples["log_likelihood"], full)
    np.testing.assert_allclose(again.samples["H1_optimal_snr"], snr[:, 0])


def test_draws_go_on_until_the_second_weighing_leaves_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves less of each round than the round before promised."""
    shares = iter([0.5, 0.3, 0.25, 0.25, 0.25, 0.25])

    def poorer(first: Certified, *_: object, **__: object) -> Certified:
        left = first.certificate.effective_samples * next(shares)
        return first._replace(certificate=replace(first.certificate, effective_samples=left))

    monkeypatch.setattr(certification, "reweight_with_modes", poorer)
    seen, target = observed(), Target(bbh().architecture.prior, approximant="IMRPhenomXHM")
    found = certify(seen, seen.segment, GPS, target, settings(256, 400, 60.0)).certificate
    assert found.effective_samples >= 400
    assert found.draws > 1600


def test_a_second_weighing_with_the_same_model_changes_nothing(found: Certified) -> None:
    again = reweight_with_modes(found, observed().segment, "IMRPhenomXAS")
    assert np.ptp(again.log_weight) < 1e-9
    assert again.certificate.log_bayes_factor == pytest.approx(found.certificate.log_bayes_factor, abs=1e-9)
    assert again.certificate.efficiency == pytest.approx(found.certificate.efficiency)


def test_the_time_prior_is_about_the_targets_own_centre() -> None:
    shifted, usual = weighed(trigger=GPS + 50.0, centre=GPS), weighed()
    np.testing.assert_array_equal(shifted.log_weight, usual.log_weight)
    assert weighed(trigger=GPS + 50.0).certificate.effective_samples == 0.0
