"""Threads, worker processes and precision of a training, measured on the machine."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from chirpleaf.system.cores import free_cores
from chirpleaf.system.files import write_atomically
from chirpleaf.training.parallel.ranks import ALONE, Ranks

_MOST_WORKERS = 16
"""Greatest number of workers: more could be further apart than the margin of a bank; see `training.banks.bank`."""


@dataclass(frozen=True)
class Machine:
    """Cores and precision of a training. A resumed training keeps them, as rounding errors depend on both.

    Attributes:
        cores: number of cores in use.
        bfloat16: whether matrices are multiplied in bfloat16.
    """

    cores: int
    bfloat16: bool

    @property
    def workers(self) -> int:
        """Worker processes that simulate: half of the cores; both of two, as one training thread leaves them time."""
        return 2 if self.cores == 2 else min(self.cores // 2, _MOST_WORKERS)

    @property
    def threads(self) -> int:
        """Threads that train the network."""
        return self.cores - min(self.cores // 2, _MOST_WORKERS)

    @classmethod
    def choose(cls, path: Path, *, cores: int | None = None, resume: bool = False, ranks: Ranks = ALONE) -> "Machine":
        """Reads the choice of the interrupted training, or measures the machine and writes the choice.

        Args:
            path: JSON file of the choice.
            cores: cores to use; when None, those of the interrupted training or the free ones.
            resume: whether an interrupted training goes on.
            ranks: the place of this process; the ranks of a node share its free cores.

        Returns:
            The choice.
        """
        if resume and path.is_file():
            before = cls(**json.loads(path.read_text()))
            return cls(cores or before.cores, before.bfloat16)
        machine = cls(cores or max(1, free_cores() // ranks.local_size), bfloat16_pays())
        with write_atomically(path) as scratch:
            scratch.write_text(json.dumps(asdict(machine)))
        return machine


def bfloat16_pays(width: int = 512, rows: int = 256, repeats: int = 5) -> bool:
    """Whether matrices are multiplied faster in bfloat16 than in float32.

    A GPU has units for it or not; of a processor it is measured in some milliseconds.

    Args:
        width: size of the square matrix.
        rows: number of rows that it is multiplied with.
        repeats: repetitions, of which the fastest counts.
    """
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)

    def shortest_time(dtype: torch.dtype) -> float:
        left, right = torch.ones(rows, width, dtype=dtype), torch.ones(width, width, dtype=dtype)
        durations = []
        for _ in range(repeats):
            start = time.perf_counter()
            left @ right
            durations.append(time.perf_counter() - start)
        return min(durations)

    return shortest_time(torch.bfloat16) < shortest_time(torch.float32)
