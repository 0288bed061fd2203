"""Comparison of measured PSDs with draws of `PsdEnsemble`: coverage and width of the ensemble.

Features of each measured PSD are ranked among those of 4,000 draws for the same detector. The features are: ln S
averaged in 24 logarithmic bands, minus the mean over bands; the roughness in 6 bands, which is the root mean square of
ln S minus its running median over 2 Hz ("roughness", with lines) or the scaled median absolute value ("quiet
roughness", without lines); and the frequencies below which 10, 50 and 90 % of an inspiral's SNR^2, f^(-7/3) / S up to
150 Hz, accumulate.

    python benchmarks/psd_ensemble.py real_psds.hdf5 --reference GW150914_fd.npz --picture psd_ensemble.png
"""

import argparse
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from chirpleaf.strain.ensemble import PsdDraws, PsdEnsemble

Array = NDArray[np.float64]
LOGGER = logging.getLogger("psd_ensemble")
SPACING = 0.25
FREQUENCIES: Array = 20.0 + SPACING * np.arange(4017, dtype=np.float64)
BAND_EDGES: Array = np.geomspace(20.0, 1024.0, 25, dtype=np.float64)
ROUGHNESS_EDGES: Array = np.geomspace(20.0, 1024.0, 7, dtype=np.float64)
INSPIRAL_END = 150.0
SMOOTHEST = 1e-3


@dataclass(frozen=True)
class MeasuredPsd:
    """A measured PSD at `FREQUENCIES`, in 1/Hz."""

    event: str
    detector: str
    values: Array


def read_measured(path: Path) -> Iterator[MeasuredPsd]:
    """Read all PSDs of the file, interpolated in ln S to `FREQUENCIES`."""
    with h5py.File(path) as file:
        for event, group in file.items():
            for detector, table in group.items():
                grid = table.attrs["f0"] + table.attrs["delta_f"] * np.arange(table.size)
                log_psd = np.log(table[:].astype(np.float64)) + np.log(table.attrs["scale"])
                yield MeasuredPsd(event, detector, np.exp(np.interp(FREQUENCIES, grid, log_psd)))


def read_reference(path: Path) -> Iterator[MeasuredPsd]:
    """Read PSDs `psd_<detector>` of an archive with frequencies `f`; medians of few segments, with large scatter."""
    with np.load(path) as archive:
        for name in archive.files:
            if name.startswith("psd_"):
                log_psd = np.interp(FREQUENCIES, archive["f"], np.log(archive[name]))
                yield MeasuredPsd(path.stem, name.removeprefix("psd_"), np.exp(log_psd))


def average_bands(values: Array, edges: Array) -> Array:
    """Average `values` (n, frequency) over logarithmic bands, shape (n, bands)."""
    starts = np.searchsorted(FREQUENCIES, edges[:-1])
    counts = np.diff(np.append(starts, FREQUENCIES.size))
    means: Array = np.add.reduceat(values, starts, axis=1) / counts
    return means


def compute_features(psd: Array) -> dict[str, Array]:
    """Compute the features of PSDs (n, frequency) in 1/Hz, each of shape (n, features)."""
    log_psd = np.log(psd)
    bands = average_bands(log_psd, BAND_EDGES)
    residual = log_psd - median_filter(log_psd, size=(1, round(2.0 / SPACING) | 1), mode="nearest")
    starts = np.searchsorted(FREQUENCIES, ROUGHNESS_EDGES[:-1])
    pieces = np.split(np.abs(residual), starts[1:], axis=1)
    quiet = [1.4826 * np.median(piece, axis=1) for piece in pieces]
    return {
        "band": bands - bands.mean(axis=1, keepdims=True),
        "roughness": np.log(np.maximum(np.sqrt(average_bands(residual**2, ROUGHNESS_EDGES)), SMOOTHEST)),
        "quiet roughness": np.log(np.maximum(np.stack(quiet, axis=1), SMOOTHEST)),
        "inspiral": np.log(compute_inspiral_frequencies(psd)),
    }


def compute_inspiral_frequencies(psd: Array) -> Array:
    """Compute the frequencies in Hz below which 10, 50 and 90 % of an inspiral's SNR^2 accumulate, shape (n, 3)."""
    last = np.searchsorted(FREQUENCIES, INSPIRAL_END)
    density = FREQUENCIES[:last] ** (-7.0 / 3.0) / psd[:, :last]
    cumulative = np.cumsum(density, axis=1) / density.sum(axis=1, keepdims=True)
    crossings = [FREQUENCIES[np.argmax(cumulative >= level, axis=1)] for level in (0.1, 0.5, 0.9)]
    return np.stack(crossings, axis=1)


def rank_among(measured: Array, drawn: Array) -> Array:
    """Compute the fraction of draws (n, features) below each measured value (m, features)."""
    below: Array = np.mean(drawn[None, :, :] < measured[:, None, :], axis=1)
    return below


def print_report(detectors: tuple[str, ...], measured: list[MeasuredPsd], draws: PsdDraws) -> None:
    """Print the ranks of the measured PSDs among the draws, and the width of the draws."""
    own = [psd for psd in measured if psd.detector in detectors]
    real, drawn = compute_features(np.stack([psd.values for psd in own])), compute_features(draws.values)
    for kind in real:
        rank = rank_among(real[kind], drawn[kind])
        outside = (rank < 0.005) | (rank > 0.995)
        ratio = np.std(drawn[kind], axis=0) / np.std(real[kind], axis=0)
        middle = np.subtract(*np.quantile(drawn[kind], [0.84, 0.16], axis=0)) / 2.0
        LOGGER.info(
            "%s %s: %d of %d outside 0.5-99.5 %%; ranks %.4f to %.4f; width ratio median %.2f; half-width %.2f",
            detectors,
            kind,
            outside.sum(),
            outside.size,
            rank.min(),
            rank.max(),
            np.median(ratio),
            np.median(middle),
        )
        for index, psd in enumerate(own):
            for feature in np.flatnonzero(outside[index]):
                LOGGER.info(
                    "    %s %s %s[%d] = %.2f, rank %.4f",
                    psd.event,
                    psd.detector,
                    kind,
                    feature,
                    real[kind][index, feature],
                    rank[index, feature],
                )
        LOGGER.info("    mean rank by feature: %s", np.array2string(rank.mean(axis=0), precision=2))


def draw(measured: list[MeasuredPsd], draws: dict[tuple[str, ...], PsdDraws], path: Path) -> None:
    """Draw measured amplitude spectral densities, and twenty draws in grey, in one panel per set of detectors."""
    figure, axes = plt.subplots(len(draws), figsize=(14, 8 * len(draws)), squeeze=False)
    for (detectors, drawn), axis in zip(draws.items(), axes[:, 0], strict=True):
        axis.loglog(FREQUENCIES, np.sqrt(drawn.values[:20].T), color="0.75", linewidth=0.5)
        for psd in measured:
            if psd.detector in detectors:
                axis.loglog(FREQUENCIES, np.sqrt(psd.values), linewidth=0.6, label=f"{psd.event} {psd.detector}")
        axis.set(xlim=(20.0, 1024.0), ylim=(1e-24, 1e-20), xlabel="frequency (Hz)", ylabel="ASD (Hz$^{-1/2}$)")
        axis.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main() -> None:
    """Rank the measured PSDs among the draws and plot both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measured", type=Path)
    parser.add_argument("--reference", type=Path, help="archive with f, psd_H1, psd_L1")
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    measured = list(read_measured(arguments.measured))
    measured += list(read_reference(arguments.reference)) if arguments.reference else []
    draws: dict[tuple[str, ...], PsdDraws] = {}
    for detectors in (("H1", "L1"), ("V1",)):
        ensemble = PsdEnsemble(detectors)
        draws[detectors] = ensemble.sample(arguments.draws, FREQUENCIES, np.random.default_rng(1))
        print_report(detectors, measured, draws[detectors])
    if arguments.picture:
        draw(measured, draws, arguments.picture)


if __name__ == "__main__":
    main()
