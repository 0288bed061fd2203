"""One network over the whole prior compared with two for light and heavy binaries, at equal training time.

    OMP_NUM_THREADS=1 python benchmarks/one_or_two.py --minutes 10 --out out/one-or-two

The single network trains for all the minutes, each of the two for half of them, with Muon and a cosine schedule of that
length. The two have the shipped presets. The single one has the preset for light binaries with all chirp masses, and is
trained once more with the first coordinate of the preset for heavy binaries. All are evaluated on the same binaries, in
two ranges of chirp mass: a larger mean of ln q at the true parameters, in nats, is better.
"""

import argparse
import logging
import time
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import torch

from chirpleaf.config import Preset, read_preset
from chirpleaf.models import Model
from chirpleaf.models.architecture import Architecture
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.training.banks.bank import build_waveform_bank
from chirpleaf.training.banks.proposal import StratifiedProposal
from chirpleaf.training.data import build_simulator, waveform_source
from chirpleaf.training.objectives import LogScore
from chirpleaf.training.optimizers import make_optimizer
from chirpleaf.training.parallel.threads import bfloat16_pays
from chirpleaf.training.progress import read_history
from chirpleaf.training.recipe import train
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation

LOGGER = logging.getLogger("one_or_two")
PRESETS = Path(str(resources.files("chirpleaf.training"))) / "presets"
BATCHES = 100
ASKED = 8192
MUON = 5e-3
"""Learning rate of Muon for the matrices inside residual blocks, the same for all networks."""


def measure_batch_time(
    architecture: Architecture, simulation: Simulation, schedule: Schedule, repeats: int = 10
) -> float:
    """Measure the time per batch when simulation and training share two cores, in s."""
    estimator = architecture.build()
    estimator.use_bfloat16(bfloat16_pays())
    simulator = build_simulator(architecture, estimator, replace(simulation, waveforms=2000, spectra=64), seed=1)
    steps, objective = make_optimizer(estimator.network, schedule), LogScore()
    start = time.perf_counter()
    for index in range(repeats):
        objective.loss(estimator.network, simulator.batch(index)).backward()
        steps.step()
    return (time.perf_counter() - start) / repeats / 2


def train_network(name: str, preset: Preset, architecture: Architecture, minutes: float, out: Path) -> Model:
    """Train a model for a number of minutes on two cores."""
    simulation = Simulation(waveforms=200_000, spectra=2048, validation_batches=4)
    schedule = Schedule(
        batches=BATCHES,
        learning_rate=preset.schedule.learning_rate,
        muon=MUON,
        warmup=BATCHES,
        clip=preset.schedule.clip,
        ema_decay=0.99,
    )
    a_batch = measure_batch_time(architecture, simulation, schedule)
    schedule = replace(schedule, epochs=max(round(minutes * 60 / a_batch / BATCHES), 1))
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "history.csv").unlink(missing_ok=True)
    model = train(name, architecture, simulation, schedule, out=folder, seed=preset.seed, cores=2)
    last = read_history(folder / "history.csv")[-1]
    LOGGER.info(f"{name}: {int(last['step'])} batches in {last['minutes']:.1f} minutes")
    return model


@torch.no_grad()
def evaluate_log_density(model: Model, prior: IntrinsicPrior) -> np.ndarray:
    """Evaluate ln q at the true parameters of binaries uniform in ln(chirp mass), shape (ASKED,), in nats."""
    architecture, estimator = model.architecture, model.posterior
    base = build_simulator(architecture, estimator, Simulation(waveforms=64, spectra=1024), seed=9)
    proposal = StratifiedProposal(prior)
    source = replace(waveform_source(architecture, seed=9), proposal=proposal)
    bank = build_waveform_bank(source, ASKED)
    simulator = replace(base, bank=bank, proposal=proposal)
    found = []
    for index, rows in enumerate(torch.arange(ASKED).split(512)):
        generator = torch.Generator().manual_seed(index)
        noise_rows = simulator.noise.sample_rows(len(rows), generator)
        weights, series = simulator.noise.weights_at(noise_rows), torch.view_as_complex(bank.series[rows].float())
        signal = simulator.simulate_signal(series, weights, np.random.default_rng(index), generator)
        data = signal + simulator.noise.sample_noise(noise_rows, generator)
        found.append(estimator.log_prob(bank.theta[rows], estimator.preprocess(data, weights)))
    return torch.cat(found).numpy()


def main() -> None:
    """Train and evaluate the networks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    light, heavy = (read_preset(PRESETS / f"{name}.yaml") for name in ("bbh-long", "bbh"))
    whole = replace(light.architecture(), prior=IntrinsicPrior())
    one = {
        f"one, along the {along.replace('_', ' ')}": train_network(
            f"one-{along}", light, replace(whole, along=along), arguments.minutes, arguments.out
        )
        for along in ("phase", "chirp_mass")
    }
    two = {
        "light": train_network("light", light, light.architecture(), arguments.minutes / 2, arguments.out),
        "heavy": train_network("heavy", heavy, heavy.architecture(), arguments.minutes / 2, arguments.out),
    }
    ranges = {"light": IntrinsicPrior(chirp_mass_max=12.0), "heavy": IntrinsicPrior(chirp_mass_min=16.0)}
    LOGGER.info("| chirp mass | network | ln q at the truth | difference from the two |\n|---|---|---|---|")
    for name, prior in ranges.items():
        part = evaluate_log_density(two[name], prior)
        low, high = prior.chirp_mass_range
        LOGGER.info(f"| {low:.0f}-{high:.0f} | two | {part.mean():.2f} | |")
        for label, model in one.items():
            single = evaluate_log_density(model, prior)
            gain = part - single
            error = gain.std() / len(gain) ** 0.5
            LOGGER.info(f"| {low:.0f}-{high:.0f} | {label} | {single.mean():.2f} | {gain.mean():+.2f} +- {error:.2f} |")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
