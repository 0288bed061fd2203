"""The API keeps what its OpenAPI document says: schemathesis sends a server right and wrong requests."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from made_workers import run_made_worker
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from chirpleaf.server.api import create_app
from chirpleaf.server.guard import Guard
from chirpleaf.server.running import open_port
from chirpleaf.server.service import Service
from chirpleaf.server.settings import ServerSettings

EXAMPLES = 15
"""Requests of each operation and kind; more find rarer faults, at some milliseconds each."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    own = ServerSettings(workers=1, queue=10_000, jobs=100_000, folder=tmp_path_factory.mktemp("jobs"))
    app = Guard(create_app(Service(own, run_made_worker)), own)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
    with open_port("127.0.0.1", 0) as port:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [port]})
        thread.start()
        address = f"http://127.0.0.1:{port.getsockname()[1]}"
        while requests.get(f"{address}/healthz", timeout=60).status_code != 200:
            time.sleep(0.05)
        yield address
        server.should_exit = True
        thread.join()


def ask(operation: Any, mode: GenerationMode, checks: list[Any]) -> set[int]:
    """Makes requests of an operation, checks the answers, and returns their status codes."""
    seen: set[int] = set()

    @settings(
        max_examples=EXAMPLES if operation.body else 4,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask_once(case: Any) -> None:
        seen.add(case.call_and_validate(checks=checks).status_code)

    ask_once()
    return seen


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_api_is_what_its_document_says(mode: GenerationMode, address: str) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 9
    # A name of a model that fits the pattern may be unknown, and is refused with 422.
    checks = [check for check in CHECKS.get_all() if check.__name__ != "positive_data_acceptance"]
    if mode is GenerationMode.NEGATIVE:
        operations = [one for one in operations if one.body]  # any text may be the name of a job
    seen = {operation.definition.raw["operationId"]: ask(operation, mode, checks) for operation in operations}
    assert (202 in seen["infer"]) == (mode is GenerationMode.POSITIVE)
