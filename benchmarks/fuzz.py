"""Corrupts valid input of every kind, and counts what is not refused in one line, or takes much memory or time.

    python benchmarks/fuzz.py --n 100000 --out fuzz.json

Kinds: strain (HDF5, text), GWF frames, noise spectra (HDF5, text, XML), presets, model files, results, prior files,
calibration envelopes, posteriors of others (HDF5, JSON). Each case follows from the seed and its number: bits flipped,
content cut, repeated, blanked or inserted, or a setting, attribute, dataset or header changed. A worker process reads
the valid files first, then the cases, with 2 GB of address space above what it has after its imports, and 30 s of
processor time for each. Faults: a traceback; a message of several lines; a crash; too much time;
other content accepted where a checksum is (results, model files); more than 20 lines on standard error. A run that was
stopped goes on where it was.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any

Report = dict[str, Any]

MEMORY = 2 * 10**9
"""Bytes of address space above the worker's own."""
LIMIT = 30.0
"""Seconds of processor time for a case: on a busy machine, seconds on the clock say little."""
SILENCE = 900.0
"""Seconds on the clock without a word of the worker after which its case counts as hanging."""
MOST_LINES = 20
"""Lines on standard error that one case may cause."""


def work(start: int, stop: int, seed: int, folder: Path, only: str | None) -> None:
    """Reads the cases of a range, one line of JSON each."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    import lalframe  # noqa: F401 - before memory is limited
    import numpy as np
    from corrupt_files import corrupt, make_kinds, outcome

    from chirpleaf.models.shipped import available_models

    shipped = min(available_models())
    import chirpleaf.models

    model = Path(chirpleaf.models.__file__).parent / "weights" / f"{shipped}.safetensors"
    kinds = make_kinds(folder, model)
    names = only.split(",") if only else list(kinds)
    own = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (own + MEMORY, own + MEMORY))
    for name in names:
        for valid in kinds[name].files:
            if (found := outcome(kinds[name], valid)) != "accepted":
                raise SystemExit(f"expected that a whole {valid.name} is read within the limits; got {found}")
    noise = os.open(folder / "stderr", os.O_RDWR | os.O_CREAT)
    os.dup2(noise, 2)
    for number in range(start, stop):
        tell({"start": number})
        rng = np.random.default_rng([seed, number])
        name = names[number % len(names)]
        valid = kinds[name].files[rng.integers(len(kinds[name].files))]
        path = folder / f"case{valid.suffix}"
        way = corrupt(valid, path, rng)
        os.ftruncate(noise, 0)
        begin = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LIMIT)  # at its end, SIGPROF ends the worker, also within a C library
        found = outcome(kinds[name], path)
        signal.setitimer(signal.ITIMER_PROF, 0)
        seconds = time.process_time() - begin
        lines = (folder / "stderr").read_bytes().count(b"\n")
        if lines > MOST_LINES:
            found = f"noise: {lines} lines on standard error"
        tell({"case": number, "kind": name, "file": valid.name, "way": way, "found": found, "seconds": seconds})


def tell(report: Report) -> None:
    """Sends a line to the supervisor."""
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


def supervise(start: int, stop: int, seed: int, deadline: float, state: Report, only: str | None) -> int:
    """Runs a worker on the cases from `start`; returns the number of the next case."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--work", str(start), str(stop), "--seed", str(seed), "--folder", folder]
        command += ["--kinds", only] if only else []
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        selector = DefaultSelector()
        selector.register(process.stdout, EVENT_READ)
        number, done = start, start
        while selector.select(SILENCE):
            line = process.stdout.readline()
            if not line:
                break
            report = json.loads(line)
            number = report.get("start", number)
            if "case" in report:
                done = number + 1
                count(state, report)
                if time.monotonic() > deadline:
                    break
        else:
            count(state, {"case": number, "kind": "?", "way": "?", "found": "slow: it hangs", "seconds": SILENCE})
            done = number + 1
        process.kill()
        code = process.wait()
        if code not in (0, -signal.SIGKILL):
            found = "slow: it was stopped" if code == -signal.SIGPROF else f"crash: exit code {code}"
            count(state, {"case": number, "kind": "?", "way": "?", "found": found, "seconds": LIMIT})
            done = number + 1
    return done


def count(state: Report, report: Report) -> None:
    """Adds a case to the counts."""
    found = report["found"]
    if report["seconds"] > LIMIT:
        found = f"slow: {report['seconds']:.0f} s"
    word = found.split()[0].rstrip(":")
    counts = state["kinds"].setdefault(report["kind"], {})
    counts[word] = counts.get(word, 0) + 1
    state["slowest"] = max(state["slowest"], report["seconds"])
    if word not in ("refused", "accepted"):
        state["faults"].append({**report, "found": found})


def main() -> None:
    """Runs the cases that are left, and writes the counts every few hundred."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("fuzz.json"))
    parser.add_argument("--minutes", type=float, default=1e6, help="Stop after these; the next call goes on.")
    parser.add_argument("--kinds", help="Some kinds alone, separated by commas.")
    parser.add_argument("--work", type=int, nargs=2)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.work:
        start, stop = given.work
        work(start, stop, given.seed, given.folder, given.kinds)
        return
    state = {"seed": given.seed, "next": 0, "seconds": 0.0, "slowest": 0.0, "kinds": {}, "faults": []}
    if given.out.is_file():
        state = json.loads(given.out.read_text())
    deadline = time.monotonic() + 60 * given.minutes
    while state["next"] < given.n and time.monotonic() < deadline:
        begin = time.monotonic()
        state["next"] = supervise(
            state["next"], min(given.n, state["next"] + 2000), state["seed"], deadline, state, given.kinds
        )
        state["seconds"] += time.monotonic() - begin
        scratch = given.out.with_suffix(".part")
        scratch.write_text(json.dumps(state, indent=1) + "\n")
        scratch.replace(given.out)
        sys.stdout.write(f"{state['next']} cases, {len(state['faults'])} faults: {state['kinds']}\n")


if __name__ == "__main__":
    main()
