"""Several ranks: their mean gradient equals that of one rank, their data differ, and the job ends if one dies."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from chirpleaf.system.products import RECORD
from chirpleaf.training.parallel.communication import Communication, bucket_sizes
from chirpleaf.training.parallel.ranks import ALONE
from chirpleaf.training.progress import read_history

PROGRAM = Path(__file__).parent / "programs" / "two_ranks.py"
SCRIPT = Path(sys.executable).with_name("chirpleaf")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]

PRESET = """
name: short
duration: 4
prior: {chirp_mass_min: 30}
templates: {phase_step: 12, ratio_step: 0.2, chi_eff: [0.0]}
root: {width: 16, n_blocks: 1}
n_context: 8
head: {kind: leaves, names: [mass_1, mass_2]}
simulation: {waveforms: 400, fresh: 2, validation_waveforms: 200, spectra: 16, batch_size: 32, validation_batches: 3}
schedule: {epochs: 8, batches: 20, warmup: 2, ema_decay: 0.9}
"""

Seen = dict[str, dict[str, Any]]
"""What one rank has seen, by case."""

Training = tuple[Path, subprocess.CompletedProcess[str]]
"""Folder and output of a training."""

EPOCHS = 8
NETWORK = "memory=false"
"""For what is of ranks on machines of their own."""

pytestmark = [pytest.mark.usefixtures("one_thread_and_a_seed"), pytest.mark.slow]


def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("two_ranks", PROGRAM)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["two_ranks"] = module
    spec.loader.exec_module(module)
    return module


def launch(folder: Path, ranks: int, cases: Sequence[str]) -> list[Seen]:
    """Runs the program; returns the records of each rank, by case."""
    command = [*TORCHRUN, str(ranks), PROGRAM, folder, *cases]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return [torch.load(folder / f"{rank}.pt") for rank in range(ranks)]


WAYS = {"memory": "", "network": f",{NETWORK}", "waiting": f",{NETWORK},ahead=false"}
CASES = (
    *(f"{kind}{way}" for kind in ("leaves", "density") for way in WAYS.values()),
    *(f"leaves,{option}{WAYS[way]}" for option in ("accumulate=2", "apart=true") for way in ("memory", "network")),
    f"leaves,bfloat16=true,{NETWORK}",
    "bayesian-leaves",
)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[Seen]:
    """Records of two ranks in all cases."""
    return launch(tmp_path_factory.mktemp("two"), 2, CASES)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["leaves", "density"])
def test_two_ranks_have_the_gradient_of_one_with_all_of_their_examples(
    two: list[Seen], tmp_path: Path, kind: str, way: str
) -> None:
    first, second = (seen[f"{kind}{WAYS[way]}"] for seen in two)
    one = program().gradients(tmp_path, kind, ALONE, whole=True)
    for ours, theirs, whole in zip(first["gradients"], second["gradients"], one["gradients"], strict=True):
        assert torch.equal(ours, theirs)
        assert (ours - whole).norm() < 1e-4 * whole.norm()
    assert len(one["gradients"]) == program().STEPS - 1
    torch.testing.assert_close(first["weights"], one["weights"], rtol=0, atol=1e-4)
    assert torch.equal(first["weights"], second["weights"])


@pytest.mark.parametrize("way", ["memory", "network"])
def test_two_ranks_that_accumulate_have_the_gradient_of_one_that_does(
    two: list[Seen], tmp_path: Path, way: str
) -> None:
    first, second = (seen[f"leaves,accumulate=2{WAYS[way]}"] for seen in two)
    one = program().gradients(tmp_path, "leaves", ALONE, whole=True, accumulate=2)
    assert len(one["gradients"]) == program().STEPS - 1
    for ours, theirs, whole in zip(first["gradients"], second["gradients"], one["gradients"], strict=True):
        assert torch.equal(ours, theirs)
        assert (ours - whole).norm() < 1e-4 * whole.norm()


@pytest.mark.parametrize("way", ["memory", "network"])
def test_ranks_begin_with_the_weights_of_the_first(two: list[Seen], tmp_path: Path, way: str) -> None:
    one = program().gradients(tmp_path, "leaves", ALONE, whole=True)
    for seen in two:
        torch.testing.assert_close(seen[f"leaves,apart=true{WAYS[way]}"]["weights"], one["weights"], rtol=0, atol=1e-4)


def test_each_rank_has_batches_and_draws_of_its_own(two: list[Seen]) -> None:
    first, second = (seen["bayesian-leaves"] for seen in two)
    assert (first["asked"], second["asked"]) == ([0, 2, 4], [1, 3, 5])
    assert len({*first["draws"], *second["draws"]}) == 6
    assert torch.equal(first["weights"], second["weights"])


def test_the_gradient_of_bayesian_leaves_is_unbiased_over_ranks() -> None:
    two_ranks = program()
    network, objective = two_ranks.problem("bayesian-leaves")

    def gradient(batch: Any, seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        network.zero_grad()
        objective.loss(network, batch).backward()
        return torch.cat([weight.grad.flatten() for weight in network.parameters()])

    halves, whole = two_ranks.Halves("bayesian-leaves"), two_ranks.Halves("bayesian-leaves", whole=True)
    alone = torch.stack([gradient(whole.batch(0), seed) for seed in range(400)])
    shared = torch.stack(
        [(gradient(halves.batch(0), 1000 + seed) + gradient(halves.batch(1), 2000 + seed)) / 2 for seed in range(400)]
    )
    error = ((alone.var(0) + shared.var(0)) / 400).sqrt()
    pull = ((alone.mean(0) - shared.mean(0)) / error.clamp(min=1e-12))[error > 1e-9]
    assert pull.abs().max() < 5
    assert pull.square().mean() == pytest.approx(1, abs=0.5)
    # Ranks whose draws were the same would have the same mean and a wider spread.
    assert (shared.var(0).sum() / alone.var(0).sum()) == pytest.approx(1, abs=0.15)


def test_gradients_in_bfloat16_are_rounded_and_no_more(two: list[Seen]) -> None:
    exact = two[0][f"leaves,{NETWORK}"]["gradients"][0]
    rounded, other = (seen[f"leaves,bfloat16=true,{NETWORK}"]["gradients"][0] for seen in two)
    assert torch.equal(rounded, other)
    assert not torch.equal(rounded, exact)
    assert torch.equal(rounded, rounded.bfloat16().float())
    torch.testing.assert_close(rounded, exact, rtol=0.01, atol=0.01 * float(exact.abs().max()))


def test_buckets_are_those_of_torch(two: list[Seen]) -> None:
    network, _ = program().problem("leaves")
    lengths = [weight.numel() for weight in network.parameters()]
    assert two[0][f"leaves,{NETWORK}"]["buckets"] == bucket_sizes(lengths, Communication(bucket=program().BUCKET))


def test_four_ranks_have_the_same_gradient_round_a_ring_on_a_grid_and_through_memory(tmp_path: Path) -> None:
    ring, grid, memory = f"leaves,{NETWORK}", f"leaves,{NETWORK},grid=true", "leaves"
    seen = launch(tmp_path, 4, (ring, grid, memory))
    gradients = {case: [torch.stack(rank[case]["gradients"]) for rank in seen] for case in (ring, grid, memory)}
    expected = gradients[ring][0]
    for found in chain(*gradients.values()):
        assert ((found - expected).norm(dim=1) < 1e-4 * expected.norm(dim=1)).all()
    assert all(torch.equal(found, gradients[memory][0]) for found in gradients[memory])


def train(
    preset: Path, out: Path, *options: str, wait: bool = True
) -> "subprocess.Popen[str] | subprocess.CompletedProcess[str]":
    if not preset.exists():
        preset.write_text(PRESET)
    command = [str(part) for part in (*TORCHRUN, 2, "--no-python", SCRIPT, "train", preset, "--out", out)]
    command += ["--cores", "1", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if wait:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ranks_of(launcher: int) -> list[int]:
    """Processes that a launcher has started."""
    tasks = Path(f"/proc/{launcher}/task").glob("*/children")
    children = [child for task in tasks for child in task.read_text().split()]
    return [int(child) for child in children if b"chirpleaf" in Path(f"/proc/{child}/cmdline").read_bytes()]


def curve(out: Path) -> list[tuple[float, float, float]]:
    return [(row["step"], row["loss"], row["validation_loss"]) for row in read_history(out / "history.csv")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """Folder and output of a training on two ranks that nothing interrupts."""
    folder = tmp_path_factory.mktemp("trained")
    ended = train(folder / "short.yaml", folder / "out")
    assert isinstance(ended, subprocess.CompletedProcess)
    assert ended.returncode == 0, ended.stderr
    return folder / "out", ended


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks the kernel for the ranks")
@pytest.mark.parametrize("memory", ["true", "false"], ids=["memory", "network"])
def test_a_rank_that_is_killed_ends_the_job_and_the_next_goes_on(
    trained: Training, tmp_path: Path, memory: str
) -> None:
    preset, broken, whole = tmp_path / "short.yaml", tmp_path / "broken", trained[0]
    preset.write_text(PRESET + f"communication: {{memory: {memory}}}\n")
    job = train(preset, broken, wait=False)
    assert isinstance(job, subprocess.Popen)
    while len(curve(broken)) < 2:
        assert job.poll() is None
        time.sleep(0.02)
    os.kill(ranks_of(job.pid)[1], signal.SIGKILL)
    began = time.monotonic()
    job.communicate(timeout=60)
    assert job.returncode != 0
    assert time.monotonic() - began < 60
    assert len(curve(broken)) < EPOCHS
    assert not (broken / "short.safetensors").exists()
    resumed = train(preset, broken, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    rows = (np.array(curve(folder)) for folder in (broken, whole))
    # `whole` averages through memory: to the bit the same sums, but rounded in another layout when clipped.
    np.testing.assert_allclose(*rows, rtol=0 if memory == "true" else 1e-4)
    assert [row[0] for row in curve(whole)] == [10 * epoch for epoch in range(1, EPOCHS + 1)]


def test_another_number_of_ranks_goes_on(chirpleaf: Callable[..., Any], tmp_path: Path) -> None:
    from chirpleaf.models import load

    preset, out = tmp_path / "short.yaml", tmp_path / "out"
    job = train(preset, out, wait=False)
    assert isinstance(job, subprocess.Popen)
    while len(curve(out)) < 2:
        assert job.poll() is None
        time.sleep(0.02)
    job.terminate()
    job.communicate(timeout=60)
    epochs = torch.load(out / "last.ckpt", weights_only=False)["done"] // 20  # the history may be one ahead
    ended = chirpleaf("train", preset, "--out", out, "--cores", 1, "--resume")  # alone, without a launcher
    assert ended.status == 0, ended.stderr
    steps = [row[0] for row in curve(out)]
    assert steps == [10 * epoch for epoch in range(1, epochs + 1)] + [
        10 * epochs + 20 * n for n in range(1, EPOCHS + 1 - epochs)
    ]
    assert load(out / "short.safetensors").provenance["metrics"]["samples"] == EPOCHS * 20 * 32


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is not installed")
def test_mpirun_starts_ranks_as_torchrun_does(trained: Training, tmp_path: Path) -> None:
    preset = tmp_path / "short.yaml"
    preset.write_text(PRESET)
    command = ["mpirun", "-n", "2", "--oversubscribe", SCRIPT, "train", preset, "--out", tmp_path / "mpirun"]
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*command, "--cores", "1"], env={**os.environ, **allowed}, check=True, capture_output=True, timeout=300
    )
    assert curve(tmp_path / "mpirun") == curve(trained[0])


def test_rank_0_alone_writes_and_speaks(trained: Training) -> None:
    out, ended = trained
    assert ended.stdout.count("wrote ") == 1
    assert {path.name for path in out.iterdir()} == {
        RECORD, "history.csv", "last.ckpt", "machine.json", "preset.yaml", "short.safetensors",
    }  # fmt: skip


def test_scale_times_ranks_and_predicts_more(chirpleaf: Callable[..., Any], tmp_path: Path) -> None:
    preset, out = tmp_path / "short.yaml", tmp_path / "scale"
    preset.write_text(PRESET)
    command = ("scale", preset, "--out", out, "--steps", 10, "--repeats", 1)
    ended = chirpleaf(*command)
    assert (ended.status, ended.stderr) == (0, "")
    found = json.loads((out / "scaling.json").read_text())["short"]
    assert found["step"]["seconds"] > found["step"]["backward"] > 0
    assert 0 < found["weak"]["2"] < 2
    assert set(found["predicted"]["on"]) == {str(2**power) for power in range(11)}
    assert (out / "scaling.png").read_bytes().startswith(b"\x89PNG")
    refused = chirpleaf(*command, "--overwrite", "--ranks", 33)
    assert refused.status == 2
    assert "expected at least an example for each of 33 ranks; got a batch of 32" in refused.stderr
