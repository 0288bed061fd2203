"""A catalogue run of simulated events that is killed twice and resumed: nothing lost, nothing doubled, and its cost.

    python benchmarks/catalog_run.py --out out/catalog-run --n 100 --workers 2

Makes strain files of N binaries in Gaussian noise, runs `chirpleaf catalog` on their list, kills it by SIGKILL when a
third and two thirds of the events are finished, resumes it, and compares. Prints the row of docs/benchmarks.md, with
the time of 400 events on two cores.

The benchmark itself may be stopped and begun again by the same command: strain files that exist are not made again,
events that are finished stay so, and OUT/record-*.json keeps the kills, the times, and when each event was recorded.
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
from dataclasses import asdict, dataclass, field
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


@dataclass
class Record:
    """What is known of the runs so far.

    Attributes:
        killed_with: number of finished events at each kill.
        seconds: time by the clock of all runs.
        finished: name of each event that was finished at the last kill, and when it was recorded, ns.
    """

    killed_with: list[int] = field(default_factory=list)
    seconds: float = 0.0
    finished: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Record":
        """The record in a file; an empty one without it."""
        return cls(**json.loads(path.read_text())) if path.exists() else cls()

    def add_run(self, out: Path, seconds: float, path: Path, *, killed: bool) -> None:
        """Adds a run, and checks that it did no event again."""
        now = find_finished(out)
        assert self.finished.items() <= now.items(), "an event was analysed twice"
        self.finished, self.seconds = now, self.seconds + seconds
        if killed:
            self.killed_with.append(len(now))
        path.write_text(json.dumps(asdict(self)) + "\n")


def find_finished(out: Path) -> dict[str, int]:
    """Names of finished events, and when each was recorded, ns."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("events/*/outcome.json")}


def run_until(command: list[str], out: Path, stop_at: int | None) -> int:
    """Runs the command, and kills it when a number of events is finished; returns the exit code, -9 of a kill."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None:
                if stop_at is not None and len(find_finished(out)) >= stop_at:
                    os.kill(process.pid, signal.SIGKILL)
                    break
                time.sleep(0.05)
            return process.wait()
        finally:
            process.kill()


def parse_arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--no-certify", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Runs, kills, resumes, checks."""
    arguments = parse_arguments()
    n, kind = arguments.n, f"{arguments.n}-{arguments.samples}{'-network' if arguments.no_certify else ''}"
    listed = make_events(arguments.out / "strain", n, arguments.seed)
    out, path = arguments.out / f"run-{kind}", arguments.out / f"record-{kind}.json"
    command = [sys.executable, "-m", "chirpleaf", "catalog", str(listed), "--out", str(out), "--resume"]
    command += ["--workers", str(arguments.workers), "--samples", str(arguments.samples)]
    command += ["--no-certify"] if arguments.no_certify else []
    record, code = Record.read(path), -signal.SIGKILL
    while code == -signal.SIGKILL:
        kills = len(record.killed_with)
        stop_at = max(1, round((kills + 1) * n / 3)) if kills < 2 else None
        began = time.monotonic()
        code = run_until(command, out, stop_at)
        if code not in (-signal.SIGKILL, 0, 3):
            raise SystemExit(f"the run ended with exit code {code}: see its message above")
        record.add_run(out, time.monotonic() - began, path, killed=code == -signal.SIGKILL)
        LOGGER.info("run %d: exit code %d with %d of %d events finished", kills + 1, code, len(record.finished), n)
    assert len(record.killed_with) >= 2, "all events were finished before the second kill: name a new --out"
    summarise(out, n, record)


def summarise(out: Path, n: int, record: Record) -> None:
    """Checks that each event is there once, and prints the row of docs/benchmarks.md."""
    with (out / "catalog.csv").open() as file:
        names = [row["name"] for row in csv.DictReader(file)]
    expected = [f"event-{number:03}" for number in range(n)]
    lost, doubled = set(expected) - set(names), len(names) - len(set(names))
    assert names == expected, f"lost: {sorted(lost)}; doubled: {doubled}"
    left = [path for path in out.rglob(".chirpleaf*") if path.name != ".chirpleaf-files.json"]
    assert not left, f"a process left {left} behind"
    document = json.loads((out / "catalog.json").read_text())
    times = [one["cpu_seconds"] for one in document["events"]]
    median, mean, largest = statistics.median(times), statistics.mean(times), max(times)
    longest = max(one["seconds"] for one in document["events"])
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in document["verdicts"].items())
    kills = ", ".join(map(str, record.killed_with))
    LOGGER.info(f"verdicts: {verdicts}; the longest event took {longest:.1f} s by the clock")
    LOGGER.info(
        f"| {n} | {kills} finished | {len(lost)} | {doubled} | {record.seconds:,.0f} | {median:.2f}, {mean:.2f}, "
        f"{largest:.2f} | {400 * mean / 2 / 60:.1f} min |"
    )
    by_clock = 400 * record.seconds / n / 60
    LOGGER.info(f"400 events at the rate of this run, with its kills and starts: {by_clock:.1f} min by the clock")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
