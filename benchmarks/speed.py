"""Speed of waveforms, of simulation and training, and of inference from strain to posterior, on one thread.

    OMP_NUM_THREADS=1 python benchmarks/speed.py

Prints medians over repetitions. Time `chirpleaf infer GW150914 --no-certify` as a whole process separately, with

    /usr/bin/time -v chirpleaf infer GW150914 --no-certify --out /tmp/GW150914 --overwrite
"""

import logging
import statistics
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import Path

import lal
import lalsimulation
import numpy as np
import torch

import chirpleaf
from chirpleaf.config import read_preset
from chirpleaf.inference.amortised import sample_intrinsic, sample_posterior
from chirpleaf.inference.observe import observe
from chirpleaf.models import load_model
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.derived import derived
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.result import Posterior
from chirpleaf.strain import events, load_event, welch
from chirpleaf.training.batch import Batch
from chirpleaf.training.data import build_simulator
from chirpleaf.training.engine import TrainingModule
from chirpleaf.training.objectives import LogScore

LOGGER = logging.getLogger("speed")
PRESETS = Path(str(resources.files("chirpleaf.training"))) / "presets"
TRIGGER = events()["GW150914"].trigger_time


def median_seconds(work: Callable[[], object], repetitions: int = 15) -> float:
    """Measure the median duration of a call in s, without the first call."""
    work()
    durations = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def time_waveforms(n: int = 500) -> None:
    """Time IMRPhenomXAS on the project's grids and on LALSimulation's uniform grid for 4 s."""
    binaries = IntrinsicPrior(chirp_mass_min=15.0).sample(n, np.random.default_rng(1))
    mass_1, mass_2 = component_masses(binaries["chirp_mass"], binaries["mass_ratio"])
    table = {"mass_1": mass_1, "mass_2": mass_2, "chi_1": binaries["chi_1"], "chi_2": binaries["chi_2"]}
    table |= {"luminosity_distance": 400.0, "theta_jn": 0.3, "phase": 0.1}

    def uniform() -> None:
        for heavy, light, chi_1, chi_2 in zip(mass_1, mass_2, binaries["chi_1"], binaries["chi_2"], strict=True):
            lalsimulation.SimInspiralChooseFDWaveform(
                heavy * lal.MSUN_SI, light * lal.MSUN_SI, 0.0, 0.0, chi_1, 0.0, 0.0, chi_2, 4e8 * lal.PC_SI,
                0.3, 0.1, 0.0, 0.0, 0.0, 0.25, 20.0, 1024.0, 20.0, None, lalsimulation.IMRPhenomXAS,
            )  # fmt: skip

    for preset in ("bbh", "bbh-long"):
        grid = read_preset(PRESETS / f"{preset}.yaml").architecture().grid
        seconds = median_seconds(partial(polarizations, table, grid.frequencies), 5)
        LOGGER.info(f"IMRPhenomXAS on the {grid.n_bins} bins of {preset}: {n / seconds:,.0f} waveforms/s")
    LOGGER.info(
        f"IMRPhenomXAS, uniform 4 s grid to 1024 Hz, lalsimulation: {n / median_seconds(uniform, 5):,.0f} waveforms/s"
    )


def time_training(preset: str) -> None:
    """Measure the samples per second of simulation and training on one thread."""
    settings = read_preset(PRESETS / f"{preset}.yaml")
    architecture, simulation = settings.architecture(), settings.simulation
    estimator = architecture.build()
    estimator.use_bfloat16(True)
    simulator = build_simulator(architecture, estimator, replace(simulation, waveforms=8192, spectra=256), seed=0)
    trainer = TrainingModule(estimator.network, settings.schedule, LogScore())
    optimizer = trainer.configure_optimizers()["optimizer"]
    counter = iter(range(1_000_000))
    batch = simulator.batch(next(counter))

    def step(examples: Batch | None = None) -> None:
        optimizer.zero_grad()
        trainer.objective.loss(estimator.network, examples or batch).backward()
        optimizer.step()

    both = median_seconds(lambda: step(simulator.batch(next(counter))))
    only_simulate = median_seconds(lambda: simulator.batch(next(counter)))
    size = simulation.batch_size
    LOGGER.info(
        f"{preset}: simulated and trained {size / both:,.0f} samples/s; simulated only {size / only_simulate:,.0f}"
    )


def time_inference(samples: int = 10_000) -> None:
    """Time inference from strain in memory to samples with densities, and its parts."""
    model = load_model("bbh")
    strain = load_event("GW150914")
    psd = {name: welch(series) for name, series in strain.items()}
    observation = observe(model, strain, psd, TRIGGER)
    intrinsic, _ = sample_intrinsic(observation, samples, seed=1)
    density = model.posterior.density
    features = density.encoder(observation.canonical.tokens)

    def everything() -> None:
        densities = {name: welch(series) for name, series in strain.items()}
        sample_posterior(observe(model, strain, densities, TRIGGER), samples, seed=1)

    with torch.no_grad():
        context = median_seconds(lambda: density.root(features), 50)
        short, rounded = deepcopy(density.root).bfloat16(), features.bfloat16()
        in_bfloat16 = median_seconds(lambda: short(rounded), 50)
    parts = {
        "embedded event into memory": median_seconds(lambda: load_event("GW150914")),
        f"strain in memory to {samples} samples with densities and remnant": median_seconds(everything),
        "power spectral densities": median_seconds(lambda: {name: welch(series) for name, series in strain.items()}),
        "segment, trigger, canonical input": median_seconds(lambda: observe(model, strain, psd, TRIGGER)),
        "canonical input to context (network)": context,
        "the same with weights in bfloat16": in_bfloat16,
        f"remnants of {samples} binaries": median_seconds(lambda: derived(intrinsic)),
        f"{samples} samples with densities and derived parameters": median_seconds(
            lambda: sample_posterior(observation, samples, 1)
        ),
    }
    for part, seconds in parts.items():
        LOGGER.info(f"{part}: {1e3 * seconds:.2f} ms")


def time_certification(effective_samples: int = 5000, repetitions: int = 4) -> None:
    """Time certification of the embedded event, including extrinsic parameters and sky map, without the first call."""
    for seed in range(-1, repetitions):
        posterior = chirpleaf.infer("GW150914", samples=2048, effective_samples=effective_samples, seed=seed + 1)
        assert isinstance(posterior, Posterior)
        certificate, seconds = posterior.certificate, posterior.timing["total_s"]
        assert certificate is not None
        if seed >= 0:
            LOGGER.info(
                f"GW150914 certified: {certificate.effective_samples:.0f} effective samples "
                f"of {certificate.draws} draws, {seconds:.2f} s"
            )


def main() -> None:
    """Run all benchmarks."""
    torch.set_num_threads(1)
    time_waveforms()
    time_inference()
    time_certification()
    for preset in ("bbh", "bbh-long"):
        time_training(preset)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
