"""Settings of the server: its limits, each with what it trades."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Gt

from chirpleaf.system.checks import check_settings
from chirpleaf.system.constraints import PositiveFloat, PositiveInt

Size = Annotated[int, Gt(0)]
"""Bytes."""


@dataclass(frozen=True)
class ServerSettings:
    """Limits of a server.

    Attributes:
        workers: processes that analyse, one thread each. More than cores slow each other down.
        queue: jobs that wait, those that are being uploaded among them. A longer queue refuses fewer requests, and
            keeps them waiting longer.
        upload_bytes: size of the body of a request. A larger one takes longer strain; 4096 s of three detectors at
            4096 Hz are 0.4 GB.
        json_bytes: size of a body without files.
        upload_seconds: time in which a body must arrive. More is kinder to slow networks, and lets a client that never
            ends hold its place in the queue for longer.
        header_seconds: time in which the head of a request must arrive on a connection.
        job_seconds: time that a job may take before it is ended. Longer jobs delay all that wait.
        keep_seconds: time for which a finished job is kept.
        disk_bytes: size of all job folders; the oldest finished jobs make room for new ones.
        jobs: most jobs that are kept, finished ones among them.
        connections: most connections at the same time; further ones are refused with 503.
        samples: most samples that a client may ask for; they decide how much memory and time a job takes.
        offline: whether strain of the open catalogues comes from the cache alone.
        sweep_seconds: time between two looks for jobs that have expired.
        start_seconds: time in which a worker must have loaded the models; it is replaced otherwise.
        folder: where job folders are made, in a new folder that only this user can read; None for the system's folder
            of temporary files.
    """

    workers: PositiveInt = 1
    queue: PositiveInt = 8
    upload_bytes: Size = 500_000_000
    json_bytes: Size = 65_536
    upload_seconds: PositiveFloat = 300.0
    header_seconds: PositiveFloat = 10.0
    job_seconds: PositiveFloat = 300.0
    keep_seconds: PositiveFloat = 86_400.0
    disk_bytes: Size = 5_000_000_000
    jobs: PositiveInt = 200
    connections: PositiveInt = 200
    samples: PositiveInt = 100_000
    offline: bool = False
    sweep_seconds: PositiveFloat = 30.0
    start_seconds: PositiveFloat = 300.0
    folder: Path | None = None

    def __post_init__(self) -> None:
        check_settings(self)
