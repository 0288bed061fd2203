"""Error, size and latency of a leaf's sub-networks against the share of the root's filters they keep."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from chirpleaf.diagnostics.errors import SPINS, absolute_errors, relative_errors
from chirpleaf.models.decomposition import decompose
from chirpleaf.models.model import Model
from chirpleaf.networks.subnetwork import Filters, measure_filters
from chirpleaf.system.defaults import DECOMPOSITION_EVENTS
from chirpleaf.tokens import Tokens
from chirpleaf.training.data import build_simulator
from chirpleaf.training.simulation import Simulation

SHARES = (1.0, 0.75, 0.5, 0.25, 0.1, 0.05)
"""Default shares of the root's filters."""


MOST_EVENTS = 512
"""Largest number of events for measuring importance; it bounds the memory, since all activations are kept."""


@dataclass(frozen=True)
class Share:
    """A leaf's sub-network with a share of the root's filters.

    Attributes:
        keep: share of the filters.
        error: median error over simulated events, relative, or absolute for spins.
        parameters: number of weights of the sub-network.
        milliseconds: median latency for one event on the available threads.
        finetuned_error: the same error after further training; None without.
    """

    keep: float
    error: float
    parameters: int
    milliseconds: float
    finetuned_error: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Decomposition:
    """Sub-networks of a leaf.

    Attributes:
        leaf: name of the leaf.
        filters: importance of the root's filters for all leaves.
        shares: measurements of the sub-network with each share.
        models: the sub-network with each share, trained further where asked for.
    """

    leaf: str
    filters: Filters
    shares: tuple[Share, ...]
    models: Mapping[float, Model]


def measure_decomposition(
    model: Model,
    leaf: str,
    shares: Sequence[float] = SHARES,
    *,
    events: int = DECOMPOSITION_EVENTS,
    seed: int = 0,
    refine: Callable[[Model], Model] | None = None,
    track: Callable[[Iterable[float]], Iterable[float]] = iter,
) -> Decomposition:
    """Measure error, size and latency of the sub-networks of a leaf.

    Args:
        model: a model with leaves.
        leaf: name of the leaf.
        shares: shares of the root's filters to keep.
        events: number of simulated events for errors, drawn as in training. Importance is measured on other events.
        seed: seed of the events.
        refine: trains a sub-network that lacks filters further (`training.finetune`); None leaves it as it is.
        track: iterates over the shares and may display progress.

    Returns:
        The importance of the filters and the measurements for each share.

    Raises:
        InputError: as `models.decomposition.decompose`.
    """
    model.leaves.check_leaf(leaf)
    place = model.leaves.quantities.index(leaf)
    simulation = Simulation(waveforms=2 * events, spectra=min(events, 1024), batch_size=events)
    simulator = build_simulator(model.architecture, model.leaves, simulation, seed=seed)
    first, second = simulator.batch(0), simulator.batch(1)
    known = measure_filters(model.leaves.network, first.tokens.select(slice(MOST_EVENTS)))

    def measure_error(small: Model) -> float:
        targets = small.leaves.targets
        with torch.no_grad():
            found = targets.inv(small.leaves.network.estimate(second.tokens)[leaf][:, None])[leaf].numpy()
        truth = targets.inv(second.target[:, place, None])[leaf].numpy()
        errors = absolute_errors(found, truth) if leaf in SPINS else relative_errors(found, truth)
        return float(np.median(errors))

    rows, models = [], {}
    for keep in track(shares):
        small = decompose(model, leaf, keep, known)
        milliseconds = _time_estimate(small.leaves.network, second.tokens)
        row = Share(keep, measure_error(small), small.n_parameters, milliseconds)
        if refine is not None and keep < 1:
            small = refine(small)
            row = replace(row, finetuned_error=measure_error(small))
        rows.append(row)
        models[keep] = small
    return Decomposition(leaf, known, tuple(rows), models)


@torch.no_grad()
def _time_estimate(network: torch.nn.Module, tokens: Tokens, repeats: int = 100) -> float:
    one, times = tokens.select(slice(1)), []
    for _ in range(repeats):
        start = time.perf_counter()
        network.estimate(one)  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))
