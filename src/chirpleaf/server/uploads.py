"""Uploads: the fields and files of a form become a task, and files get names of the server's own.

The name that a client gives a file is never looked at. Formats are recognised by content, by the readers of `infer`,
which bound what damaged and hostile files can do (`system.limits`).
"""

import shutil
from pathlib import Path
from typing import BinaryIO, get_args

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from chirpleaf.server.schemas import Detector, EventQuery, UploadQuery
from chirpleaf.server.tasks import Task
from chirpleaf.server.worker import UPLOADS

DETECTORS: tuple[str, ...] = get_args(Detector)
MOST_FILES = 24
"""Most files of a form; strain may come in several files that follow each other."""
MOST_FIELDS = 16
"""Most other fields of a form."""


class RefusedError(Exception):
    """A request that cannot be carried out, status 422; the message is one line for the client."""


def explain(error: ValidationError) -> str:
    """The faults that pydantic found, in one line.

    Args:
        error: its exception.
    """
    faults = (f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors())
    text = " ".join("; ".join(faults).split())[:500]
    return text.encode(errors="backslashreplace").decode()


def make_event_task(query: EventQuery, folder: Path, *, offline: bool) -> Task:
    """The task of a named event.

    Args:
        query: what the client asks for.
        folder: folder of the job.
        offline: whether strain of the open catalogues comes from the cache alone.
    """
    detectors = None if query.detectors is None else list[str](query.detectors)
    return Task(str(folder), query.choose(), event=query.event, detectors=detectors, offline=offline)


async def receive_task(request: Request, folder: Path) -> Task:
    """Receives a form with strain files, and saves these.

    Args:
        request: the request; its body is bounded in size and time (`guard`).
        folder: folder of the job.

    Raises:
        RefusedError: a field is missing, unknown, or has no value that can be used.
        HTTPException: the body is too long, too late, or no form.
    """
    async with request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS) as form:
        query = _parse_fields(form)
        strain, psd = _find_files(form, "strain_"), _find_files(form, "psd_")
        if not strain:
            raise RefusedError("strain_H1: expected at least one strain file; got none: add one for each detector")
        if any(len(files) > 1 for files in psd.values()) or not set(psd) <= set(strain):
            raise RefusedError("psd: expected at most one noise spectrum, for a detector with strain: leave others out")
        (folder / UPLOADS).mkdir(mode=0o700)
        saved: dict[str, dict[str, list[str]]] = {}
        labels: dict[str, str] = {}
        for kind, files in (("strain", strain), ("psd", psd)):
            saved[kind] = {}
            for detector, several in files.items():
                paths = [folder / UPLOADS / f"{kind}-{detector}-{place}" for place in range(len(several))]
                for path, file in zip(paths, several, strict=True):
                    await run_in_threadpool(_save, file.file, path)
                saved[kind][detector] = [str(path) for path in paths]
                labels |= {str(path): f"the file of {kind}_{detector}" for path in paths}
    return Task(
        str(folder),
        query.choose(),
        strain=saved["strain"],
        psd={detector: files[0] for detector, files in saved["psd"].items()},
        trigger_time=query.trigger_time,
        labels=labels,
    )


def _parse_fields(form: FormData) -> UploadQuery:
    """The fields of a form that are no files."""
    known = {f"{kind}_{detector}" for kind in ("strain", "psd") for detector in DETECTORS}
    fields: dict[str, str] = {}
    for name, value in form.multi_items():
        if name in known:
            continue
        if isinstance(value, UploadFile):
            raise RefusedError(f"{name[:40]!r}: expected files as strain_H1 or psd_H1 alone: correct the name")
        if name in fields:
            raise RefusedError(f"{name[:40]!r}: expected the field once: leave one out")
        fields[name] = value
    try:
        return UploadQuery.model_validate(fields)
    except ValidationError as error:
        raise RefusedError(explain(error)) from error


def _find_files(form: FormData, prefix: str) -> dict[str, list[UploadFile]]:
    """The files of each detector; those that a browser sends where nothing was chosen are none."""
    found: dict[str, list[UploadFile]] = {}
    for detector in DETECTORS:
        for value in form.getlist(prefix + detector):
            if not isinstance(value, UploadFile):
                if value == "":
                    continue
                raise RefusedError(f"{prefix}{detector}: expected a file; got text: send it as a file")
            if value.size or value.filename:
                found.setdefault(detector, []).append(value)
    return found


def _save(source: BinaryIO, path: Path) -> None:
    with path.open("xb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
