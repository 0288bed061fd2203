"""Ranks: the processes of one training, as their launcher numbers them.

torchrun, mpirun (Open MPI; MPICH and Intel MPI by the names of Hydra) and srun tell each process its place through the
environment, so that one command trains under all of them and alone. One rank a node with all its threads, or several a
node that share them: both are the launcher's to say.
"""

import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, TypeVar

import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from torch import distributed

from chirpleaf.errors import InputError

T = TypeVar("T")

_PATIENCE = timedelta(minutes=30)
"""How long ranks wait for each other before training: making data takes some longer than others."""
_PORTS = range(20_000, 30_000)


class _Names(NamedTuple):
    """Environment variables of a launcher; `job` tells its jobs on a machine apart."""

    launcher: str
    rank: str
    size: str
    local_rank: str
    local_size: str
    job: str


_LAUNCHERS = (
    _Names("torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"),
    _Names(
        "mpirun",
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_LOCAL_RANK",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
        "PMIX_NAMESPACE",
    ),
    _Names("mpirun", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", "HYDI_CONTROL_FD"),
)


@dataclass(frozen=True)
class Ranks:
    """The place of this process among those of a job.

    Attributes:
        rank: its number, from 0.
        size: number of processes.
        local_rank: its number among those of its node.
        local_size: processes of its node; the same on each.
        address: host of rank 0.
        port: where rank 0 listens.

    Example:
        >>> Ranks.here(
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
    def here(cls, environment: Mapping[str, str] | None = None) -> "Ranks":
        """What the launcher says; a lone process where there is none.

        Args:
            environment: environment variables; the process's own when None.

        Raises:
            InputError: the ranks are on several nodes, and nothing says which of these has rank 0.
        """
        said = os.environ if environment is None else environment
        for names in _LAUNCHERS:
            if all(name in said for name in names[1:5]):
                rank, size, local_rank, local_size = (int(said[name]) for name in names[1:5])
                address, job = said.get("MASTER_ADDR"), said.get(names.job, "")
                break
        else:
            if "SLURM_STEP_NUM_TASKS" not in said or "SLURM_PROCID" not in said:
                return cls()
            rank, size = int(said["SLURM_PROCID"]), int(said["SLURM_STEP_NUM_TASKS"])
            local_rank, local_size = int(said["SLURM_LOCALID"]), size // int(said["SLURM_STEP_NUM_NODES"])
            nodes = SLURMEnvironment.resolve_root_node_address(said["SLURM_STEP_NODELIST"])
            address, job = said.get("MASTER_ADDR", nodes), said["SLURM_JOB_ID"]
        if address is None and local_size < size:
            raise InputError(
                "expected MASTER_ADDR, the host of rank 0, as the ranks are on several nodes; got none: export it, "
                "for instance by `mpirun -x MASTER_ADDR=$(hostname) ...`"
            )
        port = int(said.get("MASTER_PORT", _PORTS[zlib.crc32(job.encode()) % len(_PORTS)]))
        return cls(rank, size, local_rank, local_size, address or cls.address, port)

    @property
    def first(self) -> bool:
        """Whether this is the rank that writes."""
        return self.rank == 0

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Connects the ranks for as long as the context lasts: by NCCL on GPUs, by gloo on processors."""
        if self.size == 1:
            yield
            return
        distributed.init_process_group(
            "nccl" if torch.cuda.is_available() else "gloo",
            init_method=f"tcp://{self.address}:{self.port}",
            rank=self.rank,
            world_size=self.size,
            timeout=_PATIENCE,
        )
        try:
            yield
        finally:
            distributed.destroy_process_group()

    def agreed(self, value: T | None) -> T:
        """What rank 0 has: its value, on all ranks; they are joined."""
        box = [value]
        if self.size > 1:
            distributed.broadcast_object_list(box, src=0)
        return box[0]  # type: ignore[return-value]


ALONE = Ranks()
"""A process that trains by itself."""


class Launched(ClusterEnvironment):
    """Ranks as Lightning asks for them.

    Args:
        ranks: the place of this process.
    """

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks

    @property
    def creates_processes_externally(self) -> bool:
        """The launcher has made all processes."""
        return True

    @property
    def main_address(self) -> str:
        """Host of rank 0."""
        return self._ranks.address

    @property
    def main_port(self) -> int:
        """Port of rank 0."""
        return self._ranks.port

    @staticmethod
    def detect() -> bool:
        """Whether there is a launcher."""
        return Ranks.here().size > 1

    def world_size(self) -> int:
        """Number of ranks."""
        return self._ranks.size

    def set_world_size(self, size: int) -> None:
        """The launcher has set it."""

    def global_rank(self) -> int:
        """Number of this rank."""
        return self._ranks.rank

    def set_global_rank(self, rank: int) -> None:
        """The launcher has set it."""

    def local_rank(self) -> int:
        """Number of this rank on its node."""
        return self._ranks.local_rank

    def node_rank(self) -> int:
        """Number of this rank's node."""
        return self._ranks.rank // self._ranks.local_size
