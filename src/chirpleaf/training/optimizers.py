"""Optimisers: AdamW for all weights, or Muon for the matrices of a root and AdamW for the rest.

Muon is used for the matrices inside residual blocks and for the filters of convolutions, each layer of which is one
matrix with a row for each filter.

Muon (https://kellerjordan.github.io/posts/muon/) replaces the momentum of a matrix by the nearest orthogonal matrix, so
that a step changes all directions of the matrix by the same amount and not mostly those with the largest gradients. Its
learning rate is scaled by 0.2 sqrt(max(rows, columns)) as in arXiv:2502.16982, so that its steps are as large as
AdamW's.
"""

from collections.abc import Sequence
from typing import Any

import torch
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


class FilterMuon(Muon):
    """Muon for matrices and for the filters of convolutions, which it takes as matrices with a row for each filter.

    Args:
        weights: weights of two dimensions or more, contiguous in memory.
        options: keywords of `torch.optim.Muon`.
    """

    def __init__(self, weights: Sequence[Tensor], **options: Any) -> None:
        super().__init__([weight.detach().flatten(1) for weight in weights], **options)  # it takes matrices alone
        self.param_groups[0]["params"] = list(weights)

    def _init_group(self, group: Any, params: list[Tensor], grads: list[Tensor], buffers: list[Tensor]) -> bool:
        """Collects weights, gradients and momenta of a group, each as a matrix that shares the memory of the weight."""
        for weight in group["params"]:
            if "momentum_buffer" not in self.state[weight]:
                self.state[weight]["momentum_buffer"] = torch.zeros_like(weight, memory_format=torch.contiguous_format)
        has_complex = super()._init_group(group, params, grads, buffers)
        for tensors in (params, grads, buffers):
            tensors[:] = [tensor.flatten(1) for tensor in tensors]
        return has_complex


def make_optimizer(network: nn.Module, schedule: Schedule) -> Optimizer:
    """Makes the optimiser of a network.

    Args:
        network: the network.
        schedule: learning rates and weight decay.

    Returns:
        The optimiser.

    Raises:
        InputError: the schedule uses Muon, and the network has neither residual blocks nor convolutions.
    """
    matrices = root_matrices(network) if schedule.muon else []
    if schedule.muon and not matrices:
        raise InputError(
            "expected residual blocks or convolutions for schedule.muon; got a network without: leave it out of the "
            "preset"
        )
    chosen = {id(matrix) for matrix in matrices}
    others = [weight for weight in network.parameters() if id(weight) not in chosen]
    adam = AdamW(others, lr=schedule.learning_rate, weight_decay=schedule.weight_decay)
    if not schedule.muon:
        return adam
    muon = FilterMuon(matrices, lr=schedule.muon, weight_decay=schedule.weight_decay, adjust_lr_fn="match_rms_adamw")
    return CombinedOptimizer(adam, muon)


def root_matrices(network: nn.Module) -> list[Tensor]:
    """Weights of the linear layers inside a network's residual blocks, and of its convolutions.

    Args:
        network: the network.

    Returns:
        The weights: those of the blocks, in their order, then those of the convolutions.
    """
    blocks = [block for block in network.modules() if isinstance(block, ResidualBlock)]
    linear = [layer.weight for block in blocks for layer in block.layers if isinstance(layer, nn.Linear)]
    return linear + [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv1d)]
