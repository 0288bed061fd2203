"""Injections: simulated events on the full frequency grid, as `infer` would receive them.

Injections share only physics, prior and noise sources with the simulator of the training: signal and noise are computed
on each native frequency, so that the multiband compression, the refinement of the trigger and the preprocessing are
tested as well.
"""

from dataclasses import dataclass

import numpy as np

from chirpleaf.models.model import Model
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.physics.distributions import Distribution
from chirpleaf.physics.extrinsic_prior import ExtrinsicPrior
from chirpleaf.physics.prior_kinds import PriorDistribution
from chirpleaf.physics.signals import SignalModel
from chirpleaf.physics.signals.model import ComplexArray
from chirpleaf.strain.noise import EnsembleNoise, NoiseSource
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.strain import Spectrum
from chirpleaf.training.simulation import Simulation

FORMER_FAMILIES = ("O1", "O2", "O3", "design")
"""Families of noise curves that there were before those of the fourth observing run."""


@dataclass(frozen=True)
class Injection:
    """A simulated event.

    Attributes:
        segment: the data.
        truth: intrinsic and extrinsic parameters.
        snr: optimal signal-to-noise ratio of the detectors together.
        family: family, event or recording of the power spectral densities.
    """

    segment: Segment
    truth: dict[str, float]
    snr: float
    family: str


def training_noise(model: Model) -> EnsembleNoise:
    """The distribution of noise spectra that a model was trained on, as its provenance states.

    Models of the first versions do not state the families of their spectra. Those of a version with subsets of the
    detectors were trained on all families, those before on `FORMER_FAMILIES`.

    Args:
        model: the model.
    """
    settings = model.provenance.get("simulation", {})
    unstated = Simulation.families if "subsets" in settings else FORMER_FAMILIES
    return Simulation(families=tuple(settings.get("families", unstated))).make_noise(model.detectors)


def inject(
    model: Model,
    noise: NoiseSource,
    rng: np.random.Generator,
    *,
    snr_range: tuple[float, float] = Simulation.snr_range,
    distance: Distribution | None = None,
    prior: PriorDistribution | None = None,
    trigger_error: float = 0.02,
    detectors: tuple[str, ...] | None = None,
) -> Injection:
    """Draws an event from a model's prior and simulates its data.

    Args:
        model: gives prior, detectors, signal model and grid.
        noise: source of the noise.
        rng: source of randomness.
        snr_range: least and greatest optimal signal-to-noise ratio of the detectors together. Without `distance`, the
            ratio is log-uniform in this range and determines the distance.
        distance: prior of the luminosity distance (Mpc); events are drawn until one is in `snr_range`.
        prior: prior of the intrinsic parameters; the model's when None.
        trigger_error: half width of the uniform error of the trigger time, seconds.
        detectors: detectors of the event; the model's when None.

    Returns:
        The event.

    Raises:
        InputError: the source has no noise for the model's detectors and segment.
    """
    own_prior = prior or model.architecture.prior
    names = model.detectors if detectors is None else model.select_detectors(detectors)
    while True:
        injection = _simulate_event(model, noise, rng, snr_range, distance, own_prior, trigger_error, names)
        if snr_range[0] <= injection.snr <= snr_range[1]:
            return injection


def _simulate_event(
    model: Model,
    noise: NoiseSource,
    rng: np.random.Generator,
    snr_range: tuple[float, float],
    distance: Distribution | None,
    prior: PriorDistribution,
    trigger_error: float,
    detectors: tuple[str, ...],
) -> Injection:
    """One event, whatever its signal-to-noise ratio is."""
    architecture = model.architecture
    frequencies = architecture.grid.native_frequencies
    truth = {name: float(value[0]) for name, value in prior.sample(1, rng).items()}
    truth |= {name: float(value[0]) for name, value in ExtrinsicPrior().sample(1, rng).items()}
    truth["mass_1"], truth["mass_2"] = component_masses(truth["chirp_mass"], truth["mass_ratio"])
    draw = noise.sample(detectors, frequencies, model.duration, rng)
    sidereal = float(gmst(0.0))
    truth["ra"] = float(np.mod(truth["ra"] + sidereal, 2 * np.pi))  # the prior gives the angle from the meridian
    error = rng.uniform(-trigger_error, trigger_error)
    signal = _simulate_signal(architecture.signal_model, truth, frequencies, detectors, sidereal, error)
    power = 4 / model.duration * np.sum(np.abs(signal) ** 2 / draw.psd)
    if distance is None:
        truth["luminosity_distance"] = float(np.sqrt(power) / np.exp(rng.uniform(*np.log(snr_range))))
    else:
        truth["luminosity_distance"] = float(distance.sample(1, rng)[0])
    truth["geocent_time"] = error
    strain = signal / truth["luminosity_distance"] + draw.realise(rng)
    segment = Segment(detectors, strain, draw.psd, frequencies, model.duration, reference_time=0.0)
    return Injection(segment, truth, float(np.sqrt(power) / truth["luminosity_distance"]), draw.origin)


def _simulate_signal(
    model: SignalModel,
    truth: dict[str, float],
    frequencies: Spectrum,
    detectors: tuple[str, ...],
    sidereal: float,
    time: float,
) -> ComplexArray:
    """The signal in each detector from 1 Mpc, (detector, F), with the arrival at the centre of the earth at `time`."""
    series = model.series(truth, frequencies)[0]
    rows = []
    for one in map(detector, detectors):
        fp, fc = one.antenna_pattern(truth["ra"], truth["dec"], truth["psi"], sidereal)
        arrival = time + one.time_delay(truth["ra"], truth["dec"], sidereal)
        wave = model.response(fp, fc, truth["theta_jn"], truth["phase"]) @ series
        rows.append(wave * np.exp(-2j * np.pi * arrival * frequencies))
    return np.stack(rows)
