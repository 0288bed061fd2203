"""Calibration curves against bilby: priors at the nodes for both conventions, splines, and the marginal likelihood."""

from pathlib import Path

import numpy as np
import pytest
from bilby.gw.detector.calibration import CubicSpline
from bilby.gw.prior import CalibrationPriorDict
from certified_source import GPS, SOURCE, bbh, signal
from envelopes import write_envelope

from chirpleaf.inference.certify.likelihood import project_signals
from chirpleaf.inference.systematics.calibration import average_over_curves
from chirpleaf.inference.systematics.terms import sum_terms
from chirpleaf.physics.conversions import chirp_mass
from chirpleaf.strain.calibration import CORRECTION_TYPES, CorrectionType, SplineModel, make_spline_basis
from chirpleaf.strain.calibration_files import read_envelope

BAND = (20.0, 1022.25)


def parameters(model: SplineModel, amplitude: np.ndarray, phase: np.ndarray) -> dict[str, float]:
    """bilby's parameters of one curve."""
    nodes = range(len(model.log_nodes))
    return {f"r_amplitude_{i}": amplitude[i] for i in nodes} | {f"r_phase_{i}": phase[i] for i in nodes}


@pytest.mark.parametrize("correction", CORRECTION_TYPES)
def test_priors_of_the_nodes(correction: CorrectionType, tmp_path: Path) -> None:
    path = write_envelope(tmp_path / "envelope.txt")
    model = read_envelope(path, correction).place_nodes(*BAND, 10)
    expected = CalibrationPriorDict.from_envelope_file(str(path), *BAND, 10, "H1", correction_type=correction)
    for place in range(10):
        amplitude, phase = (expected[f"recalib_H1_{what}_{place}"] for what in ("amplitude", "phase"))
        assert model.amplitude[place] == pytest.approx(amplitude.mu, abs=1e-12)
        assert model.amplitude_error[place] == pytest.approx(amplitude.sigma, rel=1e-9)
        assert model.phase[place] == pytest.approx(phase.mu, abs=1e-12)
        assert model.phase_error[place] == pytest.approx(phase.sigma, rel=1e-9)


def test_curves(tmp_path: Path) -> None:
    model = read_envelope(write_envelope(tmp_path / "envelope.txt"), "data").place_nodes(*BAND, 10)
    f, rng = np.arange(20.0, 1022.3, 0.25), np.random.default_rng(1)
    amplitude, phase = 0.2 * rng.standard_normal((2, 10))
    expected = CubicSpline("r_", *BAND, 10).get_calibration_factor(f, **parameters(model, amplitude, phase))
    np.testing.assert_allclose(model.evaluate(amplitude[None], phase[None], f)[0], expected, rtol=1e-12)


def test_drawn_curves_have_the_mean_and_the_scatter_of_the_envelope(tmp_path: Path) -> None:
    envelope = read_envelope(write_envelope(tmp_path / "envelope.txt"), "data")
    model = envelope.place_nodes(*BAND, 10)
    curves = model.draw(4000, np.random.default_rng(2), np.exp(model.log_nodes))
    np.testing.assert_allclose(np.abs(curves).mean(axis=0) - 1, model.amplitude, atol=0.005)
    np.testing.assert_allclose(np.abs(curves).std(axis=0), model.amplitude_error, rtol=0.05)
    np.testing.assert_allclose(np.angle(curves).mean(axis=0), model.phase, atol=0.005)
    np.testing.assert_allclose(np.angle(curves).std(axis=0), model.phase_error, rtol=0.05)


def test_the_likelihood_is_averaged_over_curves_as_on_every_frequency(tmp_path: Path) -> None:
    segment, distance = signal()
    waveform = bbh().architecture.signal_model
    mass_1, mass_2 = np.array([38.0, 40.0]), np.array([31.0, 30.0])
    samples = {name: np.full(2, value) for name, value in SOURCE.items()}
    samples |= {
        "chirp_mass": chirp_mass(mass_1, mass_2),
        "mass_ratio": mass_2 / mass_1,
        "luminosity_distance": np.array([distance, 1.1 * distance]),
        "geocent_time": np.array([GPS + 0.004, GPS + 0.0045]),
    }
    model = read_envelope(write_envelope(tmp_path / "envelope.txt"), "data").place_nodes(*BAND, 10)
    rng, n = np.random.default_rng(3), 20
    amplitude = model.amplitude + model.amplitude_error * rng.standard_normal((n, 10))
    phase = model.phase + model.phase_error * rng.standard_normal((n, 10))
    places = np.linspace(model.log_nodes[0], model.log_nodes[-1], 9 * 6 + 1)
    weights = [make_spline_basis(places, np.log(segment.frequencies))] * 2
    terms = sum_terms(segment, samples, waveform, weights)
    curves = model.evaluate(amplitude, phase, np.exp(places))

    spline, noise = CubicSpline("r_", *BAND, 10), 4 / (segment.duration * segment.psd)
    factors = [
        spline.get_calibration_factor(segment.frequencies, **parameters(model, one, other))
        for one, other in zip(amplitude, phase, strict=True)
    ]
    for index, wave in enumerate(project_signals(segment, samples, waveform)):
        data = segment.strain[index] * noise[index]

        def whittle(template: np.ndarray, data: np.ndarray = data, row: int = index) -> np.ndarray:
            return (template.conj() @ data).real - np.abs(template) ** 2 @ noise[row] / 2

        values = np.stack([whittle(wave * factor) for factor in factors])
        expected = np.log(np.mean(np.exp(values - whittle(wave)), axis=0))
        found, effective = average_over_curves(terms[index], curves)
        assert np.abs(expected).max() > 0.5
        np.testing.assert_allclose(found, expected, atol=1e-3)
        assert ((effective > 1) & (effective < n)).all()
