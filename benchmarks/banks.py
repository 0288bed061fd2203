"""Banks on disk: cost of a killed worker, and speed of reading (Linux).

    OMP_NUM_THREADS=1 python benchmarks/banks.py --out out/banks

Makes a bank with `chirpleaf bank` twice, killing one of the workers half-way in the second run, and compares the files
bit by bit. Then simulates batches from the memory-mapped file and from the same rows in memory.
"""

import argparse
import logging
import os
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import torch
import yaml

from chirpleaf.config import read_preset
from chirpleaf.training.banks.bank import WaveformBank
from chirpleaf.training.banks.file import BankFile
from chirpleaf.training.data import build_simulator, waveform_source
from chirpleaf.training.simulator import Simulator

LOGGER = logging.getLogger("banks")
PRESET = {
    "name": "banks",
    "seed": 11,
    "duration": 8,
    "prior": {"chirp_mass_min": 12},
    "templates": {"phase_step": 10, "ratio_step": 0.12, "spins_share_anchor": False},
}


def find_workers(parent: int) -> list[int]:
    """Find the worker processes of a process; each of its threads may have some."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def measure_progress(path: Path) -> float:
    """Measure the fraction of a file's pieces that is written."""
    try:
        with h5py.File(path, locking=False) as file:
            return float(file["sha256"][:].any(axis=1).mean())
    except (OSError, KeyError):
        return 0.0


def make_bank(preset: Path, path: Path, *, kill: bool) -> float:
    """Make a bank and return the duration in s."""
    script = Path(sys.executable).with_name("chirpleaf")
    began = time.perf_counter()
    job = subprocess.Popen([script, "bank", preset, "--out", path, "--overwrite"], stdout=subprocess.DEVNULL)
    while kill and measure_progress(path) < 0.5:
        time.sleep(0.2)
    if kill:
        os.kill(find_workers(job.pid)[0], signal.SIGKILL)
    if job.wait():
        raise RuntimeError("chirpleaf bank failed")
    return time.perf_counter() - began


def compare_files(one: Path, other: Path) -> bool:
    """Check whether two banks are identical, bit by bit."""
    with h5py.File(one) as first, h5py.File(other) as second:
        return all(np.array_equal(first[name][:], second[name][:]) for name in ("theta", "series", "sha256", "seed"))


def measure_rate(simulator: Simulator, batches: int) -> float:
    """Measure the simulated samples per second."""
    began = time.perf_counter()
    for index in range(batches):
        simulator.batch(index)
    return batches * simulator.batch_size / (time.perf_counter() - began)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--approximant", default="IMRPhenomXHM")
    parser.add_argument("--waveforms", type=int, default=200_000)
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    preset, whole, killed = (arguments.out / name for name in ("preset.yaml", "whole.h5", "killed.h5"))
    settings = {"approximant": arguments.approximant, "simulation": {"waveforms": arguments.waveforms, "spectra": 512}}
    preset.write_text(yaml.safe_dump(PRESET | settings))
    times = make_bank(preset, whole, kill=False), make_bank(preset, killed, kill=True)
    LOGGER.info(
        "%s waveforms of %s in %.0f s; with a worker killed half-way in %.0f s, identical files: %s",
        f"{arguments.waveforms:,}", arguments.approximant, *times, compare_files(whole, killed),
    )  # fmt: skip
    read = read_preset(preset)
    architecture = read.architecture()
    mapped = BankFile(whole).bank(waveform_source(architecture, seed=read.seed))
    memory = WaveformBank(mapped.theta, mapped.series.clone())
    base = build_simulator(architecture, architecture.build(), read.simulation, seed=0, bank=mapped)
    simulators = {"disk": base, "memory": replace(base, bank=memory)}
    for simulator in simulators.values():
        measure_rate(simulator, 5)
    rates: dict[str, list[float]] = {name: [] for name in simulators}
    for _ in range(5):  # alternate, so that changes of the machine's load affect both
        for name, simulator in simulators.items():
            rates[name].append(measure_rate(simulator, arguments.batches))
    disk, ram = (statistics.median(rates[name]) for name in ("disk", "memory"))
    LOGGER.info("simulated samples per second: %.0f from disk, %.0f from memory, ratio %.3f", disk, ram, disk / ram)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
