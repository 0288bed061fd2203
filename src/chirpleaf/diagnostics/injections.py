"""Injections: simulated events on the full frequency grid, as `infer` would meet them.

Nothing here is shared with the simulator of the training but physics and prior: the signal is computed on every
native frequency and coloured noise is added there, so that the multiband compression, the refinement of the trigger and
the preprocessing are all under test.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from chirpleaf.models.model import Model
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.detectors import detector, gmst, project
from chirpleaf.physics.distributions import Distribution
from chirpleaf.physics.priors import ExtrinsicPrior, IntrinsicPrior
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.strain.measured import Network
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.strain import Spectrum


class Spectra(Protocol):
    """Where the injections' power spectral densities come from."""

    def sample(
        self, detectors: tuple[str, ...], frequencies: Spectrum, rng: np.random.Generator
    ) -> tuple[Network, str]:
        """One density per detector (1/Hz) and the name of their family."""


@dataclass(frozen=True)
class Injection:
    """A simulated event.

    Attributes:
        segment: the data.
        truth: intrinsic and extrinsic parameters.
        snr: optimal signal-to-noise of the network.
        family: of the power spectral densities.
    """

    segment: Segment
    truth: dict[str, float]
    snr: float
    family: str


def inject(
    model: Model,
    spectra: Spectra,
    rng: np.random.Generator,
    *,
    snr_range: tuple[float, float] = (7.0, 60.0),
    distance: Distribution | None = None,
    prior: IntrinsicPrior | None = None,
    trigger_error: float = 0.02,
) -> Injection:
    """Draws an event from a model's prior and simulates its data.

    Args:
        model: gives prior, detectors, approximant and grid.
        spectra: power spectral densities.
        rng: source of randomness.
        snr_range: optimal signal-to-noise of the network, log-uniform between; it sets the distance.
        distance: prior of the luminosity distance (Mpc); binaries are then drawn until one is in `snr_range`.
        prior: of masses and spins; the model's when None.
        trigger_error: half width of the uniform error of the trigger time, seconds.

    Returns:
        The event.
    """
    while True:
        injection = _draw(model, spectra, rng, snr_range, distance, prior or model.architecture.prior, trigger_error)
        if snr_range[0] <= injection.snr <= snr_range[1]:
            return injection


def _draw(
    model: Model,
    spectra: Spectra,
    rng: np.random.Generator,
    snr_range: tuple[float, float],
    distance: Distribution | None,
    prior: IntrinsicPrior,
    trigger_error: float,
) -> Injection:
    architecture = model.architecture
    frequencies = architecture.grid.native_frequencies
    truth = {name: float(value[0]) for name, value in prior.sample(1, rng).items()}
    truth |= {name: float(value[0]) for name, value in ExtrinsicPrior().sample(1, rng).items()}
    truth["mass_1"], truth["mass_2"] = component_masses(truth["chirp_mass"], truth["mass_ratio"])
    psd, family = spectra.sample(model.detectors, frequencies, rng)
    densities = np.stack(psd)
    hp, hc = polarizations({**truth, "luminosity_distance": 1.0}, frequencies, architecture.approximant)
    sidereal = float(gmst(0.0))
    truth["ra"] = float(np.mod(truth["ra"] + sidereal, 2 * np.pi))  # drawn as seen from the turning earth
    sky = (truth["ra"], truth["dec"], truth["psi"], sidereal)
    error = rng.uniform(-trigger_error, trigger_error)
    rows = [project(hp, hc, detector(name), *sky, frequencies, error)[0] for name in model.detectors]
    signal = np.stack(rows)
    power = 4 / model.duration * np.sum(np.abs(signal) ** 2 / densities)
    if distance is None:
        truth["luminosity_distance"] = float(np.sqrt(power) / np.exp(rng.uniform(*np.log(snr_range))))
    else:
        truth["luminosity_distance"] = float(distance.sample(1, rng)[0])
    truth["geocent_time"] = error
    noise = rng.standard_normal((2, *signal.shape)) * np.sqrt(densities * model.duration / 4)
    strain = signal / truth["luminosity_distance"] + noise[0] + 1j * noise[1]
    segment = Segment(model.detectors, strain, densities, frequencies, model.duration, reference_time=0.0)
    return Injection(segment, truth, float(np.sqrt(power) / truth["luminosity_distance"]), family)
