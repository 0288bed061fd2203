"""Error of the heterodyned likelihood of precessing binaries, by chirp mass and spacing of the nodes.

    python benchmarks/precessing_nodes.py

For each chirp mass, strongly precessing binaries about a source (chi_p 0.7, mass ratio 0.3) are compared with a signal
without noise in H1 and L1 (20-1024 Hz): ln L by the overlaps on the nodes less ln L on every frequency, at the sky
position, orientation, phase and distance of the source, over binaries within 60 nats of the greatest ln L and over all.
"""

import logging
from typing import NamedTuple

import numpy as np
import torch

from chirpleaf.inference.certify.extrinsics import DetectorNetwork, Places
from chirpleaf.inference.certify.heterodyne import Heterodyne
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio, project_signals
from chirpleaf.inference.certify.likelihood_settings import HeterodyneSettings
from chirpleaf.inference.certify.marginal import combine_overlaps
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.physics.signals import Multimode
from chirpleaf.strain.segment import Segment

LOGGER = logging.getLogger("precessing_nodes")
SIGNAL, GPS, N = Multimode(), 1126259462.4, 120
PLACE = {"ra": 2.2, "dec": -0.9, "theta_jn": 0.0, "psi": 0.6, "phase": 0.9}
TIME = 0.0017
SOURCE = {
    **{"mass_ratio": 0.3, "chi_1": 0.2, "chi_2": 0.0, "cos_iota": 0.3},
    **{"chi_1_in_plane": 0.7, "azimuth_1": 1.0, "chi_2_in_plane": 0.3, "azimuth_2": 2.0},
}
SPREAD = dict(zip(SOURCE, (0.08, 0.08, 0.2, 0.15, 0.12, 0.4, 0.2, 1.0), strict=True))
LIMITS = {
    **{"mass_ratio": (0.12, 1.0), "chi_1": (-0.4, 0.4), "chi_2": (-0.5, 0.5), "cos_iota": (-1.0, 1.0)},
    **{"chi_1_in_plane": (0.0, 0.9), "chi_2_in_plane": (0.0, 0.8)},
}


class Case(NamedTuple):
    """A source and its segment: chirp mass (solar masses), length (s), signal-to-noise ratio."""

    chirp_mass: float
    duration: int
    snr: float


CASES = (Case(60.0, 4, 40.0), Case(30.0, 4, 20.0), Case(12.0, 8, 20.0), Case(6.0, 16, 20.0))


def draw_binaries(chirp_mass: float) -> dict[str, np.ndarray]:
    """The source, and others about it."""
    rng = np.random.default_rng(0)
    found = {"chirp_mass": chirp_mass * (1 + 0.02 * (chirp_mass / 30) ** (5 / 3) * rng.standard_normal(N))}
    for name, value in SOURCE.items():
        found[name] = np.clip(value + SPREAD[name] * rng.standard_normal(N), *LIMITS.get(name, (-np.inf, np.inf)))
    for name, value in {"chirp_mass": chirp_mass, **SOURCE}.items():
        found[name][0] = value
    return found


def measure(case: Case, dephasing: float) -> str:
    """A row of the table."""
    binaries = draw_binaries(case.chirp_mass)
    frequencies = np.arange(20 * case.duration, 1024 * case.duration) / case.duration
    shape = (frequencies / 40) ** -6 + 1 + (frequencies / 250) ** 2
    blank = Segment(
        ("H1", "L1"), np.zeros((2, len(frequencies)), complex), np.stack([1e-46 * shape, 1.3e-46 * shape]),
        frequencies, float(case.duration), GPS,
    )  # fmt: skip
    place = {name: np.full(N, value) for name, value in PLACE.items()} | {"geocent_time": np.full(N, GPS + TIME)}
    samples = {**binaries, **place, "luminosity_distance": np.ones(N)}
    source = np.stack([one[0] for one in project_signals(blank, {k: v[:1] for k, v in samples.items()}, SIGNAL)])
    distance = np.sqrt(4 / case.duration * np.sum(np.abs(source) ** 2 / blank.psd)) / case.snr
    segment = Segment(blank.detectors, source / distance, blank.psd, frequencies, blank.duration, GPS)
    exact, _ = log_likelihood_ratio(segment, {**samples, "luminosity_distance": np.full(N, distance)}, SIGNAL)
    network = DetectorNetwork(tuple(detector(name) for name in segment.detectors), float(gmst(GPS)))
    places = Places(**{name: place[name] for name in ("ra", "dec", "theta_jn", "psi")}, time=np.full(N, TIME))
    response, arrivals = network.respond(places, SIGNAL)
    settings = HeterodyneSettings(dephasing=dephasing)
    others = {name: values[5:30] for name, values in binaries.items()}
    fast = Heterodyne.from_reference(segment, others, arrivals[0], SIGNAL, settings, reach=settings.timing_error)
    overlaps, _ = combine_overlaps(fast, fast.compute_ratios(binaries), response, arrivals)
    own = np.arange(N)
    error = overlaps.select(own, own).log_likelihood(place["phase"], np.full(N, distance)) - exact
    near = exact > exact.max() - 60
    return (
        f"| {case.chirp_mass:g} | {case.snr:g} | {dephasing:g} | {len(fast.frequencies)} | {error[near].std():.3f} "
        f"({np.abs(error[near]).max():.3f}), {near.sum()} | {error.std():.3f} ({np.abs(error).max():.3f}) |"
    )


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    LOGGER.info(
        "| chirp mass | SNR | dephasing | nodes | error within 60 nats (largest), binaries | of all (largest) |"
    )
    LOGGER.info("|---|---|---|---|---|---|")
    for case in CASES:
        for dephasing in (1.2, 0.6, 0.3):
            LOGGER.info(measure(case, dephasing))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
