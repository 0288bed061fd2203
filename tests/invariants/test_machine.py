"""Cores and precision of a training, which a resumed training keeps."""

from pathlib import Path

import pytest

from chirpleaf.training.parallel import threads
from chirpleaf.training.parallel.threads import Machine


def test_a_resumed_run_keeps_precision_and_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "machine.json"
    monkeypatch.setattr(threads, "bfloat16_pays", lambda: True)
    begun = Machine.choose(path, cores=3)
    monkeypatch.setattr(threads, "bfloat16_pays", lambda: False)
    assert Machine.choose(path, resume=True) == begun == Machine(3, True)
    assert Machine.choose(path, cores=1, resume=True) == Machine(1, True)
    assert Machine.choose(path, cores=2) == Machine(2, False)


@pytest.mark.parametrize(("cores", "workers", "threads_"), [(1, 0, 1), (2, 2, 1), (5, 2, 3)])
def test_cores_are_shared_out(cores: int, workers: int, threads_: int) -> None:
    machine = Machine(cores, False)
    assert (machine.workers, machine.threads) == (workers, threads_)
