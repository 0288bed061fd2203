"""Optimizers: AdamW for everything, or Muon for the matrices inside residual blocks and AdamW for the rest.

Muon (https://kellerjordan.github.io/posts/muon/) takes the momentum of a matrix to the nearest orthogonal one before
it follows it, so that a step moves all directions of the matrix alike and not only those of the greatest gradients. Its
rate is scaled by 0.2 sqrt(max(rows, columns)), as arXiv:2502.16982 does, so that its steps are as large as AdamW's.
"""

from typing import Any

from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer

from chirpleaf.errors import InputError
from chirpleaf.networks.residual import ResidualBlock
from chirpleaf.training.schedule import Schedule


class Together(Optimizer):
    """Several optimizers, each of parameters of its own, as one.

    The state and the groups are one, which each of them sees its own of, so checkpoints and schedules need not know.

    Args:
        parts: the optimizers, not stepped yet.
    """

    def __init__(self, *parts: Optimizer) -> None:
        self._parts = parts
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._share()

    def step(self, closure: Any = None) -> Any:
        """A step of each, after the closure."""
        loss = closure() if closure else None
        for part in self._parts:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes the state over, for all of them."""
        super().load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        groups = iter(self.param_groups)
        for part in self._parts:
            part.state = self.state
            part.param_groups = [next(groups) for _ in part.param_groups]


def optimizer(network: nn.Module, schedule: Schedule) -> Optimizer:
    """What a network is trained by.

    Args:
        network: the network.
        schedule: rates and decay of the weights.

    Raises:
        InputError: Muon is asked for, and there are no residual blocks.
    """
    matrices = block_matrices(network) if schedule.muon else []
    if schedule.muon and not matrices:
        raise InputError(
            "expected residual blocks for schedule.muon; got a network without: leave it out of the preset"
        )
    chosen = {id(matrix) for matrix in matrices}
    others = [weight for weight in network.parameters() if id(weight) not in chosen]
    adam = AdamW(others, lr=schedule.learning_rate, weight_decay=schedule.weight_decay)
    if not schedule.muon:
        return adam
    muon = Muon(matrices, lr=schedule.muon, weight_decay=schedule.weight_decay, adjust_lr_fn="match_rms_adamw")
    return Together(adam, muon)


def block_matrices(network: nn.Module) -> list[Tensor]:
    """The matrices inside a network's residual blocks."""
    blocks = [block for block in network.modules() if isinstance(block, ResidualBlock)]
    return [layer.weight for block in blocks for layer in block.layers if isinstance(layer, nn.Linear)]
