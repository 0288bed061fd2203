"""Processes of one machine that share a list of tasks; one that dies costs its task alone, and is replaced."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from chirpleaf.system.processes import NewInterpreters, follow_parent

Result = TypeVar("Result")


@dataclass(frozen=True)
class Death:
    """The end of a process in the midst of a task.

    Attributes:
        reason: what is known of it.
    """

    reason: str


class _Worker(Generic[Result]):
    """A process that waits for tasks.

    Args:
        function: does a task.
    """

    def __init__(self, function: Callable[..., Result]) -> None:
        # A new interpreter: a fork of a process with threads may hang.
        context = NewInterpreters()
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, function), daemon=True)
        self.process.start()
        theirs.close()
        self.task = -1

    def give(self, number: int, arguments: tuple[Any, ...]) -> None:
        """Gives it a task."""
        self.task = number
        self.connection.send(arguments)

    def take(self) -> Result | Death:
        """Its result, when the connection is ready."""
        try:
            result: Result = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            code = self.process.exitcode
            how = f"signal {-code}" if code and code < 0 else f"exit code {code}"
            return Death(f"its process died ({how}), for want of memory perhaps: resume with fewer --workers")
        return result

    def end(self) -> None:
        """Ends it at once."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def map_in_processes(
    function: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], workers: int
) -> Generator[tuple[int, Result | Death], None, None]:
    """Calls a function for each task in processes.

    Args:
        function: picklable; must not raise.
        tasks: arguments of each call.
        workers: greatest number of processes.

    Yields:
        Number of a task and its result, in the order in which they end.
    """
    waiting = deque(enumerate(tasks))
    busy: list[_Worker[Result]] = []
    try:
        for number, arguments in [waiting.popleft() for _ in range(min(workers, len(waiting)))]:
            busy.append(_Worker(function))
            busy[-1].give(number, arguments)
        while busy:
            ready = wait([one.connection for one in busy])
            for worker in [one for one in busy if one.connection in ready]:
                result = worker.take()
                yield worker.task, result  # whoever takes it may record it before the next task begins
                if isinstance(result, Death) or not waiting:
                    worker.end()
                    busy.remove(worker)
                if waiting:
                    if isinstance(result, Death):
                        worker = _Worker(function)  # noqa: PLW2901 - in the place of the dead one
                        busy.append(worker)
                    worker.give(*waiting.popleft())
    finally:
        for worker in busy:
            worker.end()


def _serve(connection: "Connection[Any, Any]", function: Callable[..., Any]) -> None:
    """Does one task after the other until the other end is closed."""
    follow_parent()
    while True:
        try:
            arguments = connection.recv()
        except EOFError:
            return
        connection.send(function(*arguments))
