"""What the canonical search loses of a template that is in its bank, and how many operations it takes.

    python benchmarks/search.py

Each template, as it is on the multiband bins and without noise, arrives at several times; what the search finds of its
signal-to-noise, less than all, is lost by bands, arrival times and factored filters. For the shipped presets, and for
that of light binaries with anchors shared by the spins and with narrower bands.
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
from chirpleaf.representation.canonical import CanonicalInput
from chirpleaf.training.banks.source import unit_waves

LOGGER = logging.getLogger("search")
PRESETS = Path(str(resources.files("chirpleaf.training"))) / "presets"
ARRIVALS = (-0.0101, -0.0047, 0.0, 0.0033, 0.0089)
MASS_RATIO = 0.7


def lost(canonical: CanonicalInput, approximant: str, arrival: float) -> np.ndarray:
    """Share of the signal-to-noise of each template that the search does not find."""
    bank, grid = canonical.bank, canonical.grid
    chirp_mass, spin = bank.chirp_mass.ravel(), bank.chi_eff.ravel()
    theta = np.stack([chirp_mass, np.full_like(spin, MASS_RATIO), spin, spin], axis=1)
    waves = unit_waves(theta, grid, canonical.reference_weights, approximant).astype(np.float32)
    shift = np.exp(-2j * np.pi * arrival * grid.frequencies)
    data = torch.from_numpy((waves[..., 0] + 1j * waves[..., 1]) * shift).to(torch.complex64)[:, None]
    found = canonical(20 * data, torch.ones(data.shape))
    return 1 - found.snr[:, 0].numpy() / 20


def variants() -> Iterator[tuple[str, Architecture]]:
    """The shipped presets, and what the one of light binaries was chosen over."""
    light = read_preset(PRESETS / "bbh-long.yaml").architecture()
    yield "bbh", read_preset(PRESETS / "bbh.yaml").architecture()
    yield "bbh-long", light
    yield "bbh-long, anchors shared", replace(light, templates=replace(light.templates, spins_share_anchor=True))
    yield (
        "bbh-long, anchors shared, bands of 8 bins",
        replace(light, fold=8, templates=replace(light.templates, spins_share_anchor=True)),
    )


def main() -> None:
    """Prints a row for each variant."""
    torch.set_num_threads(1)
    LOGGER.info("| search | templates | bands | combinations | factors | lost, median | 90 % | greatest |")
    for name, architecture in variants():
        canonical = CanonicalInput(
            architecture.grid, architecture.build().canonical.bank, architecture.reference_weights(), n_detectors=1
        )
        share = np.concatenate([lost(canonical, architecture.approximant, arrival) for arrival in ARRIVALS])
        middle, high, worst = np.quantile(share, (0.5, 0.9, 1.0))
        per_group = canonical.bank.chirp_mass.shape[1] * len(canonical.times)
        LOGGER.info(
            f"| {name} | {canonical.bank.n_templates} | {canonical.n_bands} | {per_group} | "
            f"{canonical.filters.shape[1] // 2} | {100 * middle:.2f} % | {100 * high:.2f} % | {100 * worst:.2f} % |"
        )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
