"""A catalogue run whose analyses are made up: `python catalog_program.py LIST OUT WORKERS SECONDS`.

Each analysis notes its beginning in `OUT/../log`, takes some time, and writes one file. An event named `dies` kills its
process; one named `fails` has wrong input.
"""

import os
import signal
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from chirpleaf.catalog.entries import Entry
from chirpleaf.catalog.files import write_tables
from chirpleaf.catalog.outcome import Outcome, Row
from chirpleaf.catalog.processes import map_in_processes
from chirpleaf.catalog.run import open_run
from chirpleaf.system.claims import claim_folder
from chirpleaf.system.files import remove_stale_files, write_atomically
from chirpleaf.system.products import read_products, replace_products


@dataclass(frozen=True)
class Settings:
    """Stands for `inference.sources.ReadSettings`."""

    offline: bool = False


@dataclass(frozen=True)
class Template:
    """Stands for `inference.Request`, which takes seconds to import."""

    seconds: float
    log: Path
    samples: int = 100
    settings: Settings = Settings()


def analyse(entry: Entry, template: Template, folder: Path) -> Outcome:
    """Takes its time and writes a file."""
    folder.mkdir(parents=True, exist_ok=True)
    remove_stale_files(folder)
    descriptor = os.open(template.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{entry.name}\n".encode())
    os.close(descriptor)
    with write_atomically(folder / "summary.json") as scratch:
        scratch.write_text("{")
        time.sleep(template.seconds)
        if entry.name == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        scratch.write_text(f'{{"event": "{entry.name}"}}')
    if entry.name == "fails":
        return Outcome.of_failure(entry.name, 2, "expected a file; got none: correct the name")
    replace_products(folder, [folder / "summary.json"])
    mass = Row(30.0, 28.5, 32.25, "M_sun")
    parameters, files = {"chirp_mass": mass}, read_products(folder)
    return Outcome(entry.name, 0, "trusted", "PASS", (), template.seconds, parameters=parameters, files=files)


def main() -> None:
    """Begins the run, or goes on with it, as `chirpleaf catalog --resume` does."""
    catalogue, out, workers, seconds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    template = Template(seconds, out.parent / "log")
    with claim_folder(out, overwrite=True):
        run = open_run(catalogue, out, template, resume=True, overwrite=False, offline=True)  # type: ignore[arg-type]
        run.begin()
        finished = run.find_finished()
        left = [entry for entry in run.entries if entry.name not in finished]
        for outcome in run.analyse(left, partial(map_in_processes, analyse, workers=workers)):
            finished[outcome.name] = outcome
        run.clean()
        write_tables(run, [finished[entry.name] for entry in run.entries])


if __name__ == "__main__":
    main()
