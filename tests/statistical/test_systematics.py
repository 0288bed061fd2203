"""Reweighting for systematic uncertainties against the likelihood on every frequency."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from certified_source import GPS, bbh, observed, signal, weighed

from chirpleaf.errors import InputError
from chirpleaf.inference.build import build_certified_posterior
from chirpleaf.inference.certify import Target
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.noise_spectra import NoiseData
from chirpleaf.inference.options import DEFAULT_DATA
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.sources import Source
from chirpleaf.inference.systematics import drawn_spectra
from chirpleaf.inference.systematics import terms as terms_module
from chirpleaf.inference.systematics.calibration import marginalise_calibration
from chirpleaf.inference.systematics.drawn_spectra import marginalise_spectra
from chirpleaf.inference.systematics.given_spectra import reweight_to_spectra
from chirpleaf.inference.systematics.settings import CalibrationSettings, SpectrumSettings, SystematicsSettings
from chirpleaf.result import Posterior
from chirpleaf.result.trust import Grade, Level, Trust
from chirpleaf.result.weights import resample_systematically
from chirpleaf.strain.calibration import CalibrationEnvelope
from chirpleaf.strain.conditioning import DEFAULT_CONDITIONING
from chirpleaf.strain.noise_spectrum import DEFAULT_SPECTRUM
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.strain import Strain
from chirpleaf.system.deadline import Deadline

FEW = SystematicsSettings(samples=60, calibration=CalibrationSettings(curves=300), spectra=SpectrumSettings(draws=3))


@cache
def source() -> tuple[Posterior, PreparedData]:
    """512 weighted draws for the simulated source, and its data."""
    segment = signal()[0]
    strain = {name: Strain(name, np.zeros(64), GPS, 16.0) for name in segment.detectors}
    spectra = {
        name: PowerSpectralDensity(segment.frequencies, row)
        for name, row in zip(segment.detectors, segment.psd, strict=True)
    }
    noise = {name: NoiseData(one, None, DEFAULT_SPECTRUM, DEFAULT_CONDITIONING) for name, one in strain.items()}
    data = PreparedData(Source("made", GPS, strain), {}, noise, spectra, frozenset(), DEFAULT_DATA, observed())
    trust = Trust("trusted", 16.0, {}, ())
    return build_certified_posterior(data, weighed(), Target(bbh().architecture.prior), trust, 0, {}), data


def chosen() -> dict[str, np.ndarray]:
    """The samples that are reweighted."""
    posterior, _ = source()
    rows = resample_systematically(posterior.proposal.weights, 60, posterior.provenance.seed)
    return {name: values[rows] for name, values in posterior.proposal.samples.items()}


def likelihood(segment: Segment | None = None, **changes: np.ndarray) -> np.ndarray:
    """ln L of the samples on every frequency."""
    _, data = source()
    waveform = data.model.architecture.signal_model
    samples = {**chosen(), **changes}
    return log_likelihood_ratio(segment or data.cut_network_segment(), samples, waveform)[0]


def scaled_psd(factors: np.ndarray) -> Segment:
    """The data with noise spectra times factors, shape (detector, F)."""
    segment = source()[1].cut_network_segment()
    return replace(segment, psd=segment.psd * factors)


def envelope(amplitude: float, phase: float, error: float = 0.0) -> CalibrationEnvelope:
    """The same at all frequencies."""
    lines = np.array([10.0, 50.0, 200.0, 2048.0])
    one = np.ones(len(lines))
    return CalibrationEnvelope(lines, amplitude * one, error * one, phase * one, error * one)


def check(found: Posterior, expected: np.ndarray, change: float | None = None, atol: float = 1e-3) -> None:
    """Weights, evidence and certificate follow from ln of the ratio of the likelihoods."""
    posterior, _ = source()
    level = np.log(np.mean(np.exp(expected)))
    assert np.std(expected) > 10 * atol
    np.testing.assert_allclose(found.proposal.log_weight, expected - level, atol=atol)
    before, after = posterior.certificate, found.certificate
    assert before is not None
    assert after is not None
    change = level if change is None else change
    assert after.log_bayes_factor - before.log_bayes_factor == pytest.approx(change, abs=atol)
    (record,) = after.reweightings
    assert (record.samples, record.log_bayes_factor_change) == (60, pytest.approx(change, abs=atol))
    weight = np.exp(expected)
    assert after.effective_samples == pytest.approx(weight.sum() ** 2 / np.sum(weight**2), rel=0.01)
    assert found.sky is not None
    assert found.sky.probability.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["calibration", "spectra"])
def test_samples_are_reweighted_until_the_time_is_up(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """A second for the end of the band, and for each 64 of the 200 samples."""
    posterior, data = source()
    now, project = [0.0], terms_module.project_signals

    def project_in_time(*arguments: Any) -> Any:
        now[0] += 1.0
        return project(*arguments)

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(terms_module, "project_signals", project_in_time)
    many, deadline = replace(FEW, samples=200), Deadline(2.5)
    if kind == "calibration":
        found = marginalise_calibration(posterior, data, {"H1": envelope(0.01, 0.0)}, many, deadline=deadline)
    else:
        same = np.ones((len(data.observation.segment.frequencies), 4))
        monkeypatch.setattr(drawn_spectra, "compare_spectra", lambda *_: [same, same])
        found = marginalise_spectra(posterior, data, many, deadline=deadline)
    assert now[0] == 3.0
    certificate = found.certificate
    assert certificate is not None
    assert (certificate.stopped, certificate.reweightings[0].samples) == ("budget", 128)
    assert len(found.proposal.samples["chirp_mass"]) == 128
    (note,) = certificate.notes
    assert note == "the time of --budget ended the sampling after 128 reweighted samples"
    assert [one.level for one in found.trust.findings if one.message == note] == [Level.NOTE]


def test_a_known_factor_of_the_amplitude_is_another_distance() -> None:
    posterior, data = source()
    found = marginalise_calibration(posterior, data, {name: envelope(0.1, 0.0) for name in ("H1", "L1")}, FEW)
    distance = chosen()["luminosity_distance"]
    expected = likelihood(luminosity_distance=distance / 1.1) - likelihood()
    check(found, expected)
    np.testing.assert_allclose(found.proposal.samples["luminosity_distance"], distance)


def test_a_known_phase_is_another_orbital_phase() -> None:
    posterior, data = source()
    found = marginalise_calibration(posterior, data, {name: envelope(0.0, 0.1) for name in ("L1", "H1")}, FEW)
    check(found, likelihood(phase=chosen()["phase"] + np.arctan(0.05)) - likelihood())


def test_curves_of_one_detector_widen_its_likelihood() -> None:
    posterior, data = source()
    found = marginalise_calibration(posterior, data, {"L1": envelope(0.0, 0.0, 0.2)}, FEW, seed=1)
    assert found.certificate is not None
    (record,) = found.certificate.reweightings
    assert (record.detectors, record.draws, record.correction) == (("L1",), 300, "data")
    assert 3 < record.effective_draws < 290
    again = marginalise_calibration(posterior, data, {"L1": envelope(0.0, 0.0, 0.2)}, FEW, seed=1)
    assert again == found
    other = marginalise_calibration(posterior, data, {"L1": envelope(0.0, 0.0, 0.2)}, FEW, seed=2)
    assert other != found
    assert np.abs(other.proposal.log_weight - found.proposal.log_weight).max() < 0.5


def test_given_spectra_replace_those_of_the_network() -> None:
    posterior, data = source()
    segment = data.cut_network_segment()
    factors = np.stack([1 + 0.5 * np.sin(segment.frequencies / 30), np.full(len(segment.frequencies), 1.3)])
    spectra = {
        name: PowerSpectralDensity(segment.frequencies, row)
        for name, row in zip(("H1", "L1"), segment.psd * factors, strict=True)
    }
    found, changed = reweight_to_spectra(posterior, data, spectra, FEW)
    check(found, likelihood(scaled_psd(factors)) - likelihood())
    np.testing.assert_allclose(changed.cut_network_segment().psd, segment.psd * factors)
    value, snr = log_likelihood_ratio(scaled_psd(factors), chosen(), data.model.architecture.signal_model)
    np.testing.assert_allclose(found.proposal.samples["log_likelihood"], value, atol=1e-3)
    np.testing.assert_allclose(found.proposal.samples["L1_optimal_snr"], snr[:, 1], rtol=1e-4)
    one, _ = reweight_to_spectra(posterior, data, {"H1": spectra["H1"]}, FEW)
    check(one, likelihood(scaled_psd(factors * [[1.0], [1 / 1.3]])) - likelihood())
    assert one.certificate is not None
    assert one.certificate.reweightings[0].detectors == ("H1",)


def test_posteriors_of_drawn_spectra_are_averaged(monkeypatch: pytest.MonkeyPatch) -> None:
    posterior, data = source()
    segment, scales = data.cut_network_segment(), (0.8, 1.0, 1.4)

    def draw(self: NoiseData, n: int, _: np.random.Generator) -> Iterator[PowerSpectralDensity]:
        assert (n, self.strain.detector) == (3, "H1")
        density = data.spectra["H1"].values
        tilt = (segment.frequencies / 100) ** 0.3
        return (PowerSpectralDensity(segment.frequencies, density * scale * tilt) for scale in scales)

    monkeypatch.setattr(NoiseData, "draw", draw)
    found = marginalise_spectra(posterior, replace(data, known=frozenset({"L1"})), FEW)
    tilt, one = (segment.frequencies / 100) ** 0.3, np.ones(len(segment.frequencies))
    each = np.stack([likelihood(scaled_psd(np.stack([scale * tilt, one]))) - likelihood() for scale in scales])
    evidence = np.log(np.mean(np.exp(each), axis=1))
    check(found, np.log(np.mean(np.exp(each - evidence[:, None]), axis=0)), float(evidence.mean()))
    assert found.certificate is not None
    (record,) = found.certificate.reweightings
    assert (record.name, record.detectors, record.draws) == ("spectra", ("H1",), 3)
    assert record.log_bayes_factor_scatter == pytest.approx(float(np.std(evidence, ddof=1)), rel=1e-3)


def test_a_reweighting_that_leaves_few_samples_is_refused() -> None:
    posterior, data = source()
    assert posterior.certificate is not None
    certificate = replace(posterior.certificate, wanted=30)
    posterior = replace(posterior, certificate=certificate)
    kept = marginalise_calibration(posterior, data, {"H1": envelope(0.01, 0.0)}, FEW)
    assert (kept.trust.grade, kept.trust.reasons) == (Grade.PASS, ())
    assert [one.check for one in kept.trust.findings] == ["sampling.calibration"]
    lost = marginalise_calibration(posterior, data, {"H1": envelope(0.8, 0.7)}, FEW)
    assert lost.trust.grade is Grade.REFUSE
    assert "of the 30 that are needed after reweighting for uncertainty of the calibration" in lost.trust.reasons[0]
    wanted = replace(posterior, certificate=replace(certificate, wanted=100_000))
    few = marginalise_calibration(wanted, data, {"H1": envelope(0.01, 0.0)}, FEW)
    assert "of the 500 that are needed" in few.trust.reasons[0]


def test_what_does_not_fit_together_is_refused() -> None:
    posterior, data = source()
    flat = {"V1": envelope(0.0, 0.0, 0.1)}
    with pytest.raises(InputError, match="envelopes of H1, L1; got one of V1"):
        marginalise_calibration(posterior, data, flat, FEW)
    with pytest.raises(InputError, match="noise spectra of H1, L1; got one of V1"):
        reweight_to_spectra(posterior, data, {"V1": data.spectra["H1"]}, FEW)
    with pytest.raises(InputError, match="got given ones of all detectors"):
        marginalise_spectra(posterior, replace(data, known=frozenset({"H1", "L1"})), FEW)
    with pytest.raises(InputError, match="certified posterior to reweight; got one of the network alone"):
        marginalise_spectra(replace(posterior, certificate=None), data, FEW)
    assert posterior.certificate is not None
    other = replace(posterior, certificate=replace(posterior.certificate, detectors=("H1",)))
    with pytest.raises(InputError, match="data of H1, as the posterior has; got data of H1, L1"):
        marginalise_spectra(other, data, FEW)
    nodes = replace(FEW, calibration=CalibrationSettings(nodes=3))
    with pytest.raises(InputError, match="at least 4 nodes"):
        marginalise_calibration(posterior, data, {"H1": envelope(0.0, 0.0, 0.1)}, nodes)
