"""Loss of signal-to-noise ratio in the template search of the canonical input, and its number of operations.

    python benchmarks/search.py

The data are templates of the bank on the multiband bins without noise, at several arrival times. The search recovers
less than the full signal-to-noise ratio because of bands, discrete arrival times and factorised filters. Variants: the
shipped presets, and the preset for light binaries with anchors shared by the spins and with narrower bands.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import torch

from chirpleaf.config import read_preset
from chirpleaf.models.architecture import Architecture
from chirpleaf.physics.signals import make_signal_model
from chirpleaf.representation.canonical import CanonicalInput
from chirpleaf.training.banks.source import unit_series

LOGGER = logging.getLogger("search")
PRESETS = Path(str(resources.files("chirpleaf.training"))) / "presets"
ARRIVALS = (-0.0101, -0.0047, 0.0, 0.0033, 0.0089)
MASS_RATIO = 0.7


def measure_loss(canonical: CanonicalInput, approximant: str, arrival: float) -> np.ndarray:
    """Measure the fraction of the signal-to-noise ratio of each template that the search loses."""
    bank, grid = canonical.bank, canonical.grid
    chirp_mass, spin = bank.chirp_mass.ravel(), bank.chi_eff.ravel()
    binaries = {
        "chirp_mass": chirp_mass, "mass_ratio": np.full_like(spin, MASS_RATIO), "chi_1": spin, "chi_2": spin
    }  # fmt: skip
    series = unit_series(binaries, make_signal_model(approximant), grid, canonical.reference_weights)
    waves = series[:, 0].astype(np.float32)
    shift = np.exp(-2j * np.pi * arrival * grid.frequencies)
    data = torch.from_numpy((waves[..., 0] + 1j * waves[..., 1]) * shift).to(torch.complex64)[:, None]
    found = canonical(20 * data, torch.ones(data.shape))
    return np.asarray(1 - found.snr[:, 0].numpy() / 20)


def make_variants() -> Iterator[tuple[str, Architecture]]:
    """Make the shipped presets, and alternatives to the one for light binaries."""
    light = read_preset(PRESETS / "bbh-long.yaml").architecture()
    yield "bbh", read_preset(PRESETS / "bbh.yaml").architecture()
    yield "bbh-long", light
    yield "bbh-long, anchors shared", replace(light, templates=replace(light.templates, spins_share_anchor=True))
    yield (
        "bbh-long, anchors shared, bands of 8 bins",
        replace(light, fold=8, templates=replace(light.templates, spins_share_anchor=True)),
    )


def main() -> None:
    """Print a row for each variant."""
    torch.set_num_threads(1)
    LOGGER.info("| search | templates | bands | combinations | factors | loss, median | 90 % | maximum |")
    for name, architecture in make_variants():
        canonical = CanonicalInput(
            architecture.grid, architecture.build().canonical.bank, architecture.reference_weights(), n_detectors=1
        )
        share = np.concatenate([measure_loss(canonical, architecture.approximant, arrival) for arrival in ARRIVALS])
        middle, high, worst = np.quantile(share, (0.5, 0.9, 1.0))
        per_group = canonical.bank.chirp_mass.shape[1] * len(canonical.times)
        LOGGER.info(
            f"| {name} | {canonical.bank.n_templates} | {canonical.n_bands} | {per_group} | "
            f"{canonical.filters.shape[1] // 2} | {100 * middle:.2f} % | {100 * high:.2f} % | {100 * worst:.2f} % |"
        )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
