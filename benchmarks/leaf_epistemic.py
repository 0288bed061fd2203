"""What Bayesian leaves do not know: outside of what they were trained on, and with how much they were trained on.

    OMP_NUM_THREADS=1 python benchmarks/leaf_epistemic.py --model masses-bayesian --picture docs/images/epistemic.png
    OMP_NUM_THREADS=1 python benchmarks/leaf_epistemic.py --sizes 1000 10000 100000 --batches 10000 --out out/epistemic

The first asks a shipped model about simulated events by total mass, up to twice the greatest it was trained on, at
network signal-to-noise 20-30. The second trains the model's preset on so many waveforms, all else alike, and asks about
the same events of the training range. Widths are medians of the standard deviations that the weights cause, in units of
the scaled target, for each leaf.
"""

import argparse
import logging
from dataclasses import replace
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from chirpleaf.config import read_preset
from chirpleaf.diagnostics.injections import inject
from chirpleaf.inference.leaves import WEIGHTS
from chirpleaf.inference.observe import refine
from chirpleaf.models import Model, load_model
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.plots.errors import plot_errors
from chirpleaf.strain.measured import DrawnSpectra
from chirpleaf.training.recipe import train

LOGGER = logging.getLogger("leaf_epistemic")
SNR_RANGE = (20.0, 30.0)
TOTAL_MASSES = (40.0, 80.0, 120.0, 160.0, 200.0, 250.0, 300.0, 350.0, 400.0)
GREATEST = 200.0
"""Component masses up to this, where the shipped models have seen 100 solar masses."""


def widths(model: Model, prior: IntrinsicPrior, total_masses: tuple[float, float], events: int) -> dict[str, float]:
    """Median width by leaf of events of a prior whose total mass lies in a range, solar masses."""
    found = []
    index = 0
    while len(found) < events:
        rng = np.random.default_rng([7, index])
        injection = inject(model, DrawnSpectra(), rng, snr_range=SNR_RANGE, prior=prior)
        index += 1
        if not total_masses[0] <= injection.truth["mass_1"] + injection.truth["mass_2"] < total_masses[1]:
            continue
        observation = refine(model, injection.segment)
        generator = torch.Generator().manual_seed(index)
        predictive = model.leaves.predictive(observation.canonical, WEIGHTS, generator)
        found.append([float(one.epistemic) for one in predictive.values()])
    return dict(zip(model.leaves.targets.names, np.median(found, axis=0).tolist(), strict=True))


def by_total_mass(model: Model, events: int, picture: Path | None) -> None:
    """Prints and draws the widths by total mass."""
    prior = replace(model.architecture.prior, mass_max=GREATEST)
    bins = [f"{low:g}-{high:g}" for low, high in pairwise(TOTAL_MASSES)]
    rows = [widths(model, prior, limits, events) for limits in pairwise(TOTAL_MASSES)]
    table = {name: [row[name] for row in rows] for name in rows[0]}
    LOGGER.info(f"| total mass | {' | '.join(bins)} |\n|---|{'---|' * len(bins)}")
    for name, values in table.items():
        LOGGER.info(f"| {name} | {' | '.join(f'{value:.4f}' for value in values)} |")
    if picture:
        labels = {"group_label": "total mass [solar masses], trained up to 200", "error_label": "epistemic width"}
        plot_errors(bins, table, **labels).savefig(picture, dpi=110)


def by_size(sizes: list[int], batches: int, events: int, out: Path) -> None:
    """Trains with so many waveforms and prints the widths."""
    presets = Path(str(resources.files("chirpleaf.training"))) / "presets"
    preset = read_preset(presets / "masses-bayesian.yaml")
    architecture = preset.architecture()
    schedule = replace(preset.schedule, epochs=10, batches=batches // 10)
    LOGGER.info("| waveforms | epistemic width of mass_1 | of mass_2 |\n|---|---|---|")
    for size in sizes:
        folder = out / str(size)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "history.csv").unlink(missing_ok=True)
        simulation = replace(preset.simulation, waveforms=size, fresh=0, spectra=1024, validation_batches=8)
        model = train(f"bayesian-{size}", architecture, simulation, schedule, out=folder, seed=preset.seed, cores=1)
        found = widths(model, architecture.prior, (24.0, 200.0), events)
        LOGGER.info(f"| {size:,} | {found['mass_1']:.4f} | {found['mass_2']:.4f} |")


def main() -> None:
    """One of the two, by what is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="masses-bayesian")
    parser.add_argument("--events", type=int, default=200, help="in each bin, or of each training")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+")
    parser.add_argument("--batches", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("out/epistemic"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.sizes:
        by_size(arguments.sizes, arguments.batches, arguments.events, arguments.out)
    else:
        by_total_mass(load_model(arguments.model), arguments.events, arguments.picture)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
