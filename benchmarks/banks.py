"""Banks on disk: what a killed worker costs, and how fast training reads (Linux).

    OMP_NUM_THREADS=1 python benchmarks/banks.py --out out/banks

Makes a bank by `chirpleaf bank` twice, the second time with one of its workers killed half-way, and compares the files
to the bit. Then simulates batches from the file, as a fresh process maps it, and from the same rows in memory.
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


def workers(parent: int) -> list[int]:
    """Processes that work for a process: each of its threads may have some."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def made(path: Path) -> float:
    """Share of a file's pieces that is written."""
    try:
        with h5py.File(path, locking=False) as file:
            return float(file["sha256"][:].any(axis=1).mean())
    except (OSError, KeyError):
        return 0.0


def make(preset: Path, path: Path, *, kill: bool) -> float:
    """Makes a bank; seconds."""
    script = Path(sys.executable).with_name("chirpleaf")
    began = time.perf_counter()
    job = subprocess.Popen([script, "bank", preset, "--out", path, "--overwrite"], stdout=subprocess.DEVNULL)
    while kill and made(path) < 0.5:
        time.sleep(0.2)
    if kill:
        os.kill(workers(job.pid)[0], signal.SIGKILL)
    if job.wait():
        raise RuntimeError("chirpleaf bank has failed")
    return time.perf_counter() - began


def same(one: Path, other: Path) -> bool:
    """Whether two banks hold the same bits."""
    with h5py.File(one) as first, h5py.File(other) as second:
        return all(np.array_equal(first[name][:], second[name][:]) for name in ("theta", "waves", "sha256", "seed"))


def rate(simulator: Simulator, batches: int) -> float:
    """Samples a second."""
    began = time.perf_counter()
    for index in range(batches):
        simulator.batch(index)
    return batches * simulator.batch_size / (time.perf_counter() - began)


def main() -> None:
    """Makes, kills, compares and reads."""
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
    times = make(preset, whole, kill=False), make(preset, killed, kill=True)
    LOGGER.info(
        "%s waveforms of %s in %.0f s; with a worker killed half-way in %.0f s, the same bits: %s",
        f"{arguments.waveforms:,}", arguments.approximant, *times, same(whole, killed),
    )  # fmt: skip
    read = read_preset(preset)
    architecture = read.architecture()
    mapped = BankFile(whole).bank(waveform_source(architecture, seed=read.seed))
    memory = WaveformBank(mapped.theta, mapped.waves.clone())
    base = build_simulator(architecture, architecture.build(), read.simulation, seed=0, bank=mapped)
    simulators = {"disk": base, "memory": replace(base, bank=memory)}
    for simulator in simulators.values():
        rate(simulator, 5)
    rates = {name: [] for name in simulators}
    for _ in range(5):  # in turns, so that both meet the same machine
        for name, simulator in simulators.items():
            rates[name].append(rate(simulator, arguments.batches))
    disk, ram = (statistics.median(rates[name]) for name in ("disk", "memory"))
    LOGGER.info("simulated samples a second: %.0f from disk, %.0f from memory, ratio %.3f", disk, ram, disk / ram)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
