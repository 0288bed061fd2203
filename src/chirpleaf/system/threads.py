"""Threads: few, and only if there are free cores.

Two threads on a core that is already busy ran 25 times slower than one.
"""

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from chirpleaf.system.cores import available_cores

Item = TypeVar("Item")
Result = TypeVar("Result")


def use_one_numpy_thread() -> None:
    """Makes numpy's linear algebra run in one thread.

    One event is too little work for two: the second thread mostly waits, on a core that other work needs. Numpy reads
    the number when it is imported, so the call must come first. A number that the user has set stays.
    """
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def limit_numeric_threads() -> None:
    """Makes each process that is started from now on compute in one thread. Numbers that the user has set stay."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def map_in_threads(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> list[Result]:
    """Applies a function to items, in threads if there are free cores.

    Args:
        function: spends its time outside Python's global lock, and does not depend on the order of its calls.
        items: its arguments.
        threads: greatest number of threads. One is used if torch has several threads, which would wait for each other.

    Returns:
        Results, in the order of the items.
    """
    import torch  # noqa: PLC0415 - the module is used before torch, too

    items = list(items)
    if len(items) == 1:
        return [function(items[0])]
    count = min(threads, available_cores()) if torch.get_num_threads() == 1 else 1
    with ThreadPoolExecutor(count) as executor:
        return list(executor.map(function, items))
