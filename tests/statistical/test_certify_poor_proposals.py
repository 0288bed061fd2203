"""Certification if the network misses the posterior: other reference times, pure noise, no draw within the prior."""

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from certified_source import (
    DISTANCE,
    GPS,
    SOURCE,
    bbh,
    densities,
    observed,
    quantile_of,
    settings,
    signal,
    weighed,
    weights,
)
from numpy.typing import ArrayLike

from chirpleaf.inference.certify import Certified, Target, certify, reference_times
from chirpleaf.inference.observation import Observation, canonicalise
from chirpleaf.inference.reference_time import find_reference_time_hypotheses, refine_reference_time
from chirpleaf.models import Model
from chirpleaf.physics.conversions import chirp_mass
from chirpleaf.physics.detectors import detector, gmst, project
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.segment import Segment


@pytest.fixture(scope="module")
def found() -> Certified:
    return weighed()


def late() -> Observation:
    """The observation of the source about a wrong reference time."""
    seen = observed()
    segment = seen.segment.with_reference_time(seen.segment.reference_time + 0.02)
    return replace(seen, segment=segment, canonical=canonicalise(seen.model, [segment]))


def test_other_reference_times_are_tried_if_the_network_misses_the_posterior(
    found: Certified, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network is run again about the arrival times of its heaviest draws, which gives the correct posterior."""
    aim = Target(bbh().architecture.prior, DISTANCE)
    again = certify(late(), late().segment, GPS, aim, settings(512, 200, 60.0))
    assert again.certificate.reasons == ()
    assert again.certificate.draws == 2 * 512 + 40  # draws of both hypotheses, and of one that is broadened
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


class Impossible:
    """A prior that excludes every binary."""

    def log_prob(self, samples: Mapping[str, ArrayLike], /) -> np.ndarray:
        return np.full(len(np.atleast_1d(samples["chirp_mass"])), -np.inf)


def test_a_prior_that_excludes_all_draws_is_a_verdict_and_not_an_error() -> None:
    found = weighed(intrinsic=Impossible())
    certificate = found.certificate
    assert certificate.effective_samples == 0.0
    assert certificate.log_bayes_factor == -np.inf
    (reason,) = certificate.reasons
    assert reason.startswith(f"none of {certificate.draws} draws is possible")
    json.dumps(certificate.to_json(), allow_nan=False)
