"""Speed of two versions in turns: waveforms, training, strain to posterior and leaves, by the scripts of each version.

    OMP_NUM_THREADS=1 python benchmarks/paired_speed.py --old PYTHON TREE --new PYTHON TREE --repeats 3

Each TREE is a checkout with `benchmarks/speed.py` and `benchmarks/leaf_speed.py`, each PYTHON the interpreter of an
environment with that version. Both versions take the presets of the old one, so that they compute the same waveforms
and simulate the same detectors. Each part runs in a process of its own: what one leaves in memory and caches does not
slow down the next. The clock counts the CPU time of the process, so that other work on the machine matters less.
Prints the median of each quantity for both versions, and the median and range of the ratios new / old.
"""

import argparse
import json
import logging
import re
import statistics
import subprocess
from pathlib import Path

LOGGER = logging.getLogger("paired_speed")

PROGRAM = """
import logging, pathlib, sys, time, types
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
part, presets = sys.argv[1:]
sys.argv = ["benchmark"]
import torch
torch.set_num_threads(1)
import leaf_speed, speed
clock = types.SimpleNamespace(perf_counter=time.process_time)
speed.time = leaf_speed.time = clock
speed.PRESETS = leaf_speed.PRESETS = pathlib.Path(presets)
median = speed.median_seconds
speed.median_seconds = lambda work, repetitions=5: median(work, min(repetitions, 5))
if part == "leaves":
    leaf_speed.main()
else:
    names = ("time_" + part, part)
    next(getattr(speed, name) for name in names if hasattr(speed, name))(*(("bbh",) if part == "training" else ()))
"""

PARTS = ("waveforms", "inference", "training", "leaves")

NAMES = {
    "waveforms/s on the grid of bbh": r"bins of bbh: ([\d,.]+) waveforms/s",
    "waveforms/s on the grid of bbh-long": r"bins of bbh-long: ([\d,.]+) waveforms/s",
    "examples/s, simulated and trained": r"simulated and trained ([\d,.]+) samples/s",
    "examples/s, simulated only": r"simulated only ([\d,.]+)",
    "strain to 10,000 samples, ms": r"strain in memory to 10000 samples[^:]*: ([\d,.]+) ms",
    "segment, trigger, canonical input, ms": r"canonical input: ([\d,.]+) ms",
    "10,000 samples with densities, ms": r"\n10000 samples with dens[^:]*: ([\d,.]+) ms",
    "leaves, canonical, ms": r"canonical, deterministic \| ([\d,.]+)",
    "leaves, canonical, Bayesian, ms": r"canonical, Bayesian[^|]*\| ([\d,.]+)",
    "leaves, convolutional, ms": r"\n\| convolutional, deterministic \| ([\d,.]+)",
    "leaves, published convolutional, ms": r"published convolutional[^|]*\| ([\d,.]+)",
}
"""Quantities, and where they stand in the output of the scripts."""


def measure(python: str, tree: Path, part: str, presets: Path) -> dict[str, float]:
    """Runs a part of the scripts of a tree once."""
    ran = subprocess.run(
        [python, "-W", "ignore", "-c", PROGRAM, part, str(presets)],
        cwd=tree / "benchmarks",
        env={"PYTHONPATH": f"{tree / 'src'}:{tree / 'benchmarks'}", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = {name: re.search(pattern, ran.stdout) for name, pattern in NAMES.items()}
    return {name: float(match[1].replace(",", "")) for name, match in found.items() if match}


def main() -> None:
    """Run both versions in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for version in ("old", "new"):
        parser.add_argument(f"--{version}", nargs=2, metavar=("PYTHON", "TREE"), required=True)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    versions = [(python, Path(tree).resolve()) for python, tree in (arguments.old, arguments.new)]
    presets = versions[0][1] / "src/chirpleaf/training/presets"
    pairs: list[list[dict[str, float]]] = []
    for _ in range(arguments.repeats):
        pairs.append([{}, {}])
        for part in PARTS:
            for found, (python, tree) in zip(pairs[-1], versions, strict=True):
                found.update(measure(python, tree, part, presets))
        LOGGER.info(json.dumps(pairs[-1]))
    LOGGER.info("| | old | new | new / old |\n|---|---|---|---|")
    for name in NAMES:
        old, new = ([pair[index][name] for pair in pairs if name in pair[index]] for index in (0, 1))
        if not old or not new:
            continue
        ratios = [b / a for a, b in zip(old, new, strict=True)]
        LOGGER.info(
            f"| {name} | {statistics.median(old):,.4g} | {statistics.median(new):,.4g} "
            f"| {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |"
        )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
