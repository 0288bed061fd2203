"""Certification of another signal model and parameter space: two harmonics, two parameters, an untrained network."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from certified_source import GPS, SOURCE, densities, quantile_of, weights
from tiny import TinySignal, registered_tiny, tiny_architecture

from chirpleaf.inference.certify import Certified, CertifySettings, Target, certify
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.likelihood_settings import ExtrinsicSettings, RoundSettings
from chirpleaf.inference.certify.settings import SamplingSettings
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models import Model
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.strain.segment import Segment

TRUTH = {"chirp_mass": 33.0, "mass_ratio": 0.5}
NAMES = ("H1", "L1")
SNR = 14.0
SETTINGS = CertifySettings(
    effective_samples=400,
    sampling=SamplingSettings(first_draws=1024),
    extrinsic=ExtrinsicSettings(harmonics=RoundSettings(draws=64, error=0.1, fewest_points=256)),
)


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    """Random weights; the tiny model and space are among those that an architecture may name."""
    with registered_tiny(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = MixtureSettings(n_components=4, n_hidden=16)
        root = ResidualSettings(width=32, n_blocks=1)
        architecture = tiny_architecture(root=root, n_context=16, head=head, background=0.2)
        yield Model("tiny", architecture, architecture.build().eval(), {"seed": 0})


@pytest.fixture(scope="module")
def data(model: Model) -> Segment:
    """The source without noise."""
    frequencies, signal = model.architecture.grid.native_frequencies, TinySignal()
    series = signal.series(TRUTH, frequencies)[0]
    psd, moment, rows = densities(model, NAMES), gmst(GPS), []
    for name in NAMES:
        fp, fc = detector(name).antenna_pattern(SOURCE["ra"], SOURCE["dec"], SOURCE["psi"], moment)
        arrival = SOURCE["geocent_time"] - GPS + detector(name).time_delay(SOURCE["ra"], SOURCE["dec"], moment)
        wave = signal.response(fp, fc, 1.2, SOURCE["phase"]) @ series
        rows.append(wave * np.exp(-2j * np.pi * frequencies * arrival))
    strain = np.stack(rows)
    strain *= SNR / np.sqrt(4 / model.duration * np.sum(np.abs(strain) ** 2 / psd))
    return Segment(NAMES, strain, psd, frequencies, model.duration, GPS)


@pytest.fixture(scope="module")
def found(model: Model, data: Segment) -> Certified:
    target = Target(model.architecture.space.prior, waveform=WaveformSettings("tiny"))
    seen = refine_reference_time(model, data)
    return certify(seen, seen.segment, GPS, target, SETTINGS, seed=1)


def test_it_is_certified(found: Certified) -> None:
    certificate = found.certificate
    assert certificate.reasons == ()
    assert certificate.approximant == "tiny"
    assert certificate.likelihood_error < 0.05
    assert certificate.log_bayes_factor > 40
    assert certificate.edges == ()


def test_the_likelihood_is_that_on_every_frequency(found: Certified, data: Segment) -> None:
    full, snr = log_likelihood_ratio(data, found.samples, TinySignal())
    likely = weights(found) > 1e-4
    assert likely.sum() > 100
    np.testing.assert_allclose(found.samples["log_likelihood"][likely], full[likely], atol=0.1)
    for index, name in enumerate(NAMES):
        np.testing.assert_allclose(found.samples[f"{name}_optimal_snr"][likely], snr[likely, index], rtol=0.01)
    assert full.max() < SNR**2 / 2 + 0.01
    # Nine parameters cost half a nat each.
    assert SNR**2 / 2 - np.sum(weights(found) * full) == pytest.approx(4.5, abs=2.0)


def test_the_source_lies_within(found: Certified) -> None:
    for name, value in {**TRUTH, "network_optimal_snr": SNR, "geocent_time": SOURCE["geocent_time"]}.items():
        assert 0.01 < quantile_of(found, name, float(value)) < 0.99, name
    assert {"luminosity_distance", "phase", "final_mass"} < set(found.samples)
    assert found.sky.probability.sum() == pytest.approx(1.0)
