"""Importance of a root's filters for each of the leaves that share the root."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from chirpleaf.errors import InputError
from chirpleaf.plots import style

DECADES = 4
"""Dynamic range of the colour scale in powers of ten, below the largest importance of a leaf."""


@style.with_settings
def plot_filter_importance(importance: Mapping[str, Sequence[ArrayLike]]) -> Figure:
    """Draw one panel per layer, with a row for each leaf and a column for each filter.

    The filters of a layer are sorted by their mean importance over leaves. Each leaf has its own scale.

    Args:
        importance: By leaf, the importance of the filters of each layer, shape (filter,).

    Returns:
        The figure.

    Raises:
        InputError: If there is no leaf, or the leaves do not share the same layers.
    """
    if not importance or len({tuple(np.shape(layer) for layer in layers) for layers in importance.values()}) != 1:
        raise InputError("expected the importance of the same filters for at least one leaf; got others")
    leaves = list(importance)
    scaled = {name: _scale_to_maximum(layers) for name, layers in importance.items()}
    layers = [np.stack(rows) for rows in zip(*scaled.values(), strict=True)]
    figure = style.new_figure(8.0, 0.9 + (0.42 + 0.2 * len(leaves)) * len(layers))
    panels = figure.subplots(len(layers), 1, squeeze=False)[:, 0]
    norm = LogNorm(10.0**-DECADES, 1.0, clip=True)
    for number, (axes, rows) in enumerate(zip(panels, layers, strict=True), start=1):
        order = np.argsort(-rows.mean(axis=0))
        image = axes.imshow(rows[:, order], norm=norm, cmap="cividis", aspect="auto", interpolation="nearest")
        axes.set_yticks(range(len(leaves)), [style.symbol(name) for name in leaves])
        axes.set_title(f"layer {number}: {rows.shape[1]} filters", loc="left", fontsize=10)
        axes.set_xticks([])
        axes.grid(False)
    panels[-1].set_xlabel("filters, most important first")
    figure.colorbar(image, ax=list(panels), label="importance / maximum of the leaf", shrink=0.8)
    return figure


def _scale_to_maximum(layers: Sequence[ArrayLike]) -> list[np.ndarray]:
    """Divide the importance by its maximum over all layers."""
    arrays = [np.asarray(layer, np.float64) for layer in layers]
    greatest = max(float(layer.max()) for layer in arrays)
    return [layer / greatest if greatest > 0 else layer for layer in arrays]
