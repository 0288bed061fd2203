"""How many threads, and whether bfloat16: asked of the machine, never assumed."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from chirpleaf.system.cores import free_cores
from chirpleaf.system.files import write_atomically
from chirpleaf.training.parallel.ranks import ALONE, Ranks

_MOST_WORKERS = 16
"""More would be further ahead of each other than a bank's margin; see `training.banks.bank`."""


@dataclass(frozen=True)
class Machine:
    """What a training takes of its machine. A resumed run keeps it, for the rounding depends on both.

    Attributes:
        cores: cores in use.
        bfloat16: whether matrices are multiplied in bfloat16.
    """

    cores: int
    bfloat16: bool

    @property
    def workers(self) -> int:
        """Processes that simulate: half of the cores; of two both, for one training thread leaves room beside it."""
        return 2 if self.cores == 2 else min(self.cores // 2, _MOST_WORKERS)

    @property
    def threads(self) -> int:
        """Threads that train."""
        return self.cores - min(self.cores // 2, _MOST_WORKERS)

    @classmethod
    def settled(cls, path: Path, *, cores: int | None = None, resume: bool = False, ranks: Ranks = ALONE) -> "Machine":
        """What the interrupted run wrote, or what is measured now, and written.

        Args:
            path: the file.
            cores: cores to use; those of the interrupted run, else those that are free when None.
            resume: whether a run is gone on with.
            ranks: the place of this process: the free cores are shared out among those of its node.
        """
        if resume and path.is_file():
            before = cls(**json.loads(path.read_text()))
            return cls(cores or before.cores, before.bfloat16)
        machine = cls(cores or max(1, free_cores() // ranks.local_size), bfloat16_pays())
        with write_atomically(path) as scratch:
            scratch.write_text(json.dumps(asdict(machine)))
        return machine


def bfloat16_pays(width: int = 512, rows: int = 256, repeats: int = 5) -> bool:
    """Whether this processor multiplies matrices faster in bfloat16 than in float32 (measured, some milliseconds).

    Args:
        width: size of the square matrix.
        rows: rows that it multiplies.
        repeats: the best of so many is taken.
    """

    def best(dtype: torch.dtype) -> float:
        left, right = torch.ones(rows, width, dtype=dtype), torch.ones(width, width, dtype=dtype)
        durations = []
        for _ in range(repeats):
            start = time.perf_counter()
            left @ right
            durations.append(time.perf_counter() - start)
        return min(durations)

    return best(torch.bfloat16) < best(torch.float32)
