"""Workers of a server that answer at once, or misbehave as the name of the event says."""

import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from chirpleaf.errors import InputError
from chirpleaf.server.tasks import Document, Inventory, Task
from chirpleaf.server.worker import serve_tasks

MODELS: list[Document] = [
    {
        "name": "bbh",
        "detectors": ["H1", "L1"],
        "takes_subsets": False,
        "duration": 4.0,
        "chirp_mass": [15.0, 80.0],
        "approximant": "IMRPhenomXAS",
        "quantities": [],
    }
]
EVENTS: list[Document] = [
    {
        "name": "GW150914",
        "full_name": "GW150914_095045",
        "trigger_time": 1126259462.4,
        "detectors": ["H1"],
        "source": "x",
    }
]
REPORT = "<!doctype html><title>made</title><p>report"


def analyse(task: Task, on_stage: Callable[[str, int], object]) -> Document:
    """Writes small files in place of an analysis."""
    on_stage("reading strain and noise", 0)
    match task.event:
        case "SLOW":
            time.sleep(120.0)
        case "BRIEF":
            time.sleep(0.2)
        case "CRASH":
            os.kill(os.getpid(), signal.SIGKILL)
        case "FAULT":
            raise InputError(f"expected an event; got {task.folder}/strain: give --strain")
        case "BUG":
            raise ValueError(task.folder)
    folder = Path(task.folder)
    received = {name: [Path(one).read_bytes().decode() for one in files] for name, files in task.strain.items()}
    (folder / "report.html").write_text(REPORT)
    (folder / "summary.json").write_text("{}")
    (folder / "posterior.hdf5").write_bytes(b"\x89HDF")
    return {
        "event": task.event or "strain",
        "detectors": task.detectors or list(task.strain),
        "model": task.choices.model or "bbh",
        "grade": "PASS",
        "verdict": "trusted",
        "sentence": f"{received} at {task.trigger_time}",
        "binary": f"{task.choices.samples} samples",
        "reasons": [],
        "parameters": {"mass_1": {"median": 36.0, "lower": 32.0, "upper": 40.0, "unit": "M_sun"}},
    }


def run_made_worker(connection: Connection) -> None:
    """A worker that answers at once."""
    serve_tasks(connection, Inventory(MODELS, EVENTS), analyse)
