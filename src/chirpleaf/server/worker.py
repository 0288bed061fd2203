"""A worker process: it loads the models once, then analyses one task after the other, in one thread.

The functions that read data import torch and the rest inside, because the server imports this module too.
"""

import logging
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from chirpleaf.errors import InputError
from chirpleaf.server.tasks import Document, Done, Entered, Failed, Inventory, Ready, Task, receive_task, send
from chirpleaf.system.processes import follow_parent

if TYPE_CHECKING:
    from chirpleaf.inference import LeafEstimates, Posterior, Request

LOGGER = logging.getLogger(__name__)
_PATH = re.compile(r"(?<![\w:/])/(?:[\w.+@~-]+/)+[\w.+@~-]*")
"""An absolute path; addresses of the internet are none."""

UPLOADS = "uploads"
"""Folder of the files of a client, within the folder of a job."""

Analyse = Callable[[Task, Callable[[str, int], object]], Document]
"""Analyses a task, calls a function with each stage and the share of the time before it, and returns a summary."""


def run_worker(connection: Connection) -> None:
    """The whole life of a worker: the target of its process.

    Args:
        connection: its end of the pipe to the server.
    """
    warnings.simplefilter("ignore")
    inventory = load_everything()
    serve_tasks(connection, inventory, analyse_task)


def serve_tasks(connection: Connection, inventory: Inventory, analyse: Analyse) -> None:
    """Says that the worker is ready, and serves tasks until the server is gone.

    Args:
        connection: its end of the pipe to the server.
        inventory: what the worker has.
        analyse: analyses a task.
    """
    follow_parent()
    with suppress(OSError):
        os.setpgid(0, 0)  # what a waveform program starts ends with the worker
    try:
        send(connection, Ready(inventory))
        while True:
            task = receive_task(connection)
            send(connection, _answer(connection, task, analyse))
    except (EOFError, OSError):
        return


def _answer(connection: Connection, task: Task, analyse: Analyse) -> Done | Failed:
    """Analyses a task and turns exceptions into answers."""

    def enter(stage: str, percent: int) -> None:
        send(connection, Entered(stage, percent))

    try:
        return Done(analyse(task, enter))
    except InputError as error:
        return Failed("input", hide_paths(str(error), task))
    except OSError as error:
        LOGGER.exception("a job could not read or write")
        return Failed("internal", f"a file could not be read or written: {os.strerror(error.errno or 0)}")
    except MemoryError:
        return Failed("internal", "the analysis needs more memory than there is: ask for fewer samples")
    except Exception as error:
        LOGGER.exception("a job failed")
        return Failed("internal", f"the analysis failed by an error of the program ({type(error).__name__})")
    finally:
        shutil.rmtree(Path(task.folder) / UPLOADS, ignore_errors=True)


def hide_paths(message: str, task: Task) -> str:
    """A message in which uploaded files have the names of their fields, and no path of this machine is left.

    Args:
        message: message of an exception.
        task: the task that it belongs to.
    """
    for path, label in task.labels.items():
        message = message.replace(path, label)
    message = message.replace(task.folder, "the job").replace("--", "")  # a client has no options
    return _PATH.sub("a file of the server", message)


def load_everything() -> Inventory:
    """Imports what an analysis needs, loads the models of all parameters and draws empty corner plots."""
    os.environ["LAL_DEBUG_LEVEL"] = "0"
    from dataclasses import asdict

    import torch

    torch.set_num_threads(1)
    import chirpleaf.report.analysis  # noqa: F401
    from chirpleaf.inference import load_candidates
    from chirpleaf.models import available_models, load_model
    from chirpleaf.report.draw import prepare_drawing
    from chirpleaf.strain.events import events

    for candidate in load_candidates():
        candidate.load()
    prepare_drawing()
    models: list[Document] = []
    for name in available_models():
        model = load_model(name)
        lowest, highest = model.architecture.prior.chirp_mass_range
        models.append(
            {
                "name": name,
                "detectors": list(model.detectors),
                "takes_subsets": model.takes_subsets,
                "duration": float(model.duration),
                "chirp_mass": [float(lowest), float(highest)],
                "approximant": model.architecture.approximant,
                "quantities": [] if model.estimator.can_propose else list(model.estimator.quantities),
            }
        )
    return Inventory(models, [{**asdict(one), "detectors": list(one.detectors)} for one in events().values()])


def make_request(task: Task) -> "Request":
    """The request of a task.

    Args:
        task: what a client asks for.

    Raises:
        InputError: a name is unknown.
    """
    from chirpleaf.inference import Request
    from chirpleaf.inference.certify.target import PRESETS
    from chirpleaf.inference.options import DEFAULT_DATA, DataOptions, WaveformOptions
    from chirpleaf.inference.sources import ReadSettings
    from chirpleaf.models import available_models

    choices = task.choices
    # The library takes files for both, a client may only name what is shipped.
    for what, name, known in (("model", choices.model, available_models()), ("prior", choices.prior, PRESETS)):
        if name is not None and name not in known:
            raise InputError(f"expected a {what} among {', '.join(known)}; got {name!r}: name one of them")
    return Request(
        task.event,
        strain={name: [Path(one) for one in files] for name, files in task.strain.items()} or None,
        trigger_time=task.trigger_time,
        psd={name: Path(file) for name, file in task.psd.items()},
        settings=ReadSettings(offline=task.offline),
        model=choices.model,
        samples=choices.samples,
        seed=choices.seed,
        certify=choices.certify,
        effective_samples=choices.effective_samples,
        options=DEFAULT_DATA if task.detectors is None else DataOptions(tuple(task.detectors)),
        waveform=WaveformOptions(choices.approximant),
        prior=choices.prior,
    )


def analyse_task(task: Task, on_stage: Callable[[str, int], object]) -> Document:
    """Analyses a task as `chirpleaf infer` does, and writes the same files.

    Args:
        task: what a client asks for.
        on_stage: called when a stage begins.

    Returns:
        Verdict and main numbers.

    Raises:
        InputError: as for `inference.infer`.
    """
    from chirpleaf.report.analysis import write_analysis
    from chirpleaf.report.drawing import SameProcess
    from chirpleaf.report.pictures import FigureDrawing

    folder = Path(task.folder)
    result, _ = write_analysis(make_request(task), FigureDrawing(SameProcess()), folder, on_stage)
    sys.stdout.flush()
    return summarise(result)


def summarise(result: "Posterior | LeafEstimates") -> Document:
    """What a client sees of a result before it opens the report.

    Args:
        result: a posterior or leaf estimates.
    """
    from chirpleaf.report.words import describe_binary, describe_verdict

    return {
        "event": result.provenance.event,
        "detectors": list(result.provenance.detectors),
        "model": result.provenance.model,
        "grade": result.trust.grade.value,
        "verdict": result.trust.verdict,
        "sentence": describe_verdict(result),
        "binary": describe_binary(result),
        "reasons": list(result.trust.reasons),
        "parameters": {} if result.impossible else result.summary(result.tabulated),
    }
