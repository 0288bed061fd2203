"""Ranks: the processes of one training, numbered by the launcher that started them.

torchrun, mpirun (Open MPI; MPICH and Intel MPI through Hydra's variables) and srun describe the place of each process
in its environment, so the same command trains under each of them and alone. The launcher decides whether a node runs
one rank with all of its threads or several ranks that share them.
"""

import os
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, TypeVar

import torch
from torch import distributed

from chirpleaf.errors import InputError

T = TypeVar("T")

_START_TIMEOUT = timedelta(minutes=30)
"""Time for which ranks wait for each other before the training: some need longer than others to simulate their data."""
_PORTS = range(20_000, 30_000)
"""Ports on which rank 0 may listen; which one follows from the number of the job, so that jobs do not meet."""


class _Variables(NamedTuple):
    """Names of the environment variables of a launcher; `job` distinguishes its jobs on one machine."""

    launcher: str
    rank: str
    size: str
    local_rank: str
    local_size: str
    job: str


_LAUNCHERS = (
    _Variables("torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"),
    _Variables(
        "mpirun",
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_LOCAL_RANK",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
        "PMIX_NAMESPACE",
    ),
    _Variables("mpirun", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", "HYDI_CONTROL_FD"),
)


@dataclass(frozen=True)
class Ranks:
    """The place of this process among the ranks of a job.

    Attributes:
        rank: number of this rank, from 0.
        size: number of ranks.
        local_rank: number of this rank on its node, from 0.
        local_size: ranks on each node.
        address: host of rank 0.
        port: port on which rank 0 listens.

    Example:
        >>> Ranks.from_environment(
        ...     {
        ...         "OMPI_COMM_WORLD_RANK": "1",
        ...         "OMPI_COMM_WORLD_SIZE": "2",
        ...         "OMPI_COMM_WORLD_LOCAL_RANK": "1",
        ...         "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
        ...     }
        ... ).rank
        1
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    address: str = "127.0.0.1"
    port: int = _PORTS.start

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Ranks":
        """The place that the launcher assigned; a single rank without a launcher.

        Args:
            environment: environment variables; those of the process when None.

        Returns:
            The place of this process.

        Raises:
            InputError: the ranks are on several nodes, and no variable gives the host of rank 0.
        """
        variables = os.environ if environment is None else environment
        for names in _LAUNCHERS:
            if all(name in variables for name in names[1:5]):
                rank, size, local_rank, local_size = (int(variables[name]) for name in names[1:5])
                address, job = variables.get("MASTER_ADDR"), variables.get(names.job, "")
                break
        else:
            if "SLURM_STEP_NUM_TASKS" not in variables or "SLURM_PROCID" not in variables:
                return cls()
            rank, size = int(variables["SLURM_PROCID"]), int(variables["SLURM_STEP_NUM_TASKS"])
            local_rank, local_size = int(variables["SLURM_LOCALID"]), size // int(variables["SLURM_STEP_NUM_NODES"])
            first_node = _first_slurm_node(variables["SLURM_STEP_NODELIST"])
            address, job = variables.get("MASTER_ADDR", first_node), variables["SLURM_JOB_ID"]
        if address is None and local_size < size:
            raise InputError(
                "expected MASTER_ADDR, the host of rank 0, as the ranks are on several nodes; got none: export it, "
                "for instance by `mpirun -x MASTER_ADDR=$(hostname) ...`"
            )
        port = int(variables.get("MASTER_PORT", _PORTS[zlib.crc32(job.encode()) % len(_PORTS)]))
        return cls(rank, size, local_rank, local_size, address or cls.address, port)

    @property
    def first(self) -> bool:
        """Whether this is rank 0, which writes all files."""
        return self.rank == 0

    @contextmanager
    def connect(self) -> Iterator[None]:
        """Connects the ranks while the context lasts: by NCCL on GPUs, by gloo on processors.

        Raises:
            InputError: there are GPUs, but fewer than ranks on this node.
        """
        if self.size == 1:
            yield
            return
        on_gpus = torch.cuda.is_available()
        if on_gpus:
            self._take_gpu(torch.cuda.device_count())
        distributed.init_process_group(
            "nccl" if on_gpus else "gloo",
            init_method=f"tcp://{self.address}:{self.port}",
            rank=self.rank,
            world_size=self.size,
            timeout=_START_TIMEOUT,
        )
        try:
            yield
        finally:
            distributed.destroy_process_group()

    def _take_gpu(self, available: int) -> None:
        """Makes the GPU with this rank's number on the node its own: NCCL sends even numbers and text through it."""
        if self.local_size > available:
            raise InputError(
                f"expected at most a rank for each of {available} GPUs of a node; got {self.local_size}: start fewer, "
                "or hide the GPUs by CUDA_VISIBLE_DEVICES= to train on processors"
            )
        torch.cuda.set_device(self.local_rank)

    def broadcast(self, value: T | None) -> T:
        """Sends a value from rank 0 to all ranks, which are connected.

        Args:
            value: the value on rank 0; ignored on the others.

        Returns:
            The value of rank 0.
        """
        box = [value]
        if self.size > 1:
            distributed.broadcast_object_list(box, src=0)
        return box[0]  # type: ignore[return-value]


ALONE = Ranks()
"""A single process without a launcher."""


def _first_slurm_node(nodes: str) -> str:
    """First host of a SLURM node list: rack07 of `rack[07-10,12],rack20`."""
    first = re.match(r"([^,\[]*)(?:\[([^],-]*))?", nodes.split(" ", maxsplit=1)[0])
    return "" if first is None else "".join(part or "" for part in first.groups())
