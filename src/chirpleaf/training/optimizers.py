"""Optimisers: AdamW for all weights, or Muon for the matrices inside residual blocks and AdamW for the rest.

Muon (https://kellerjordan.github.io/posts/muon/) replaces the momentum of a matrix by the nearest orthogonal matrix, so
that a step changes all directions of the matrix by the same amount and not mostly those with the largest gradients. Its
learning rate is scaled by 0.2 sqrt(max(rows, columns)) as in arXiv:2502.16982, so that its steps are as large as
AdamW's.
"""

from typing import Any

from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer

from chirpleaf.errors import InputError
from chirpleaf.networks.residual import ResidualBlock
from chirpleaf.training.schedule import Schedule


class CombinedOptimizer(Optimizer):
    """Several optimisers with separate parameters, used as one.

    They share one state and one list of parameter groups, so checkpoints and schedulers see one optimiser.

    Args:
        optimizers: optimisers that have not made a step yet.
    """

    def __init__(self, *optimizers: Optimizer) -> None:
        self._optimizers = optimizers
        super().__init__([group for part in optimizers for group in part.param_groups], {})
        self._share_state()

    def step(self, closure: Any = None) -> Any:
        """Makes a step with each optimiser.

        Args:
            closure: computes the loss, and is called first.

        Returns:
            The loss, or None without a closure.
        """
        loss = closure() if closure else None
        for part in self._optimizers:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads the state of all optimisers.

        Args:
            state_dict: the result of `state_dict`.
        """
        super().load_state_dict(state_dict)
        self._share_state()

    def _share_state(self) -> None:
        groups = iter(self.param_groups)
        for part in self._optimizers:
            part.state = self.state
            part.param_groups = [next(groups) for _ in part.param_groups]


def make_optimizer(network: nn.Module, schedule: Schedule) -> Optimizer:
    """Makes the optimiser of a network.

    Args:
        network: the network.
        schedule: learning rates and weight decay.

    Returns:
        The optimiser.

    Raises:
        InputError: the schedule uses Muon, and the network has no residual blocks.
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
    return CombinedOptimizer(adam, muon)


def block_matrices(network: nn.Module) -> list[Tensor]:
    """Weight matrices of the linear layers inside a network's residual blocks.

    Args:
        network: the network.

    Returns:
        The matrices, in the order of the blocks.
    """
    blocks = [block for block in network.modules() if isinstance(block, ResidualBlock)]
    return [layer.weight for block in blocks for layer in block.layers if isinstance(layer, nn.Linear)]
