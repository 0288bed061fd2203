"""The figures that `chirpleaf infer` writes, and the function by which every verb writes its own."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from chirpleaf.system.files import write_files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from chirpleaf.inference import PreparedData
    from chirpleaf.result import LeafEstimates, Posterior

BAND = (30.0, 400.0)
"""Lower and upper frequency of the whitened strain in the figure, Hz."""

SIGNALS = 40
"""Posterior samples whose signals make the interval in the figure. More are smoother, at some milliseconds each."""


def write_result_figures(result: "Posterior | LeafEstimates", data: "PreparedData", folder: Path) -> tuple[Path, ...]:
    """Writes `corner.png` and `strain.png`.

    Args:
        result: a posterior or leaf estimates.
        data: the data that they belong to.
        folder: an existing folder; files of these names are replaced.

    Returns:
        The two files.
    """
    return write_figures({"corner.png": result.plot_corner(), "strain.png": _plot_strain(result, data)}, folder)


def write_figures(figures: "Mapping[str, Figure]", folder: Path) -> tuple[Path, ...]:
    """Writes figures as PNG.

    Args:
        figures: file name to figure.
        folder: an existing folder; files of these names are replaced.

    Returns:
        The files.
    """
    return write_files({name: partial(figure.savefig, format="png") for name, figure in figures.items()}, folder)


def _plot_strain(result: "Posterior | LeafEstimates", data: "PreparedData") -> "Figure":
    """Whitened strain and, of a posterior, the interval of its signals."""
    from chirpleaf.inference.reconstruction import whiten_view
    from chirpleaf.plots.strain import plot_whitened_strain
    from chirpleaf.result import Posterior

    samples = result.resample(min(SIGNALS, result.n_draws)) if isinstance(result, Posterior) else None
    trigger, names = data.source.trigger_time, data.observation.segment.detectors
    times, strain, signal = whiten_view(data.observation, trigger, samples, band=BAND)
    return plot_whitened_strain(
        times,
        dict(zip(names, strain, strict=True)),
        trigger_time=trigger,
        model=None if signal is None else dict(zip(names, signal[1], strict=True)),
        model_interval=None if signal is None else dict(zip(names, signal[[0, 2]].swapaxes(0, 1), strict=True)),
        band=BAND,
    )
