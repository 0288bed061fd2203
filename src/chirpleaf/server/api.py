"""The operations of the server: `/v1/...` for programs, `/` for people, `/openapi.json` for both."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import FastAPI, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from chirpleaf.report.page import hash_styles
from chirpleaf.server.guard import refuse
from chirpleaf.server.jobs import BusyError, Job, JobState
from chirpleaf.server.operations import DESCRIPTION, INFER_BODY, errors
from chirpleaf.server.pages import add_pages
from chirpleaf.server.schemas import EventDocument, EventQuery, HealthDocument, JobDocument, ModelDocument
from chirpleaf.server.service import Service
from chirpleaf.server.tasks import Choices, Inventory
from chirpleaf.server.uploads import RefusedError, explain, make_event_task, receive_task

CHUNK = 1 << 18
"""Bytes of a file that are sent at once."""

JobName = Annotated[str, Path(description="The `id` of a job.")]


class StartingError(Exception):
    """The first worker has not loaded the models yet."""


def create_app(service: Service) -> FastAPI:
    """Makes the application, which starts and stops a service with itself.

    Args:
        service: jobs and workers.

    Returns:
        The application; `guard.Guard` belongs around it.
    """

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        service.stop()

    app = FastAPI(
        title="chirpleaf",
        version=version("chirpleaf"),
        description=DESCRIPTION,
        lifespan=live,
        docs_url=None,  # both would load scripts from another site
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    _add_jobs(app, service)
    _add_lists(app, service)
    _add_error_answers(app)
    add_pages(app)
    return app


def _add_jobs(app: FastAPI, service: Service) -> None:
    """Operations on jobs."""
    location = {"Location": {"schema": {"type": "string"}, "description": "Address of the job."}}
    accepted: dict[int | str, dict[str, Any]] = {202: {"headers": location}}

    @app.post(
        "/v1/infer",
        status_code=202,
        tags=["jobs"],
        operation_id="infer",
        summary="Start an analysis",
        openapi_extra=INFER_BODY,
        responses={**accepted, **errors(400, 403, 408, 413, 415, 421, 422, 429)},
    )
    async def infer(request: Request, response: Response) -> JobDocument:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            job = _start_event(service, await request.body())
        elif kind == "multipart/form-data":
            job = await _start_upload(service, request)
        else:
            raise HTTPException(415, "expected application/json or multipart/form-data: set the header Content-Type")
        response.headers["Location"] = f"/v1/jobs/{job.name}"
        return JobDocument.describe(job, service.jobs.count_before(job))

    @app.get("/v1/jobs/{name}", tags=["jobs"], operation_id="show_job", responses=errors(404, 421))
    def show_job(name: JobName) -> JobDocument:
        """State, progress and summary of a job."""
        job = _find(service, name)
        return JobDocument.describe(job, service.jobs.count_before(job))

    @app.delete(
        "/v1/jobs/{name}", status_code=204, tags=["jobs"], operation_id="delete_job", responses=errors(403, 404, 421)
    )
    def delete_job(name: JobName) -> None:
        """End a job, if it is not done, and remove its files."""
        service.jobs.remove(_find(service, name))

    def add_file(path: str, file: str, media_type: str, what: str, headers: dict[str, str]) -> None:
        content: dict[str, Any] = {media_type: {"schema": {"type": "string", "format": "binary"}}}

        @app.get(
            f"/v1/jobs/{{name}}/{path}",
            tags=["jobs"],
            operation_id=f"get_{path.replace('.', '_')}",
            summary=what,
            response_class=Response,
            responses={200: {"content": content}, **errors(404, 409, 421, 422)},
        )
        def get_file(name: JobName) -> StreamingResponse:
            return _send_file(_find(service, name), file, media_type, headers)

    report_headers = {"content-security-policy": _make_report_policy(), "x-frame-options": "SAMEORIGIN"}
    add_file("report", "report.html", "text/html", "The report, one HTML page without scripts", report_headers)
    add_file("summary.json", "summary.json", "application/json", "Medians, intervals, verdict, provenance", {})
    download = {"content-disposition": 'attachment; filename="posterior.hdf5"'}
    add_file("posterior.hdf5", "posterior.hdf5", "application/x-hdf5", "All samples", download)


def _add_lists(app: FastAPI, service: Service) -> None:
    """Operations that say what there is."""

    @app.get("/v1/models", tags=["lists"], operation_id="list_models", responses=errors(421, 503))
    def list_models() -> list[ModelDocument]:
        """The shipped models."""
        return [ModelDocument(**one) for one in _get_inventory(service).models]

    @app.get("/v1/events", tags=["lists"], operation_id="list_events", responses=errors(421, 503))
    def list_events() -> list[EventDocument]:
        """The embedded events; any event of the open catalogues can be asked for as well."""
        return [EventDocument(**one) for one in _get_inventory(service).events]

    @app.get(
        "/healthz",
        tags=["lists"],
        operation_id="check_health",
        responses={503: {"model": HealthDocument, "description": "No worker is ready."}, **errors(421)},
    )
    def check_health(response: Response) -> HealthDocument:
        """Whether a worker is ready, and how many jobs there are."""
        waiting, running = service.jobs.count_waiting()
        ready = service.pool.n_ready
        response.status_code = 200 if ready else 503
        return HealthDocument(
            status="ok" if ready else "starting",
            workers=service.settings.workers,
            ready=ready,
            waiting=waiting,
            running=running,
        )


def _start_event(service: Service, body: bytes) -> Job:
    """Starts the analysis of a named event."""
    try:
        query = EventQuery.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise RefusedError(explain(error)) from error
    _check_choices(service, query.choose())
    job = service.jobs.open_job()
    service.jobs.enqueue(job, make_event_task(query, job.folder, offline=service.settings.offline))
    return job


async def _start_upload(service: Service, request: Request) -> Job:
    """Starts the analysis of files, which take their place in the queue before they are received."""
    length = int(request.headers.get("content-length", service.settings.upload_bytes))
    job = service.jobs.open_job(length)
    try:
        task = await receive_task(request, job.folder)
        _check_choices(service, task.choices)
    except BaseException:
        service.jobs.remove(job)
        raise
    service.jobs.enqueue(job, task)
    return job


def _check_choices(service: Service, choices: Choices) -> None:
    """Refuses what the server would only find out later."""
    model, samples = choices.model, choices.samples
    if samples > service.settings.samples:
        most = service.settings.samples
        raise RefusedError(f"samples: expected at most {most}, the bound of this server; got {samples}: ask for fewer")
    inventory = service.pool.inventory
    if model is not None and inventory is not None:
        known = [one["name"] for one in inventory.models]
        if model not in known:
            raise RefusedError(f"model: expected one of {', '.join(known)}; got {model!r}: name one of them")


def _get_inventory(service: Service) -> Inventory:
    if service.pool.inventory is None:
        raise StartingError
    return service.pool.inventory


def _find(service: Service, name: str) -> Job:
    job = service.jobs.find(name)
    if job is None:
        raise HTTPException(404, "expected the id of a job that is kept; got another: start one by POST /v1/infer")
    return job


def _send_file(job: Job, name: str, media_type: str, headers: dict[str, str]) -> StreamingResponse:
    """A file of a job that is done. It is opened here, so that a job that is removed meanwhile is sent to its end."""
    if job.state is JobState.FAILED and job.code == "input":
        raise RefusedError(job.message)
    if job.state is not JobState.DONE:
        raise HTTPException(409, f"expected a job that is done; got one that is {job.state}: look at its state first")
    try:
        file = (job.folder / name).open("rb")
    except FileNotFoundError as error:
        raise HTTPException(404, "expected a job that is kept; got one that was removed: start it again") from error

    def read() -> Iterator[bytes]:
        with file:
            while chunk := file.read(CHUNK):
                yield chunk

    size = file.seek(0, 2)
    file.seek(0)
    return StreamingResponse(read(), media_type=media_type, headers={**headers, "content-length": str(size)})


def _make_report_policy() -> str:
    """What the report may do: show its own styles and pictures, in a frame of this server's page or alone."""
    styles = " ".join(f"'{one}'" for one in hash_styles())
    return f"default-src 'none'; style-src {styles}; img-src data:; base-uri 'none'; frame-ancestors 'self'; sandbox"


def _add_error_answers(app: FastAPI) -> None:
    """Every refusal has the same form: a code, and one line."""

    @app.exception_handler(RefusedError)
    def refuse_content(_: Request, error: RefusedError) -> JSONResponse:
        return refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "content", str(error))

    @app.exception_handler(BusyError)
    def refuse_more(_: Request, error: BusyError) -> JSONResponse:
        message = f"expected fewer jobs at a time; {error.reason}: try again in {error.retry_after} s"
        return refuse(HTTPStatus.TOO_MANY_REQUESTS, "busy", message, {"Retry-After": str(error.retry_after)})

    @app.exception_handler(StartingError)
    def refuse_early(_: Request, __: StartingError) -> JSONResponse:
        message = "the server is loading its models: try again in a few seconds"
        return JSONResponse({"code": "starting", "message": message}, 503, {"Retry-After": "5"})

    @app.exception_handler(RequestValidationError)
    def refuse_parameters(_: Request, error: RequestValidationError) -> JSONResponse:
        return refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "content", str(error.errors()[0]["msg"]))

    @app.exception_handler(HTTPException)
    def refuse_request(_: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        code = re.sub(r"\W+", "_", status.phrase.lower())
        return JSONResponse({"code": code, "message": str(error.detail)}, status, dict(error.headers or {}))
