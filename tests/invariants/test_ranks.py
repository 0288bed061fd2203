"""Ranks: the environment variables of each launcher."""

import pytest

from chirpleaf.errors import InputError
from chirpleaf.training.parallel.ranks import ALONE, Ranks

TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none",
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "4",
    "MASTER_ADDR": "node7",
    "MASTER_PORT": "29400",
}
OPEN_MPI = {
    "PMIX_NAMESPACE": "prterun-1",
    "OMPI_COMM_WORLD_RANK": "1",
    "OMPI_COMM_WORLD_SIZE": "2",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
}
HYDRA = {"PMI_RANK": "3", "PMI_SIZE": "4", "MPI_LOCALRANKID": "3", "MPI_LOCALNRANKS": "4"}
SRUN = {
    "SLURM_JOB_ID": "4711",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
    "SLURM_STEP_NUM_TASKS": "8",
    "SLURM_STEP_NUM_NODES": "4",
    "SLURM_STEP_NODELIST": "rack[07-10]",
}


@pytest.mark.parametrize(
    ("said", "rank", "size", "local_rank", "local_size", "address"),
    [
        (TORCHRUN, 5, 8, 1, 4, "node7"),
        (OPEN_MPI, 1, 2, 1, 2, "127.0.0.1"),
        (OPEN_MPI | {"OMPI_COMM_WORLD_LOCAL_SIZE": "1", "MASTER_ADDR": "head"}, 1, 2, 1, 1, "head"),
        (HYDRA, 3, 4, 3, 4, "127.0.0.1"),
        (SRUN, 3, 8, 1, 2, "rack07"),
        (SRUN | {"MASTER_ADDR": "elsewhere"}, 3, 8, 1, 2, "elsewhere"),
        (OPEN_MPI | SRUN, 1, 2, 1, 2, "127.0.0.1"),  # mpirun within an allocation
    ],
    ids=["torchrun", "mpirun", "mpirun on two nodes", "hydra", "srun", "srun with an address", "mpirun in SLURM"],
)
def test_a_launcher_says_where_a_process_is(
    said: dict[str, str], rank: int, size: int, local_rank: int, local_size: int, address: str
) -> None:
    found = Ranks.from_environment(said)
    assert (found.rank, found.size, found.local_rank, found.local_size) == (rank, size, local_rank, local_size)
    assert found.address == address
    assert found.first == (rank == 0)


@pytest.mark.parametrize(
    "said",
    [{}, {"RANK": "1"}, {name: value for name, value in SRUN.items() if "STEP" not in name}],
    ids=["nothing", "half of it", "a batch script without srun"],
)
def test_without_a_launcher_a_process_is_alone(said: dict[str, str]) -> None:
    assert Ranks.from_environment(said) == ALONE


def test_ranks_of_a_job_meet_and_jobs_do_not() -> None:
    others = {**OPEN_MPI, "OMPI_COMM_WORLD_RANK": "0"}
    assert Ranks.from_environment(others).port == Ranks.from_environment(OPEN_MPI).port
    assert (
        Ranks.from_environment({**OPEN_MPI, "PMIX_NAMESPACE": "prterun-2"}).port
        != Ranks.from_environment(OPEN_MPI).port
    )
    assert Ranks.from_environment(TORCHRUN).port == 29400


def test_ranks_on_several_nodes_must_know_the_first() -> None:
    with pytest.raises(InputError, match=r"expected MASTER_ADDR.*; got none: export it"):
        Ranks.from_environment(OPEN_MPI | {"OMPI_COMM_WORLD_LOCAL_SIZE": "1"})
