"""Importance of a root's filters for the leaves that share it."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from chirpleaf.errors import InputError
from chirpleaf.plots import style

DECADES = 4
"""What is less important than the greatest by so many powers of ten is drawn as nothing."""


@style.styled
def filter_importance(importance: Mapping[str, Sequence[ArrayLike]]) -> Figure:
    """Draw one panel a layer, with a row for each leaf and a column for each filter.

    Filters of a layer are sorted by their importance for all leaves together, and each leaf is on its own scale.

    Args:
        importance: By leaf, for each layer the importance of its filters, shape (filter,).

    Returns:
        The figure.

    Raises:
        InputError: If there is no leaf, or they do not share the layers.
    """
    if not importance or len({tuple(np.shape(layer) for layer in layers) for layers in importance.values()}) != 1:
        raise InputError("expected the importance of the same filters for at least one leaf; got others")
    leaves = list(importance)
    scaled = {name: _scaled(layers) for name, layers in importance.items()}
    layers = [np.stack(rows) for rows in zip(*scaled.values(), strict=True)]
    figure = style.figure(8.0, 0.9 + (0.42 + 0.2 * len(leaves)) * len(layers))
    panels = figure.subplots(len(layers), 1, squeeze=False)[:, 0]
    norm = LogNorm(10.0**-DECADES, 1.0, clip=True)
    for number, (axes, rows) in enumerate(zip(panels, layers, strict=True), start=1):
        order = np.argsort(-rows.mean(axis=0))
        image = axes.imshow(rows[:, order], norm=norm, cmap="cividis", aspect="auto", interpolation="nearest")
        axes.set_yticks(range(len(leaves)), [style.symbol(name) for name in leaves])
        axes.set_title(f"layer {number}: {rows.shape[1]} filters", loc="left", fontsize=10)
        axes.set_xticks([])
        axes.grid(False)
    panels[-1].set_xlabel("filters, the most important first")
    figure.colorbar(image, ax=list(panels), label="importance over the leaf's greatest", shrink=0.8)
    return figure


def _scaled(layers: Sequence[ArrayLike]) -> list[np.ndarray]:
    """Importance over the greatest of all layers."""
    arrays = [np.asarray(layer, np.float64) for layer in layers]
    greatest = max(float(layer.max()) for layer in arrays)
    return [layer / greatest if greatest > 0 else layer for layer in arrays]
