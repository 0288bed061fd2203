"""Effect of the options of `communication` on traffic, time per step and loss (Linux).

    OMP_NUM_THREADS=1 python benchmarks/communication.py --out out/communication

Two ranks of one thread each run a short training of a preset, with one option at a time. Traffic is measured on the
loopback interface, per step and rank.
"""

import argparse
import logging
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import yaml

from chirpleaf.training.progress import read_history

LOGGER = logging.getLogger("communication")
PRESETS = Path(str(resources.files("chirpleaf.training"))) / "presets"
RANKS = 2
SWITCHES = {
    "none: one average at the end, float32": ({"bucket": None}, {}),
    "buckets": ({"bucket": 1.0}, {}),
    "bfloat16": ({"bucket": None, "bfloat16": True}, {}),
    "accumulate 4": ({"bucket": None}, {"accumulate": 4}),
    "all three": ({"bucket": 1.0, "bfloat16": True}, {"accumulate": 4}),
}


def read_loopback_bytes() -> int:
    """Read the number of bytes that the loopback interface has received."""
    (line,) = (line for line in Path("/proc/net/dev").read_text().splitlines() if line.strip().startswith("lo:"))
    return int(line.split(":")[1].split()[0])


def main() -> None:
    """Train once for each option."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="masses-bayesian")
    parser.add_argument("--batches", type=int, default=4000)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    LOGGER.info("| options | steps | kB per step and rank | ms per step | validation loss |")
    LOGGER.info("|---|---|---|---|---|")
    for name, (communication, schedule) in SWITCHES.items():
        folder = arguments.out / name.split(":")[0].replace(" ", "-")
        preset = arguments.out / f"{folder.name}.yaml"
        settings = {
            "base": os.path.relpath(PRESETS / f"{arguments.preset}.yaml", arguments.out),
            "simulation": {"waveforms": 20_000, "spectra": 512, "validation_batches": 32},
            "schedule": {"epochs": 1, "batches": arguments.batches, **schedule},
            "communication": communication,
        }
        preset.write_text(yaml.safe_dump(settings))
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(RANKS)]
        program = ["--no-python", str(Path(sys.executable).with_name("chirpleaf")), "train", str(preset)]
        program += ["--out", str(folder), "--cores", "1", "--overwrite"]
        before = read_loopback_bytes()
        subprocess.run([*launcher, *program], check=True, capture_output=True)
        bytes_ = read_loopback_bytes() - before
        (row,) = read_history(folder / "history.csv")
        LOGGER.info(
            "| %s | %d | %.0f | %.1f | %.3f |",
            name,
            row["step"],
            bytes_ / row["step"] / RANKS / 1e3,
            60e3 * row["minutes"] / row["step"],
            row["validation_loss"],
        )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
