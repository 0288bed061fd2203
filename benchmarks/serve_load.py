"""Load on `chirpleaf serve`: many clients at once, each answered or refused.

    python benchmarks/serve_load.py [--clients 50] [--workers 2] [--event GW150914] [--samples 1000]

Starts a server of its own on this machine, and prints three figures. Every client asks for one analysis at the same
moment: how many were accepted and refused, and how soon each was told. The accepted jobs: all must be done in the end.
While they run, every client asks for the state of a job ten times: how soon it was told.
"""

import argparse
import json
import logging
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any, NamedTuple

LOGGER = logging.getLogger("serve_load")
PATIENCE = 1200.0
"""Seconds after which the benchmark gives up."""


class Answer(NamedTuple):
    """Status, JSON document and seconds of a request."""

    status: int
    document: dict[str, Any]
    seconds: float


def ask(port: int, method: str, path: str, query: dict[str, Any] | None = None) -> Answer:
    """Makes a request on a connection of its own."""
    begin = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        body = None if query is None else json.dumps(query)
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        response = connection.getresponse()
        content = response.read()
        return Answer(response.status, json.loads(content), time.perf_counter() - begin)
    finally:
        connection.close()


def start_server(workers: int) -> tuple[subprocess.Popen[str], int]:
    """Starts a server on a free port, and waits until all its workers are ready."""
    command = [sys.executable, "-m", "chirpleaf", "serve", "--port", "0", "--workers", str(workers)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    found = re.search(r":(\d+) ", server.stdout.readline())
    assert found, "the server did not say its address"
    port = int(found[1])
    deadline = time.monotonic() + PATIENCE
    while ask(port, "GET", "/healthz").document["ready"] < workers:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return server, port


def run_together(clients: int, request: Callable[[int], Answer]) -> list[Answer]:
    """Has every client make a request at the same moment."""
    barrier = threading.Barrier(clients)

    def run(client: int) -> Answer:
        barrier.wait()
        return request(client)

    with ThreadPoolExecutor(clients) as executor:
        return list(executor.map(run, range(clients)))


def describe(answers: list[Answer]) -> str:
    """Statuses, and quantiles of the time."""
    seconds = [answer.seconds for answer in answers]
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(Counter(a.status for a in answers).items()))
    return (
        f"{statuses}; p50 {1000 * cuts[49]:.0f} ms, p99 {1000 * cuts[98]:.0f} ms, longest {1000 * max(seconds):.0f} ms"
    )


def wait_for_jobs(port: int, jobs: list[str]) -> Counter[str]:
    """Waits for all jobs; their final states."""
    deadline = time.monotonic() + PATIENCE
    while True:
        states = Counter(ask(port, "GET", job).document["state"] for job in jobs)
        if not states["queued"] and not states["running"]:
            return states
        assert time.monotonic() < deadline
        time.sleep(0.5)


def main() -> None:
    """Measures and prints."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--event", default="GW150914")
    parser.add_argument("--samples", type=int, default=1000)
    arguments = parser.parse_args()
    server, port = start_server(arguments.workers)
    try:
        begin = time.perf_counter()
        query = {"event": arguments.event, "samples": arguments.samples}
        answers = run_together(arguments.clients, lambda _: ask(port, "POST", "/v1/infer", query))
        refused = sum(answer.status == 429 for answer in answers) / len(answers)
        LOGGER.info("analyses asked for: %s; refused %.0f %%", describe(answers), 100 * refused)
        jobs = [answer.document["links"]["self"] for answer in answers if answer.status == 202]
        states = []
        for _ in range(10):
            states += run_together(arguments.clients, lambda client: ask(port, "GET", jobs[client % len(jobs)]))
        LOGGER.info("states asked for:   %s", describe(states))
        ended = wait_for_jobs(port, jobs)
        LOGGER.info("accepted jobs:      %s; the last after %.1f s", dict(ended), time.perf_counter() - begin)
    finally:
        server.send_signal(signal.SIGTERM)
        LOGGER.info("the server ended with exit code %d", server.wait(60))


if __name__ == "__main__":
    main()
