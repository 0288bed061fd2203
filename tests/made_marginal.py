"""A simulated source without noise, and its marginal likelihood, for tests of extrinsic points."""

from functools import cache

import numpy as np

from chirpleaf.inference.certify.adaptation import adapt_marginal_likelihood
from chirpleaf.inference.certify.extrinsics import DetectorNetwork
from chirpleaf.inference.certify.heterodyne import Heterodyne
from chirpleaf.inference.certify.likelihood_settings import DistanceSettings, HeterodyneSettings, TableSettings
from chirpleaf.inference.certify.marginal import MarginalLikelihood
from chirpleaf.inference.certify.phase import BesselIntegral
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.physics.signals import Quadrupole
from chirpleaf.strain.segment import Segment

SIGNAL, TABLES = Quadrupole(), TableSettings()
GPS, DURATION = 1126259462.4, 4.0
FREQUENCIES = np.arange(20 * 4, 600 * 4) / DURATION
TIME_PRIOR = (-0.006, 0.007)
PRIOR = PowerLaw(2.0, 100.0, 3000.0)
SOURCE = {"ra": 2.2, "dec": -0.9, "psi": 0.6, "theta_jn": 2.4, "phase": 0.9, "time": 0.0017}
INTRINSIC = {"chirp_mass": 28.0, "mass_ratio": 0.8, "chi_1": 0.1, "chi_2": -0.1}
NETWORKS = [("H1",), ("H1", "L1"), ("H1", "L1", "V1")]


def binaries(n: int) -> dict[str, np.ndarray]:
    """The source, and others about it, each of shape (n,)."""
    rng = np.random.default_rng(2)
    widths = (0.7, 0.08, 0.1, 0.1)
    values = zip(INTRINSIC.items(), widths, strict=True)
    return {name: value + width * np.append(0.0, rng.standard_normal(n - 1)) for (name, value), width in values}


def seen(names: tuple[str, ...], ra: np.ndarray, dec: np.ndarray, psi: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """R_d, shape (detector, ...), written out."""
    responses = []
    for name in names:
        fp, fc = detector(name).antenna_pattern(ra, dec, psi, gmst(GPS))
        responses.append(fp * (1 + cosine**2) / 2 - 1j * fc * cosine)
    return np.stack(responses)


@cache
def segment(names: tuple[str, ...], snr: float, theta_jn: float = SOURCE["theta_jn"]) -> Segment:
    """A signal without noise, of a signal-to-noise that its distance makes."""
    shape = (FREQUENCIES / 40) ** -6 + 1 + (FREQUENCIES / 250) ** 2
    psd = np.stack([1e-46 * scale * shape for scale in (1.0, 1.3, 2.5)[: len(names)]])
    wave = SIGNAL.series(binaries(1), FREQUENCIES)[:, 0]
    response = seen(names, *(np.array(SOURCE[name]) for name in ("ra", "dec", "psi")), np.cos(theta_jn))
    signal = response[:, None] * wave * np.exp(2j * SOURCE["phase"])
    signal *= np.exp(-2j * np.pi * np.outer(arrivals(names), FREQUENCIES))
    signal *= snr / np.sqrt(4 / DURATION * np.sum(np.abs(signal) ** 2 / psd))
    return Segment(names, signal, psd, FREQUENCIES, DURATION, GPS)


def arrivals(names: tuple[str, ...]) -> np.ndarray:
    delays = [detector(name).time_delay(SOURCE["ra"], SOURCE["dec"], gmst(GPS)) for name in names]
    return SOURCE["time"] + np.array(delays)


@cache
def heterodyne(names: tuple[str, ...], snr: float, theta_jn: float = SOURCE["theta_jn"]) -> Heterodyne:
    data, settings = segment(names, snr, theta_jn), HeterodyneSettings(dephasing=0.15)
    return Heterodyne.from_reference(data, binaries(1), arrivals(names), SIGNAL, settings, reach=0.012)


def aligned(
    names: tuple[str, ...], snr: float, n: int, theta_jn: float = SOURCE["theta_jn"]
) -> tuple[np.ndarray, np.ndarray]:
    """Ratios of the binaries moved to where they fit best, and by how much they were delayed (s)."""
    fast = heterodyne(names, snr, theta_jn)
    return fast.align(fast.compute_ratios(binaries(n)))


@cache
def adapted(
    names: tuple[str, ...],
    snr: float,
    seed: int = 0,
    theta_jn: float = SOURCE["theta_jn"],
    settings: TableSettings = TABLES,
) -> MarginalLikelihood:
    fast = heterodyne(names, snr, theta_jn)
    return adapt_marginal_likelihood(
        fast,
        BesselIntegral.tabulate(PRIOR, 1.15 * snr + 4, DistanceSettings()),
        DetectorNetwork(tuple(detector(name) for name in names), float(gmst(GPS))),
        aligned(names, snr, 16, theta_jn)[0],
        TIME_PRIOR,
        settings,
        seed=seed,
    )
