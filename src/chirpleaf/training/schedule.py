"""Schedule: how long and how fast a network is trained."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Scaling: TypeAlias = Literal["constant", "sqrt", "linear"]

_EXPONENTS: Mapping[Scaling, float] = {"constant": 0.0, "sqrt": 0.5, "linear": 1.0}


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        epochs: number of epochs.
        batches: batches in an epoch; a checkpoint and a validation follow each.
        learning_rate: greatest learning rate of AdamW.
        muon: that of Muon, for the matrices inside residual blocks; AdamW takes them like all others when None.
        warmup: steps over which they rise.
        weight_decay: of both.
        clip: greatest norm of the gradient.
        ema_decay: decay of the moving average per batch.
        cosine: whether the rate falls as a cosine over the whole length, or stays.
        accumulate: batches whose gradients a rank adds up before a step.
        scaling: how the learning rate grows with the batches of a step: not at all, as their root, or with them.
        stop_below: relative error on validation below which training ends early; None for none.
    """

    epochs: int = 40
    batches: int = 1000
    learning_rate: float = 2e-3
    muon: float | None = None
    warmup: int = 500
    weight_decay: float = 0.01
    clip: float = 5.0
    ema_decay: float = 0.999
    cosine: bool = True
    accumulate: int = 1
    scaling: Scaling = "sqrt"
    stop_below: float | None = None

    def rate(self, step: int, done: int | None = None, ranks: int = 1) -> float:
        """Learning rate at a step, over the greatest one of a lone rank that adds nothing up.

        Args:
            step: its number.
            done: batches that all ranks have trained on; one a step when None.
            ranks: number of ranks.
        """
        rise = min(1.0, (step + 1) / self.warmup) * (ranks * self.accumulate) ** _EXPONENTS[self.scaling]
        if not self.cosine:
            return rise
        share = (step if done is None else done) / (self.epochs * self.batches)
        return rise * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
