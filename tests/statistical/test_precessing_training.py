"""Training data of precessing binaries: bank by harmonic, coherent signals of all series, inclinations as detected."""

from functools import cache

import numpy as np
import torch

from chirpleaf.models import Architecture
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.detectors import project
from chirpleaf.physics.extrinsic_prior import ExtrinsicPrior
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.spin_angles import to_components
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.representation.templates import TemplateSettings
from chirpleaf.training.banks.proposal import StratifiedProposal
from chirpleaf.training.data import build_simulator
from chirpleaf.training.simulation import Simulation
from chirpleaf.training.simulator import Simulator

N = 60
PRIOR = PrecessingPrior(mass_min=10.0, mass_max=80.0, mass_ratio_min=0.2, chirp_mass_min=25.0, chirp_mass_max=45.0)
ARCHITECTURE = Architecture(
    parameter_space="precessing",
    prior=PRIOR,
    signal="multimode",
    approximant="IMRPhenomXPHM",
    duration=4.0,
    maximum_frequency=512.0,
    templates=TemplateSettings(phase_step=10.0, ratio_step=0.15, chi_eff=(0.0,)),
    root=ResidualSettings(width=16, n_blocks=1),
    n_context=8,
    head=MixtureSettings(),
)


@cache
def simulator() -> Simulator:
    simulation = Simulation(waveforms=N, validation_waveforms=8, spectra=16, batch_size=32)
    return build_simulator(ARCHITECTURE, ARCHITECTURE.build(), simulation, seed=3)


def signals(present: torch.Tensor | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Signals without noise, and weights, both of shape (n, detector, bin)."""
    series, generator = torch.view_as_complex(simulator().bank.series.float()), torch.Generator().manual_seed(0)
    weights = simulator().noise.weights_at(simulator().noise.sample_rows(N, generator))
    found = simulator().simulate_signal(series, weights, np.random.default_rng(0), generator, present)
    return found.numpy(), weights.numpy()


def test_signals_are_the_projected_polarisations() -> None:
    """Up to distance and a common arrival time, by other means: LALSimulation at the phase of the sample."""
    found, weights = signals()
    grid = ARCHITECTURE.grid
    frequencies = grid.frequencies
    nine = dict(zip(ARCHITECTURE.space.names, simulator().bank.theta.numpy().T, strict=True))
    mass_1, mass_2 = component_masses(nine["chirp_mass"], nine["mass_ratio"])
    where = ExtrinsicPrior().sample(N, np.random.default_rng(0))
    place = {"mass_1": mass_1, "mass_2": mass_2, "luminosity_distance": 1.0, "phase": where["phase"]}
    waves = polarizations({**to_components(nine, where["phase"]), **place}, frequencies, "IMRPhenomXPHM")
    whitening = grid.carrier(frequencies) * simulator().estimator.canonical.reference_weights * weights
    sky = (where["ra"], where["dec"], where["psi"], 0.0)
    strain = np.stack([project(*waves, one, *sky, frequencies) for one in simulator().detectors], axis=1)
    expected = strain * whitening
    delays = np.linspace(-0.03, 0.03, 3001)
    turned = np.abs((found * expected.conj()).sum(1) @ np.exp(2j * np.pi * np.outer(frequencies, delays)))
    aligned = found * np.exp(2j * np.pi * delays[turned.argmax(1)][:, None, None] * frequencies)
    norms = np.linalg.norm(aligned, axis=(1, 2)) * np.linalg.norm(expected, axis=(1, 2))
    overlap = np.sum(aligned * expected.conj(), axis=(1, 2)) / norms
    assert overlap.real.min() > 0.999
    assert np.abs(overlap.imag).max() < 0.03


def test_the_loudness_is_that_of_the_present_detectors() -> None:
    snr = np.sqrt(np.sum(np.abs(signals()[0]) ** 2, axis=(1, 2)))
    low, high = simulator().snr_range
    assert low * 0.999 < snr.min() < snr.max() < high * 1.001
    present = torch.ones(N, 2, dtype=torch.bool)
    present[:, 1] = False
    alone = signals(present)[0]
    np.testing.assert_array_equal(alone[:, 1], 0.0)
    snr = np.sqrt(np.sum(np.abs(alone[:, 0]) ** 2, axis=1))
    assert low * 0.999 < snr.min() < snr.max() < high * 1.001


def test_batches_have_nine_coordinates() -> None:
    batch = simulator().batch(0)
    again = simulator().batch(0)
    assert batch[1].shape == (32, 9)
    assert torch.equal(batch[1], again[1])
    assert torch.isfinite(batch[1]).all()
    assert (batch[1][:, 2:].abs() < 6).all()


def test_inclinations_are_drawn_as_they_are_detected() -> None:
    """In proportion to the cube of the amplitude: 2.83 at face-on is 22.6 times 0.125 at edge-on."""
    cosine = StratifiedProposal(PRIOR, 4).sample(40_000, np.random.default_rng(0))["cos_iota"]
    counts, _ = np.histogram(cosine, [-1.0, -0.9, -0.1, 0.1, 0.9, 1.0])
    grid = (np.arange(20_000) + 0.5) / 10_000 - 1
    mass = ((0.5 * (1 + grid**2)) ** 2 + grid**2) ** 1.5
    expected = np.histogram(grid, [-1.0, -0.9, -0.1, 0.1, 0.9, 1.0], weights=mass / mass.sum())[0]
    assert (np.abs(counts - 40_000 * expected) < 4 * np.sqrt(40_000 * expected)).all()
    assert counts[0] / counts[2] > 5
