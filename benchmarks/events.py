"""Comparison of the shipped model with reference and published posteriors of real events.

    python benchmarks/events.py --reference GW150914.csv --picture docs/images/GW150914.png

The reference is a table of samples with bilby's parameter names (importance sampling with bilby's likelihood and
priors, IMRPhenomD). Three posteriors are compared with it: that of the network alone; the certified one under the prior
of the reference; and the same from the segment, window and spectrum of the reference, with its waveform
(docs/published-analyses.md). Prints, for each parameter, both medians and 90 % intervals, whether the intervals
overlap, the difference of the medians in standard deviations of the reference, and the Jensen-Shannon divergence. For
GW170814, prints the detector-frame chirp mass and the published source-frame chirp mass times one plus the published
redshift.
"""

import argparse
import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

import chirpleaf
from chirpleaf.diagnostics.comparison import jensen_shannon
from chirpleaf.inference.options import DataOptions
from chirpleaf.plots.corner import plot_corner
from chirpleaf.strain.conditioning import Conditioning
from chirpleaf.strain.noise_spectrum import SpectrumSettings

LOGGER = logging.getLogger("events")
COMPARED = ("chirp_mass", "mass_ratio", "mass_1", "mass_2", "chi_eff", "final_mass", "final_spin")
DRAWN = ("chirp_mass", "mass_ratio", "chi_eff", "final_mass", "final_spin")
PUBLISHED_GW170814 = {"chirp_mass_source": (24.1, 1.4, 1.1), "redshift": (0.12, 0.03, 0.04)}
"""Median, upper and lower error of GWTC-1 (arXiv:1811.12907)."""
STANDARD = DataOptions(
    duration=4.0,
    f_min=20.0,
    f_max=1024.0,
    conditioning=Conditioning(high_pass=None, roll_off=0.2),
    spectrum=SpectrumSettings(method="median", length=32.0),
)
"""Segment, window and spectrum of the reference."""


def read_samples(path: Path) -> dict[str, np.ndarray]:
    """Read a table of samples; its `final_mass_det` is chirpleaf's `final_mass`."""
    table = np.genfromtxt(path, delimiter=",", names=True)
    samples = {name: table[name] for name in table.dtype.names or ()}
    samples["final_mass"] = samples.pop("final_mass_det")
    return samples


def compute_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Compute the 5 %, 50 % and 95 % quantiles."""
    low, median, high = np.quantile(values, (0.05, 0.5, 0.95))
    return float(low), float(median), float(high)


def print_comparison(reference: dict[str, np.ndarray], samples: Mapping[str, np.ndarray]) -> None:
    """Print a row for each parameter."""
    LOGGER.info("| parameter | chirpleaf | reference | overlap | difference of medians | JS divergence |")
    LOGGER.info("|---|---|---|---|---|---|")
    for name in COMPARED:
        low, median, high = compute_interval(samples[name])
        other_low, other, other_high = compute_interval(reference[name])
        apart = (median - other) / reference[name].std()
        overlap = "yes" if low <= other_high and other_low <= high else "NO"
        divergence = jensen_shannon(samples[name], reference[name])
        LOGGER.info(
            f"| {name} | {median:.3f} ({low:.3f}, {high:.3f}) | {other:.3f} ({other_low:.3f}, {other_high:.3f}) "
            f"| {overlap} | {apart:+.2f} sigma | {divergence:.4f} |"
        )


def main() -> None:
    """Analyse both events."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--model")
    arguments = parser.parse_args()
    reference = read_samples(arguments.reference)
    analyse = partial(chirpleaf.infer, "GW150914", model=arguments.model, samples=20_000, seed=1)
    found = {
        "network alone": analyse(certify=False),
        "certified": analyse(prior="standard"),
        "certified, data and waveform of the reference": analyse(
            prior="standard", options=STANDARD, approximant="IMRPhenomD"
        ),
    }
    for title, posterior in found.items():
        LOGGER.info(f"GW150914, {title}, model {posterior.provenance.model}, SNR {posterior.trust.network_snr:.1f}")
        print_comparison(reference, posterior.samples)
    if arguments.picture:
        drawn = found["certified, data and waveform of the reference"].samples
        plot_corner(drawn, DRAWN, references={"bilby": reference}).savefig(arguments.picture, dpi=110)
    posterior = chirpleaf.infer("GW170814", model=arguments.model, samples=20_000, seed=1, certify=False)
    low, median, high = compute_interval(posterior.samples["chirp_mass"])
    (mass, mass_up, mass_down), (z, z_up, z_down) = PUBLISHED_GW170814.values()
    published = mass * (1 + z)
    up, down = (
        published * np.hypot(mass_up / mass, z_up / (1 + z)),
        published * np.hypot(mass_down / mass, z_down / (1 + z)),
    )
    LOGGER.info(f"GW170814, model {posterior.provenance.model}, network SNR {posterior.trust.network_snr:.1f}")
    LOGGER.info(f"chirp_mass {median:.2f} ({low:.2f}, {high:.2f}); published {published:.2f} (+{up:.2f}, -{down:.2f})")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
