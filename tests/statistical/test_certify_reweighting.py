"""Reweighting towards waveforms with further modes."""

from dataclasses import replace

import numpy as np
import pytest
from certified_source import (
    DISTANCE,
    GPS,
    bbh,
    observed,
    settings,
    weighed,
)

from chirpleaf.inference.certify import Certified, Target, certification, certify, mode_reweighting
from chirpleaf.inference.certify.likelihood import Whittle, log_likelihood_ratio
from chirpleaf.inference.certify.mode_reweighting import reweight_with_modes
from chirpleaf.inference.trust.after import examine_posterior
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.result.trust import Level
from chirpleaf.strain.segment import Segment

COMPARED = ("signal.coherence", "signal.balance", "model.misfit")


@pytest.fixture(scope="module")
def found() -> Certified:
    return weighed()


@pytest.mark.parametrize("approximant", ["IMRPhenomD", pytest.param("IMRPhenomXHM", marks=pytest.mark.slow)])
def test_reweighting_agrees_with_direct_certification(found: Certified, approximant: str) -> None:
    # The modes of either can be separated, so both ways are open to it.
    waveform = WaveformSettings(approximant)
    again = reweight_with_modes(found, observed().segment, WaveformSettings(), waveform, seed=3)
    at_once = weighed(waveform=waveform)
    error = np.hypot(again.certificate.log_bayes_factor_error, at_once.certificate.log_bayes_factor_error)
    apart = again.certificate.log_bayes_factor - at_once.certificate.log_bayes_factor
    assert abs(apart) < 4 * error
    # The models differ by more than that, and reweighting shows it.
    assert abs(again.certificate.log_bayes_factor - found.certificate.log_bayes_factor) > 1e-3
    assert again.certificate.approximant == approximant
    assert 0 < again.certificate.efficiency < found.certificate.efficiency
    full, snr = log_likelihood_ratio(observed().segment, again.samples, approximant)
    np.testing.assert_allclose(again.samples["log_likelihood"], full)
    np.testing.assert_allclose(again.samples["H1_optimal_snr"], snr[:, 0])
    # The likelihood of the modes is that of LALSimulation.
    full, _ = log_likelihood_ratio(observed().segment, at_once.samples, approximant)
    squares = (full - at_once.samples["log_likelihood"]) ** 2
    assert np.sqrt(np.average(squares, weights=np.exp(at_once.log_weight))) < 0.1


def test_detectors_agree_on_a_signal_with_further_modes_as_on_one_without() -> None:
    """Answers of approximants with further modes had no check of coherence, balance and misfit."""
    segment, values = observed().segment, {}
    for name in ("IMRPhenomXAS", "IMRPhenomXHM"):
        draws = weighed(waveform=WaveformSettings(name))
        aim = Target(bbh().architecture.prior, DISTANCE, waveform=WaveformSettings(name))
        found = examine_posterior(bbh().architecture, segment, GPS, draws, aim)
        values[name] = {one.check: one.value for one in found if one.check in COMPARED}
        assert all(one.level is Level.NOTE for one in found if one.check in COMPARED)
    first, second = values.values()
    assert set(first) == set(second) == set(COMPARED)
    assert second["signal.coherence"] == pytest.approx(first["signal.coherence"], abs=2.0)
    assert second["signal.balance"] == pytest.approx(first["signal.balance"], abs=0.15)


def test_draws_are_added_until_reweighting_leaves_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reweighting leaves fewer effective samples in each round than expected from the round before."""
    shares = iter([0.5, 0.3, 0.25, 0.25, 0.25, 0.25])

    def poorer(first: Certified, *_: object, **__: object) -> Certified:
        left = first.certificate.effective_samples * next(shares)
        return first._replace(certificate=replace(first.certificate, effective_samples=left))

    monkeypatch.setattr(certification, "reweight_with_modes", poorer)
    seen, target = observed(), Target(bbh().architecture.prior, waveform=WaveformSettings("IMRPhenomTHM"))
    found = certify(seen, seen.segment, GPS, target, settings(256, 400, 60.0)).certificate
    assert found.effective_samples >= 400
    assert found.draws > 1600


def test_reweighting_with_the_same_model_changes_nothing(found: Certified) -> None:
    again = reweight_with_modes(found, observed().segment, WaveformSettings(), WaveformSettings())
    assert np.ptp(again.log_weight) < 1e-9
    # The density of the new draws is that of the old ones times their weights.
    rows = [int(np.flatnonzero(found.samples["chirp_mass"] == one)[0]) for one in again.samples["chirp_mass"]]
    np.testing.assert_allclose(again.log_prob, (found.log_prob + found.log_weight)[rows])
    assert again.certificate.log_bayes_factor == pytest.approx(found.certificate.log_bayes_factor, abs=1e-9)
    assert again.certificate.efficiency == pytest.approx(found.certificate.efficiency)


@pytest.mark.parametrize("gain", [0.0, 1.7, -2.3])
def test_the_evidence_follows_the_likelihood(found: Certified, monkeypatch: pytest.MonkeyPatch, gain: float) -> None:
    """Z = Z_22 mean(L / L_22), for likelihoods that are known."""
    n = int(found.certificate.effective_samples)
    steps = gain + np.random.default_rng(0).normal(0.0, 0.5, n)

    def known(_: Segment, samples: Samples, waveform: WaveformSettings, **__: object) -> Whittle:
        assert len(samples["chirp_mass"]) == n
        return (steps if waveform.approximant == "IMRPhenomD" else np.zeros(n)) - 3.0, np.ones((n, 2))

    monkeypatch.setattr(mode_reweighting, "log_likelihood_ratio", known)
    again = reweight_with_modes(found, observed().segment, WaveformSettings(), WaveformSettings("IMRPhenomD"))
    ratio = np.exp(steps)
    before, after = found.certificate, again.certificate
    assert after.log_bayes_factor == pytest.approx(before.log_bayes_factor + np.log(ratio.mean()), abs=1e-9)
    np.testing.assert_allclose(np.exp(again.log_weight), ratio / ratio.mean())
    np.testing.assert_allclose(again.samples["log_likelihood"], steps - 3.0)
    effective = ratio.sum() ** 2 / np.sum(ratio**2)
    assert after.effective_samples == pytest.approx(effective)
    assert after.efficiency == pytest.approx(before.efficiency * effective / n)
    error = np.sqrt((n / effective - 1) / n)
    assert after.log_bayes_factor_error == pytest.approx(np.hypot(before.log_bayes_factor_error, error))
