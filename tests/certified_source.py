"""A simulated source, its data and its certified posterior; shared by the tests of certification."""

from functools import cache
from typing import Any

import numpy as np

from chirpleaf.inference.certify import Certified, CertifySettings, Target, certify
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models import Model, load_model
from chirpleaf.physics.detectors import detector, gmst, project
from chirpleaf.physics.distributions import PowerLaw
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
    """512 draws for the source, because the time budget is zero."""
    seen = observed()
    aim = Target(**{"intrinsic": bbh().architecture.prior, "distance": DISTANCE, **target})
    data = seen.segment if segment is None else segment.with_reference_time(seen.segment.reference_time)
    return certify(seen, data, trigger, aim, settings(512, 100, 0.0), seed=seed)


def weights(found: Certified) -> np.ndarray:
    weight = np.exp(found.log_weight - found.log_weight.max())
    return np.asarray(weight / weight.sum())


def quantile_of(found: Certified, name: str, value: float) -> float:
    return float(weights(found)[found.samples[name] < value].sum())
