"""Work of one process of a catalogue run: the analysis of one event after the other.

Whatever goes wrong with an event becomes its outcome, so that no event ends the others. Networks stay in memory from
one event to the next (`models.load_model`).
"""

import time
import traceback
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from chirpleaf.catalog.entries import Entry
from chirpleaf.catalog.outcome import FAILED, WRONG_INPUT, Outcome
from chirpleaf.errors import InputError, describe_os_error
from chirpleaf.system.files import remove_stale_files, write_atomically
from chirpleaf.system.products import read_products, replace_products

if TYPE_CHECKING:
    from chirpleaf.inference import Request

TRACEBACK = "traceback.txt"
"""File in the folder of an event that ended with an error of the program."""


def analyse_entry(entry: Entry, template: "Request", folder: Path) -> Outcome:
    """Analyses an event and writes all files of its result.

    Args:
        entry: the event.
        template: what is asked alike of all events.
        folder: folder of the event; it is made.

    Returns:
        The outcome; nothing is raised, except where the process itself is to end.
    """
    start, cpu = time.monotonic(), time.process_time()
    outcome = _try_to_analyse(entry, template, folder)
    return replace(outcome, seconds=time.monotonic() - start, cpu_seconds=time.process_time() - cpu)


def _try_to_analyse(entry: Entry, template: "Request", folder: Path) -> Outcome:
    """The outcome, whose times are not known yet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _analyse(entry, template, folder)
    except InputError as error:
        return Outcome.of_failure(entry.name, WRONG_INPUT, str(error))
    except OSError as error:
        return Outcome.of_failure(entry.name, WRONG_INPUT, describe_os_error(error))
    except Exception as error:  # one failing event must not end the others
        _keep_traceback(folder, traceback.format_exc())
        reason = f"{type(error).__name__}: {error}"
        return Outcome.of_failure(entry.name, FAILED, reason[:300])


def _analyse(entry: Entry, template: "Request", folder: Path) -> Outcome:
    import torch  # noqa: PLC0415 - the process that hands out the work does not need it

    from chirpleaf.report.analysis import write_analysis  # noqa: PLC0415
    from chirpleaf.report.draw import prepare_processes  # noqa: PLC0415
    from chirpleaf.report.drawing import drawing_process  # noqa: PLC0415
    from chirpleaf.report.pictures import FigureDrawing  # noqa: PLC0415

    torch.set_num_threads(1)  # each process has one core
    folder.mkdir(parents=True, exist_ok=True)
    remove_stale_files(folder)
    # Pictures are drawn in this process, because torch is loaded: the other cores have events of their own.
    with drawing_process(prepare_processes) as executor:
        result, written = write_analysis(entry.make_request(template), FigureDrawing(executor), folder)
    replace_products(folder, written)
    (folder / TRACEBACK).unlink(missing_ok=True)
    return replace(Outcome.of_result(entry.name, result), files=read_products(folder))


def _keep_traceback(folder: Path, text: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with write_atomically(folder / TRACEBACK) as scratch:
            scratch.write_text(text, encoding="utf-8")
    except OSError:
        return  # the outcome has the message
