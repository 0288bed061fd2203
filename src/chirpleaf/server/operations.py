"""What the OpenAPI document says that FastAPI cannot find out: the two bodies of `POST /v1/infer`, and the refusals."""

from typing import Any

from chirpleaf.server.schemas import ErrorDocument, EventQuery, UploadQuery
from chirpleaf.server.uploads import DETECTORS

DESCRIPTION = (
    "Parameters of binary black hole mergers from gravitational-wave strain. `POST /v1/infer` starts a job and answers "
    "with its address; ask for it until `state` is `done` or `failed`. Nothing is kept for longer than the server says."
)

REASONS = {
    400: "The body is no form.",
    403: "The request comes from a page of another site.",
    404: "There is no such job.",
    408: "The request did not arrive in time.",
    409: "The job is not done.",
    413: "The body is too large.",
    415: "The body is neither JSON nor a form, or it is compressed.",
    421: "The header Host does not name this server.",
    422: "A field is missing, unknown, or has no value that can be used; or the data of a job cannot be analysed.",
    429: "The queue or the disk is full; `Retry-After` says when to try again.",
    503: "The server is loading its models.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of an operation, for FastAPI's `responses`.

    Args:
        statuses: status codes.
    """
    found: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorDocument, "description": REASONS[status]} for status in statuses
    }
    if 429 in found:
        retry = {"schema": {"type": "integer"}, "description": "Seconds."}
        found[429]["headers"] = {"Retry-After": retry}
    return found


def _make_upload_schema() -> dict[str, Any]:
    """The form with strain files."""
    schema = UploadQuery.model_json_schema()
    file = {"type": "string", "format": "binary"}
    for detector in DETECTORS:
        schema["properties"][f"strain_{detector}"] = {
            "type": "array",
            "items": file,
            "minItems": 1,
            "maxItems": 6,
            "description": f"Strain of {detector}: HDF5 of GWOSC, gwpy or pycbc, GWF, or text; in one file or several.",
        }
        schema["properties"][f"psd_{detector}"] = {**file, "description": f"Noise spectrum of {detector}."}
    schema["anyOf"] = [{"required": [f"strain_{detector}"]} for detector in DETECTORS]
    return schema


INFER_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": EventQuery.model_json_schema()},
            "multipart/form-data": {"schema": _make_upload_schema()},
        },
    }
}
"""The body of `POST /v1/infer`: JSON for a named event, a form for files."""
