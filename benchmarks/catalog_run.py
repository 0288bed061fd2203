"""A catalogue run of simulated events that is killed twice and resumed: nothing lost, nothing doubled, and its cost.

    python benchmarks/catalog_run.py --out out/catalog-run --n 100 --workers 2

Makes strain files of N binaries in Gaussian noise, runs `chirpleaf catalog` on their list, kills it by SIGKILL when a
third and two thirds of the events are finished, resumes it, and compares.
Files that exist are not made again. Prints a table and the time of 400 events on two cores.
"""

import argparse
import csv
import json
import logging
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

LOGGER = logging.getLogger("catalog_run")
FIRST_TRIGGER = 1_187_000_000.4
SPACING = 4096.0


def make_events(folder: Path, n: int, seed: int) -> Path:
    """Writes strain of binaries that a search would find, and the list of them."""
    from chirpleaf.diagnostics.binary_files import read_binary
    from chirpleaf.diagnostics.strain_injection import StrainSettings, add_signal, simulate_noise
    from chirpleaf.physics.waveform_settings import WaveformSettings
    from chirpleaf.strain.writing import write_gwosc

    folder.mkdir(parents=True, exist_ok=True)
    lines, settings = [], StrainSettings(64, 4096, "O3")
    for number in range(n):
        rng = np.random.default_rng((seed, number))
        trigger = FIRST_TRIGGER + SPACING * number
        files = {name: folder / f"{name}-{number:03}.hdf5" for name in ("H1", "L1")}
        lines.append(f"event-{number:03} {trigger} " + " ".join(f"{name}={path.name}" for name, path in files.items()))
        if all(path.exists() for path in files.values()):
            continue
        ratio, total = rng.uniform(0.4, 1.0), rng.uniform(40.0, 90.0)
        binary = {
            "mass_1": total / (1 + ratio),
            "mass_2": total * ratio / (1 + ratio),
            "chi_1": rng.uniform(-0.4, 0.6),
            "chi_2": rng.uniform(-0.4, 0.6),
            "luminosity_distance": total * rng.uniform(5.0, 12.0),
            "theta_jn": rng.uniform(0.2, 0.9),
            "phase": rng.uniform(0.0, 2 * np.pi),
            "psi": rng.uniform(0.0, np.pi),
            "ra": rng.uniform(0.0, 2 * np.pi),
            "dec": np.arcsin(rng.uniform(-1.0, 1.0)),
            "geocent_time": trigger,
        }
        truth = folder / f"binary-{number:03}.json"
        truth.write_text(json.dumps({name: float(value) for name, value in binary.items()}))
        noise = simulate_noise(("H1", "L1"), trigger, settings, rng)
        data = add_signal(noise, read_binary(truth), WaveformSettings("IMRPhenomXAS", 20.0))
        for name, path in files.items():
            write_gwosc(data[name], path, description=f"simulated event {number}")
    path = folder / "events.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def find_finished(out: Path) -> dict[str, int]:
    """Names of finished events, and when each was recorded, ns."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("events/*/outcome.json")}


def run_until(command: list[str], out: Path, stop_at: int | None) -> int:
    """Runs the command, and kills it when a number of events is finished; returns the exit code."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            if stop_at is not None and len(find_finished(out)) >= stop_at:
                os.kill(process.pid, signal.SIGKILL)
                break
            time.sleep(0.05)
        return process.wait()


def main() -> None:
    """Runs, kills, resumes, checks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--no-certify", action="store_true")
    arguments = parser.parse_args()
    listed, out, n = (
        make_events(arguments.out / "strain", arguments.n, arguments.seed),
        arguments.out / "run",
        arguments.n,
    )
    command = [sys.executable, "-m", "chirpleaf", "catalog", str(listed), "--out", str(out), "--resume"]
    command += ["--workers", str(arguments.workers), "--samples", str(arguments.samples)]
    command += ["--no-certify"] if arguments.no_certify else []
    began = time.monotonic()
    kept: dict[str, int] = {}
    for share in (1 / 3, 2 / 3):
        run_until(command, out, max(1, round(share * n)))
        finished = find_finished(out)
        assert kept.items() <= finished.items(), "an event was analysed twice"
        kept = finished
        LOGGER.info("killed with %d of %d events finished", len(kept), n)
    code = run_until(command, out, None)
    seconds, finished = time.monotonic() - began, find_finished(out)
    assert kept.items() <= finished.items(), "an event was analysed twice"
    with (out / "catalog.csv").open() as file:
        names = [row["name"] for row in csv.DictReader(file)]
    assert names == [f"event-{number:03}" for number in range(n)], "an event is lost or doubled"
    left = [path for path in out.rglob(".chirpleaf*") if path.name != ".chirpleaf-files.json"]
    assert not left, f"a process left {left} behind"
    document = json.loads((out / "catalog.json").read_text())
    times = [one["cpu_seconds"] for one in document["events"]]
    LOGGER.info("exit code %d, verdicts %s", code, document["verdicts"])
    median, mean = statistics.median(times), statistics.mean(times)
    LOGGER.info("| events | wall s | CPU s an event: median | mean | largest | 400 events, 2 cores, min |")
    LOGGER.info(f"| {n} | {seconds:.0f} | {median:.2f} | {mean:.2f} | {max(times):.2f} | {400 * mean / 2 / 60:.1f} |")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
