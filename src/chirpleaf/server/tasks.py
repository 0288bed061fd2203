"""What passes between the server and its workers: plain values as JSON, so that neither has to trust the other.

server -> worker: a `Task`. worker -> server: `Ready` once, then for each task any number of `Entered`, and one of
`Done` and `Failed`.
"""

import json
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

from chirpleaf.system.defaults import SAMPLES

Document: TypeAlias = dict[str, Any]
"""A JSON object for clients, whose content the server does not look at."""


@dataclass(frozen=True)
class Choices:
    """Choices of an analysis that do not depend on where the strain comes from.

    Attributes:
        model: name of a shipped model; chosen by the data if None.
        samples: number of draws.
        seed: seed of the draws.
        certify: whether the likelihood weights the draws; if the model allows it, when None.
        effective_samples: effective sample size that is wanted; half of `samples` if None.
        approximant: waveforms of the likelihood; the network's if None.
        prior: name of a preset; that of the catalogues if None.
    """

    model: str | None = None
    samples: int = SAMPLES
    seed: int = 0
    certify: bool | None = None
    effective_samples: int | None = None
    approximant: str | None = None
    prior: str | None = None


@dataclass(frozen=True)
class Task:
    """An analysis that a client asks for; every path in it was chosen by the server.

    Attributes:
        folder: where the results are written.
        choices: choices of the analysis.
        event: name of an event; None with `strain`.
        strain: detector name to files of its strain, in the order in which they came.
        psd: detector name to a file of its noise spectrum.
        trigger_time: GPS time of the merger, seconds, or UTC as text; needed with `strain`.
        detectors: detectors that are used; all with strain if None.
        offline: whether strain of the open catalogues comes from the cache alone.
        labels: path of an uploaded file to what messages call it.
    """

    folder: str
    choices: Choices
    event: str | None = None
    strain: dict[str, list[str]] = field(default_factory=dict)
    psd: dict[str, str] = field(default_factory=dict)
    trigger_time: float | str | None = None
    detectors: list[str] | None = None
    offline: bool = False
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inventory:
    """What a worker has.

    Attributes:
        models: a document for each shipped model.
        events: a document for each embedded event.
    """

    models: list[Document]
    events: list[Document]


@dataclass(frozen=True)
class Ready:
    """A worker has loaded its models."""

    inventory: Inventory


@dataclass(frozen=True)
class Entered:
    """A stage of the analysis begins.

    Attributes:
        stage: its name.
        percent: share of the time that has usually passed.
    """

    stage: str
    percent: int


@dataclass(frozen=True)
class Done:
    """The analysis is complete.

    Attributes:
        summary: verdict and main numbers, for clients.
    """

    summary: Document


@dataclass(frozen=True)
class Failed:
    """The analysis could not be made.

    Attributes:
        code: kind of the failure: "input" or "internal".
        message: one line for the client.
    """

    code: str
    message: str


Message: TypeAlias = Ready | Entered | Done | Failed
_KINDS: dict[str, type[Entered] | type[Done] | type[Failed]] = {one.__name__: one for one in (Entered, Done, Failed)}


def send(connection: Connection, content: Task | Message) -> None:
    """Sends a task or a message.

    Args:
        connection: end of a pipe.
        content: what is sent.

    Raises:
        OSError: the other side is gone.
    """
    document = {"kind": type(content).__name__, "content": asdict(content)}
    connection.send_bytes(json.dumps(document, allow_nan=False).encode())


def receive_task(connection: Connection) -> Task:
    """Receives a task; waits for it.

    Args:
        connection: the worker's end of the pipe.

    Raises:
        EOFError: the server is gone.
    """
    content = json.loads(connection.recv_bytes())["content"]
    return Task(**{**content, "choices": Choices(**content["choices"])})


def receive_message(connection: Connection) -> Message:
    """Receives what a worker says; waits for it.

    Args:
        connection: the server's end of the pipe.

    Raises:
        EOFError: the worker is gone.
    """
    document = json.loads(connection.recv_bytes())
    content = document["content"]
    if document["kind"] == Ready.__name__:
        return Ready(Inventory(**content["inventory"]))
    return _KINDS[document["kind"]](**content)
