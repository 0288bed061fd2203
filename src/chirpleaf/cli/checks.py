"""Checks of `chirpleaf doctor`, one function for each line of its table."""

import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from chirpleaf.errors import ChirpleafError

Status = Literal["ok", "warn", "fail"]

OLDEST_PYTHON = (3, 11)
LEAST_MEMORY = 4.0
"""Memory below which training is slow or fails, GB."""

EXTRAS = {
    "lightning": "training; pip install 'chirpleaf[train]'",
    "ligo.skymap": "sky maps; pip install 'chirpleaf[sky]'",
    "gwpy": "not needed, chirpleaf reads GWOSC files itself",
}


@dataclass(frozen=True)
class Check:
    """One line of the doctor's table.

    Attributes:
        subject: what was checked.
        status: "ok", "warn" (works, with a limit) or "fail" (`infer` or `train` cannot work).
        finding: what was found.
        remedy: what to do; empty if nothing is necessary.
    """

    subject: str
    status: Status
    finding: str
    remedy: str = ""


def check_python() -> Check:
    """Checks the version of Python."""
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < OLDEST_PYTHON:
        return Check("python", "fail", found, "install Python 3.11 or newer")
    return Check("python", "ok", found)


def check_torch() -> Check:
    """Checks PyTorch, its threads, and whether bfloat16 is faster than float32."""
    import torch

    from chirpleaf.training.parallel.threads import bfloat16_pays

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two threads on a busy core wait for each other, here and in the checks that follow
    bfloat16 = "pays" if bfloat16_pays() else "does not pay"
    return Check("torch", "ok", f"{torch.__version__}, {threads} thread(s), bfloat16 {bfloat16} here")


def check_waveform() -> Check:
    """Checks one waveform of LALSimulation."""
    import numpy as np

    from chirpleaf.physics.waveforms import polarizations

    binary = {"mass_1": 36.0, "mass_2": 29.0, "chi_1": 0.0, "chi_2": 0.0}
    orbit = {"luminosity_distance": 400.0, "theta_jn": 0.0, "phase": 0.0}
    hp, _ = polarizations({**binary, **orbit}, np.arange(20.0, 200.0))
    if not 1e-24 < abs(hp[0, 0]) < 1e-21:
        return Check("waveforms", "fail", f"a strain of {abs(hp[0, 0]):.1e} at 20 Hz", "reinstall lalsuite")
    return Check("waveforms", "ok", f"lalsuite {version('lalsuite')}")


def check_events() -> Check:
    """Reads the embedded strain."""
    from chirpleaf.strain.events import events, load_event

    for name in events():
        load_event(name)
    return Check("events", "ok", ", ".join(events()))


def check_models() -> Check:
    """Loads the shipped models."""
    from chirpleaf.models import available_models, load_model

    names = [load_model(name).name for name in available_models()]
    if not names:
        return Check("models", "warn", "none is shipped", "train one and name its file: chirpleaf infer … --model FILE")
    return Check("models", "ok", ", ".join(names))


def check_folders() -> Iterator[Check]:
    """Checks that the folders of output and downloads are writable."""
    from chirpleaf.system.cache import cache_folder

    folders = {
        "output": (Path.cwd(), "change to a folder of yours, or give --out"),
        "downloads": (cache_folder(), "set CHIRPLEAF_CACHE to a folder of yours"),
    }
    for subject, (folder, remedy) in folders.items():
        standing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
        writable = standing.is_dir() and os.access(standing, os.W_OK)
        found = f"{folder} can{'' if writable else 'not'} be written to"
        yield Check(subject, "ok" if writable else "warn", found, "" if writable else remedy)


def check_extras() -> Iterator[Check]:
    """Lists the optional packages."""
    for name, purpose in EXTRAS.items():
        found = None
        with suppress(PackageNotFoundError, ModuleNotFoundError):
            found = version(name) if find_spec(name) else None
        yield Check(name, "ok", found or f"absent, optional: {purpose}")


def check_machine() -> Iterator[Check]:
    """Checks free cores and memory."""
    from chirpleaf.system.cores import free_cores

    cores = free_cores()
    yield Check("cores", "ok", f"{cores} of {os.cpu_count()} free")
    with suppress(AttributeError, ValueError, OSError):  # not available on every system
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
        tight = memory < LEAST_MEMORY
        remedy = f"training needs {LEAST_MEMORY:g} GB: lower `waveforms` in the preset"
        yield Check("memory", "warn" if tight else "ok", f"{memory:.1f} GB", remedy if tight else "")


SINGLE: dict[str, Callable[[], Check]] = {
    "python": check_python,
    "torch": check_torch,
    "waveforms": check_waveform,
    "events": check_events,
    "models": check_models,
}


def checks() -> Iterator[Check]:
    """Runs all checks. A check that raises an exception counts as failed and does not end the command."""
    for subject, check in SINGLE.items():
        try:
            yield check()
        except ChirpleafError as error:
            yield Check(subject, "fail", str(error))
        except Exception as error:  # a broken package may raise anything when imported
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
            yield Check(subject, "fail", reason, "install again: pip install --force-reinstall chirpleaf")
    yield from check_folders()
    yield from check_machine()
    yield from check_extras()
