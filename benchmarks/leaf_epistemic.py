"""Epistemic uncertainty of Bayesian leaves: outside the training range, and against the number of training waveforms.

    OMP_NUM_THREADS=1 python benchmarks/leaf_epistemic.py --model masses-bayesian --picture docs/images/epistemic.png
    OMP_NUM_THREADS=1 python benchmarks/leaf_epistemic.py --sizes 1000 10000 100000 --batches 10000 --out out/epistemic

The first command evaluates a shipped model on simulated events in bins of total mass, up to twice the largest of its
training, at network signal-to-noise ratios of 20-30. The second trains the model's preset on different numbers of
waveforms and evaluates it on the same events of the training range. Prints for each leaf the median epistemic standard
deviation, in units of the scaled target.
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
from chirpleaf.diagnostics.injections import inject, training_noise
from chirpleaf.inference.leaves import WEIGHTS
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.models import Model, load_model
from chirpleaf.physics.prior_kinds import PriorDistribution
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.plots.errors import plot_errors
from chirpleaf.training.recipe import train

LOGGER = logging.getLogger("leaf_epistemic")
SNR_RANGE = (20.0, 30.0)
TOTAL_MASSES = (40.0, 80.0, 120.0, 160.0, 200.0, 250.0, 300.0, 350.0, 400.0)
GREATEST = 200.0
"""Largest component mass in solar masses; that of the training of the shipped models is 100."""


def measure_widths(
    model: Model, prior: PriorDistribution, total_masses: tuple[float, float], events: int
) -> dict[str, float]:
    """Measure the median epistemic standard deviation of each leaf for a range of total masses (solar masses)."""
    found: list[list[float]] = []
    index = 0
    while len(found) < events:
        rng = np.random.default_rng([7, index])
        injection = inject(model, training_noise(model), rng, snr_range=SNR_RANGE, prior=prior)
        index += 1
        if not total_masses[0] <= injection.truth["mass_1"] + injection.truth["mass_2"] < total_masses[1]:
            continue
        observation = refine_reference_time(model, injection.segment)
        generator = torch.Generator().manual_seed(index)
        predictive = model.leaves.predictive(observation.canonical, WEIGHTS, generator)
        found.append([float(one.epistemic) for one in predictive.values()])
    return dict(zip(model.leaves.targets.names, np.median(found, axis=0).tolist(), strict=True))


def evaluate_by_total_mass(model: Model, events: int, picture: Path | None) -> None:
    """Print and plot the epistemic standard deviation by total mass."""
    own = model.architecture.prior
    assert isinstance(own, IntrinsicPrior)
    prior = replace(own, mass_max=GREATEST)
    bins = [f"{low:g}-{high:g}" for low, high in pairwise(TOTAL_MASSES)]
    rows = [measure_widths(model, prior, limits, events) for limits in pairwise(TOTAL_MASSES)]
    table = {name: [row[name] for row in rows] for name in rows[0]}
    LOGGER.info(f"| total mass | {' | '.join(bins)} |\n|---|{'---|' * len(bins)}")
    for name, values in table.items():
        LOGGER.info(f"| {name} | {' | '.join(f'{value:.4f}' for value in values)} |")
    if picture:
        figure = plot_errors(
            bins,
            table,
            group_label="total mass [solar masses], trained up to 200",
            error_label="epistemic standard deviation",
        )
        figure.savefig(picture, dpi=110)


def evaluate_by_size(sizes: list[int], batches: int, events: int, out: Path) -> None:
    """Train on each number of waveforms and print the epistemic standard deviation."""
    presets = Path(str(resources.files("chirpleaf.training"))) / "presets"
    preset = read_preset(presets / "masses-bayesian.yaml")
    architecture = preset.architecture()
    schedule = replace(preset.schedule, epochs=10, batches=batches // 10)
    LOGGER.info("| waveforms | epistemic standard deviation of mass_1 | of mass_2 |\n|---|---|---|")
    for size in sizes:
        folder = out / str(size)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "history.csv").unlink(missing_ok=True)
        simulation = replace(preset.simulation, waveforms=size, fresh=0, spectra=1024, validation_batches=8)
        model = train(f"bayesian-{size}", architecture, simulation, schedule, out=folder, seed=preset.seed, cores=1)
        found = measure_widths(model, architecture.prior, (24.0, 200.0), events)
        LOGGER.info(f"| {size:,} | {found['mass_1']:.4f} | {found['mass_2']:.4f} |")


def main() -> None:
    """Run the evaluation by total mass, or by number of waveforms if `--sizes` is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="masses-bayesian")
    parser.add_argument("--events", type=int, default=200, help="events per bin, or per training")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+")
    parser.add_argument("--batches", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("out/epistemic"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.sizes:
        evaluate_by_size(arguments.sizes, arguments.batches, arguments.events, arguments.out)
    else:
        evaluate_by_total_mass(load_model(arguments.model), arguments.events, arguments.picture)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
