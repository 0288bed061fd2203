"""Cold start: a whole process of `chirpleaf infer`, paired with that of another installation, and its parts.

Runs both commands in turns, and prints wall time and peak memory of each with the median of the ratios; then the parts
of one process: imports by package, and the stages that `summary.json` times. Peak memory is that of the largest process
of a run (ru_maxrss). Example, with the version of another commit installed in an environment of its own:

    python benchmarks/cold_start.py --against /elsewhere/bin/chirpleaf --runs 7
"""

import argparse
import json
import logging
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = str(Path(sys.executable).with_name("chirpleaf"))
PACKAGES = (
    "torch",
    "numpy",
    "lalsimulation",
    "lal",
    "h5py",
    "typer",
    "rich",
    "pydantic",
    "matplotlib",
    "scipy",
    "astropy",
)
LOGGER = logging.getLogger("cold_start")
OPTIONS = {"certified": (), "--no-certify": ("--no-certify",)}


class Run(NamedTuple):
    """One process.

    Attributes:
        seconds: wall time.
        megabytes: peak memory.
    """

    seconds: float
    megabytes: float


def run(command: list[str], environment: dict[str, str] | None = None) -> Run:
    """Runs a command, whose output is thrown away."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(time.perf_counter() - start, usage.ru_maxrss / 1024)


def infer(program: str, folder: Path, options: tuple[str, ...]) -> list[str]:
    """The command."""
    return [program, "infer", "GW150914", "--seed", "1", "--out", str(folder), "--overwrite", *options]


def compare(ours: str, other: str, runs: int, folder: Path) -> None:
    """Prints the two installations side by side: runs in turns, the first pair not counted."""
    other_environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for label, options in OPTIONS.items():
        pairs = [
            (run(infer(ours, folder, options)), run(infer(other, folder, options), other_environment))
            for _ in range(runs + 1)
        ][1:]
        for index, unit in enumerate(("s", "MB")):
            first, second = ([pair[side][index] for pair in pairs] for side in (0, 1))
            ratios = sorted(a / b for a, b in zip(first, second, strict=True))
            LOGGER.info(
                f"{label:14} {statistics.median(first):8.2f} {unit:2} against {statistics.median(second):8.2f} {unit:2}"
                f"  ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            )


def import_seconds(arguments: list[str]) -> dict[str, float]:
    """Seconds that each package takes to import in a process, without what it imports of the other packages."""
    command = [sys.executable, "-X", "importtime", "-m", "chirpleaf", *arguments]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    seconds = dict.fromkeys((*PACKAGES, "chirpleaf", "others"), 0.0)
    for own, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)", report):
        package = name.split(".")[0]
        seconds[package if package in seconds else "others"] += int(own) / 1e6
    return seconds


def show_parts(folder: Path) -> None:
    """Prints where the time of one process goes."""
    for label, options in OPTIONS.items():
        command = infer(HERE, folder, options)
        total = statistics.median(run(command).seconds for _ in range(3))
        timing = json.loads((folder / "summary.json").read_text())["timing"]
        imports = {name: value for name, value in import_seconds(command[1:]).items() if value > 0.01}
        stages = {name: round(value, 2) for name, value in timing.items() if value}
        parts = {name: round(value, 2) for name, value in imports.items()}
        LOGGER.info(f"{label}: {total:.2f} s; stages {stages}")
        LOGGER.info(f"  imports {parts}, sum {sum(parts.values()):.2f} s")


def main() -> None:
    """Compares, and shows the parts."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", help="the program `chirpleaf` of another installation")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "GW150914"
        if arguments.against:
            compare(HERE, arguments.against, arguments.runs, folder)
        show_parts(folder)


if __name__ == "__main__":
    main()
