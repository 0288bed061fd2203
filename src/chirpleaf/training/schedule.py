"""Settings of the optimisation: how long a network is trained, and at which learning rates."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from chirpleaf.system.constraints import FORBID_EXTRA, Fraction, NonNegativeFloat, PositiveFloat, PositiveInt

Scaling: TypeAlias = Literal["constant", "sqrt", "linear"]

_EXPONENTS: Mapping[Scaling, float] = {"constant": 0.0, "sqrt": 0.5, "linear": 1.0}


@dataclass(frozen=True)
class Schedule:
    """Length and learning rates of a training.

    Attributes:
        epochs: number of epochs.
        batches: batches in an epoch, of all ranks. Each epoch ends with a checkpoint and a validation: fewer batches
            lose less to an interruption and spend more time on validation.
        learning_rate: greatest learning rate of AdamW. A higher one trains faster until it diverges.
        muon: greatest learning rate of Muon, which is used for the matrices inside residual blocks and for the filters
            of convolutions; None uses AdamW for these as well.
        warmup: steps over which the learning rate rises linearly from zero. Longer warm-ups prevent early divergence
            at high rates.
        weight_decay: decay of the weights in both optimisers; more of it over-fits less and fits worse.
        clip: greatest norm of the gradient; longer gradients are shortened to it.
        ema_decay: decay of the exponential moving average of the weights per step. A decay closer to 1 averages over
            more steps: less noise, more lag.
        cosine: whether the learning rate falls to zero as a cosine over the whole training, or stays constant.
        accumulate: batches whose gradients a rank adds up before a step. More of them exchange gradients less often,
            at the price of fewer steps.
        scaling: growth of the learning rate with the number of batches in a step: none, with their root, or linear.
        compile: whether torch.compile makes one program of the root before the training. It needs a C++ compiler (and
            Triton on a GPU) and a minute or more at the beginning, and saves time in every step of a long training.
        stop_below: relative error on the validation batches below which training ends early; None never ends early.
    """

    epochs: PositiveInt = 40
    batches: PositiveInt = 1000
    learning_rate: PositiveFloat = 2e-3
    muon: PositiveFloat | None = None
    warmup: PositiveInt = 500
    weight_decay: NonNegativeFloat = 0.01
    clip: PositiveFloat = 5.0
    ema_decay: Fraction = 0.999
    cosine: bool = True
    accumulate: PositiveInt = 1
    scaling: Scaling = "sqrt"
    compile: bool = False
    stop_below: PositiveFloat | None = None

    __pydantic_config__: ClassVar = FORBID_EXTRA

    def rate(self, step: int, done: int | None = None, ranks: int = 1) -> float:
        """Learning rate at a step, relative to the greatest one of a single rank that accumulates nothing.

        Args:
            step: number of the step, from 0.
            done: batches that all ranks have trained on; one for each step when None.
            ranks: number of ranks.

        Returns:
            A factor on `learning_rate` and `muon`.
        """
        rise = min(1.0, (step + 1) / self.warmup) * (ranks * self.accumulate) ** _EXPONENTS[self.scaling]
        if not self.cosine:
            return rise
        progress = (step if done is None else done) / (self.epochs * self.batches)
        return rise * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
