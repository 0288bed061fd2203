"""The pictures that `chirpleaf infer` writes, and how every verb writes its own."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from chirpleaf.inference.posterior import Posterior
from chirpleaf.inference.reconstruction import whitened_view
from chirpleaf.plots.corner import plot_corner
from chirpleaf.plots.strain import plot_whitened_strain
from chirpleaf.system.files import write_files

BAND = (30.0, 400.0)
"""Frequencies of the whitened strain that is drawn, Hz."""


def write_pictures(posterior: Posterior, folder: Path) -> tuple[Path, ...]:
    """Writes `corner.png` and `strain.png`.

    Args:
        posterior: what to draw.
        folder: where; it exists. Files of these names are replaced.

    Returns:
        The two files.
    """
    times, strain, signal = whitened_view(posterior, band=BAND)
    names = posterior.observation.segment.detectors
    figures = {
        "corner.png": plot_corner(posterior.resampled(), posterior.headline),
        "strain.png": plot_whitened_strain(
            times,
            dict(zip(names, strain, strict=True)),
            trigger_time=posterior.trigger_time,
            model=None if signal is None else dict(zip(names, signal[1], strict=True)),
            model_interval=None if signal is None else dict(zip(names, signal[[0, 2]].swapaxes(0, 1), strict=True)),
            band=BAND,
        ),
    }
    return write_figures(figures, folder)


def write_figures(figures: Mapping[str, Figure], folder: Path) -> tuple[Path, ...]:
    """Writes figures as PNG.

    Args:
        figures: file name to figure.
        folder: where; it exists. Files of these names are replaced.

    Returns:
        The files.
    """
    return write_files({name: partial(figure.savefig, format="png") for name, figure in figures.items()}, folder)
