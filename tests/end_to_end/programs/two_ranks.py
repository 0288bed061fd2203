"""What each rank does: trains three steps on its share of every global batch, and keeps what it sees.

Usage, under a launcher: two_ranks.py FOLDER CASE ..., where a case is KIND[,SWITCH=true|false ...][,accumulate=N]
[,apart=true]. Starting a rank takes longer than a case, so one launch does many.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from chirpleaf.models.targets import LeafTargets
from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings, RootLeaves
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import aligned_space
from chirpleaf.training.batch import Batch
from chirpleaf.training.engine import fit
from chirpleaf.training.objectives import EvidenceBound, LogScore, Objective, SquaredError
from chirpleaf.training.parallel.communication import Communication
from chirpleaf.training.parallel.ranks import ALONE, Ranks
from chirpleaf.training.schedule import Schedule

SIZE = 60
STEPS = 3
BUCKET = 0.002
"""MB: several in so small a network."""
TARGETS = LeafTargets(("mass_1", "mass_2"), aligned_space(IntrinsicPrior()))
KINDS = ("leaves", "bayesian-leaves", "density")


@dataclass
class Halves:
    """Batches of a linear problem; `whole` puts the two halves of a global batch together."""

    kind: str
    whole: bool = False
    asked: list[int] = field(default_factory=list)

    def batch(self, index: int) -> Batch:
        """The batch of an index."""
        self.asked.append(index)
        halves = [self._half(2 * index + part) for part in (0, 1)] if self.whole else [self._half(index)]
        return Batch(*(torch.cat(parts) for parts in zip(*halves, strict=True)))

    def _half(self, index: int) -> Batch:
        generator = torch.Generator().manual_seed(index)
        features = torch.randn(SIZE, 6, generator=generator)
        n_targets = 4 if self.kind == "density" else 2
        target = features[:, :n_targets] + 0.3 * torch.randn(SIZE, n_targets, generator=generator)
        weight = torch.rand(SIZE, generator=generator) + 0.5
        return Batch(features, target, torch.zeros(SIZE), torch.full((SIZE,), -torch.inf), weight)


def problem(kind: str, seed: int = 0) -> tuple[nn.Module, Objective]:
    """A network with fixed weights, without dropout, and what it is trained by."""
    torch.manual_seed(seed)
    root = ResidualSettings(width=16, n_blocks=1).build(6, 8)
    if kind == "density":
        return ConditionalDensity(root, MixtureSettings(n_components=3, n_hidden=8).build(8, 4)), LogScore()
    leaf = {"leaves": LeafSettings, "bayesian-leaves": BayesianLeafSettings}[kind]
    network = RootLeaves(root, TARGETS.names, lambda: leaf(TARGETS.names, width=16, dropout=0.0).build(8))
    return network, EvidenceBound(TARGETS, 1000) if kind == "bayesian-leaves" else SquaredError(TARGETS)


class Gradients(Callback):
    """Keeps the gradient of every step, and what the rank draws for its batches."""

    def __init__(self) -> None:
        self.steps: list[Tensor] = []
        self.draws: list[float] = []
        self.buckets: list[int] = []

    def on_before_zero_grad(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: object) -> None:
        """Keeps the averaged gradient of the step before, which is about to go."""
        gradients = [weight.grad.flatten() for weight in pl_module.parameters() if weight.grad is not None]
        if gradients:
            self.steps.append(torch.cat(gradients).clone())

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: object) -> None:
        """Draws what the network would draw next, and asks torch for its buckets."""
        self.draws.append(float(torch.rand(())))
        if isinstance(trainer.model, DistributedDataParallel):
            sizes = trainer.model._get_ddp_logging_data().get("rebuilt_bucket_sizes", "")
            self.buckets = [int(size) for size in str(sizes).split(",") if size.strip()]


def gradients(
    folder: Path,
    kind: str,
    ranks: Ranks,
    *,
    whole: bool = False,
    accumulate: int = 1,
    apart: bool = False,
    **switches: bool,
) -> dict:
    """Trains, and gives the gradients, the draws, the batches asked for and the weights.

    The ranks begin with weights of their own if they are to begin `apart`.
    """
    network, objective = problem(kind, seed=ranks.rank if apart else 0)
    kept, simulator = Gradients(), Halves(kind, whole)
    schedule = Schedule(
        epochs=1,
        batches=STEPS * ranks.size * accumulate,
        accumulate=accumulate,
        learning_rate=1e-3,
        warmup=1,
        clip=1e9,
        weight_decay=0,
        scaling="constant",
    )
    fit(
        network,
        simulator,  # type: ignore[arg-type]
        [Halves(kind).batch(10**6)],
        schedule,
        out=folder,
        objective=objective,
        ranks=ranks,
        communication=Communication(bucket=BUCKET, **switches),
        callbacks=[kept],
    )
    weights = torch.cat([weight.detach().flatten() for weight in network.parameters()])
    return {
        "gradients": kept.steps,
        "draws": kept.draws,
        "asked": simulator.asked,
        "weights": weights,
        "buckets": kept.buckets,
    }


def run_case(folder: Path, case: str, ranks: Ranks) -> dict:
    """Trains as a case says; see the usage."""
    kind, *options = case.split(",")
    values = dict(option.split("=") for option in options)
    accumulate = int(values.pop("accumulate", 1))
    folder.mkdir(parents=True, exist_ok=True)
    return gradients(
        folder, kind, ranks, accumulate=accumulate, **{name: value == "true" for name, value in values.items()}
    )


def main() -> None:
    """Writes what this rank has seen in each case into a file of its own."""
    folder, cases = Path(sys.argv[1]), sys.argv[2:]
    torch.set_num_threads(1)
    ranks = Ranks.from_environment()
    assert ranks != ALONE
    with ranks.connect():
        seen = {case: run_case(folder / case, case, ranks) for case in cases}
    torch.save(seen, folder / f"{ranks.rank}.pt")


if __name__ == "__main__":
    main()
