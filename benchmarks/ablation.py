"""Ablation study: validation loss against minutes, changing one design choice of the shipped model at a time.

    OMP_NUM_THREADS=1 python benchmarks/ablation.py --batches 1500 --out out/ablation

Each run trains the estimator of a preset (`--preset`, by default `bbh`) on one thread that also simulates. All runs
have the same seed, waveforms, spectra and number of batches, with a complete cosine schedule. Losses are in nats in the
unconstrained coordinates, so they are comparable between inputs and heads. Writes `ablation.json` and `ablation.png`.
"""

import argparse
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from chirpleaf.config import read_preset
from chirpleaf.models.architecture import Architecture
from chirpleaf.models.posterior import PosteriorEstimator
from chirpleaf.networks.density import ConditionalDensity
from chirpleaf.networks.encoders import Concatenation
from chirpleaf.networks.flow import FlowSettings
from chirpleaf.plots.training import plot_losses
from chirpleaf.representation.anchoring import Along, Anchoring
from chirpleaf.representation.canonical import Canonical, CanonicalInput
from chirpleaf.tokens import TokenLayout, Tokens
from chirpleaf.training.batch import Batch
from chirpleaf.training.data import build_simulator, validation_batches
from chirpleaf.training.engine import fit
from chirpleaf.training.objectives import LogScore
from chirpleaf.training.parallel.threads import bfloat16_pays
from chirpleaf.training.progress import History, read_history
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation
from chirpleaf.training.simulator import Simulator

LOGGER = logging.getLogger("ablation")
PRESETS = Path(str(resources.files("chirpleaf.training"))) / "presets"

RATES: dict[str, dict[str, Any]] = {
    "rate 0.001": {"learning_rate": 1e-3},
    "rate 0.004": {"learning_rate": 4e-3},
    "AdamW alone": {"muon": None},
    "Muon, rate 0.0025": {"muon": 2.5e-3},
    "Muon, rate 0.005": {"muon": 5e-3},
    "Muon, rate 0.01": {"muon": 1e-2},
}
"""Settings of the optimiser that replace those of the preset."""


class RawInput(CanonicalInput):
    """Whitened multiband data and spectra, without alignment and heterodyning.

    The template search still runs, but only for the weights of the examples, so that losses are comparable.
    """

    @property
    def layout(self) -> TokenLayout:
        """Sizes of the tokens: real and imaginary parts of the data, then the spectrum."""
        n_bins = self.n_bands * self.fold
        return TokenLayout(self.n_detectors, (2 * n_bins, n_bins))

    def forward(self, data: Tensor, weights: Tensor, present: Tensor | None = None) -> Canonical:
        """Return real and imaginary parts, normalised by their root mean square, and ln weights."""
        scale = torch.view_as_real(data).square().mean((1, 2, 3)).sqrt()[:, None, None]
        spectra = weights.log()
        raw = [torch.view_as_real(data / scale).flatten(2), spectra - spectra.mean()]
        return super().forward(data, weights, present)._replace(tokens=Tokens.from_values(torch.cat(raw, dim=2)))


class MaskedConcatenation(Concatenation):
    """All tokens in one vector, zero where a detector is absent, and the mask of the present ones."""

    def __init__(self, layout: TokenLayout) -> None:
        super().__init__(layout)
        self.n_outputs += layout.n_detectors

    def forward(self, tokens: Tokens) -> Tensor:
        """Combine the tokens to the input of a root."""
        as_present = tokens._replace(present=torch.ones_like(tokens.present))
        return torch.cat([super().forward(as_present), tokens.present.to(tokens.values.dtype)], dim=1)


def concatenate(estimator: PosteriorEstimator, architecture: Architecture) -> PosteriorEstimator:
    """Replace the encoder of an estimator by a concatenation with the mask."""
    encoder = MaskedConcatenation(estimator.canonical.layout)
    estimator.density.encoder = encoder
    estimator.density.root = architecture.root.build(encoder.n_outputs, architecture.n_context)
    return estimator


def rebuild(
    estimator: PosteriorEstimator, architecture: Architecture, kind: type[CanonicalInput]
) -> PosteriorEstimator:
    """Replace the input of an estimator."""
    bank = estimator.canonical.bank
    canonical = kind(architecture.grid, bank, architecture.reference_weights(), n_detectors=len(architecture.detectors))
    encoder = Concatenation(canonical.layout)
    root = architecture.root.build(encoder.n_outputs, architecture.n_context)
    density = ConditionalDensity(root, estimator.density.head, encoder, bfloat16=True)
    changed = PosteriorEstimator(canonical, estimator.space, estimator.anchoring, density)
    return remove_anchor(changed) if kind is RawInput else changed


def remove_anchor(estimator: PosteriorEstimator) -> PosteriorEstimator:
    """Make the coordinates of an estimator independent of the template."""
    estimator.anchoring = Anchoring(estimator.canonical, estimator.space, 0.7)
    estimator.anchoring.anchor.zero_()
    estimator.anchoring.scale.fill_(1.0)
    return estimator


def replace_head(estimator: PosteriorEstimator, head: nn.Module) -> PosteriorEstimator:
    """Replace the head of an estimator."""
    estimator.density.head = head
    return estimator


def build_shipped(
    architecture: Architecture, along: Along | None = None, background: float | None = None, **templates: Any
) -> PosteriorEstimator:
    """Build the estimator of an architecture with changed settings and the initial weights of seed 0."""
    torch.manual_seed(0)
    changed = replace(
        architecture,
        along=along or architecture.along,
        background=architecture.background if background is None else background,
        templates=replace(architecture.templates, **templates),
    )
    estimator = cast(PosteriorEstimator, changed.build())
    estimator.use_bfloat16(bfloat16_pays())
    return estimator


def make_variants(architecture: Architecture) -> dict[str, Callable[[], PosteriorEstimator]]:
    """Make the functions that build the estimator of each variant, by name."""
    shipped = partial(build_shipped, architecture)

    def build_flow() -> nn.Module:
        return FlowSettings().build(architecture.n_context, len(architecture.space))

    return {
        "shipped": shipped,
        "along the chirp mass": partial(shipped, "chirp_mass"),
        "along the phase": partial(shipped, "phase"),
        "anchors shared by the spins": partial(shipped, spins_share_anchor=True),
        "an anchor for each spin": partial(shipped, spins_share_anchor=False),
        "no background": partial(shipped, background=0.0),
        "background of a percent": partial(shipped, background=0.01),
        "background of a thousandth": partial(shipped, background=0.001),
        "concatenation with the mask": lambda: concatenate(shipped(), architecture),
        "raw input": lambda: rebuild(shipped(), architecture, RawInput),
        "no anchor": lambda: remove_anchor(shipped()),
        "spline flow": lambda: replace_head(shipped(), build_flow()),
        "spline flow, no anchor": lambda: replace_head(remove_anchor(shipped()), build_flow()),
        **dict.fromkeys(RATES, shipped),
    }


def name_folder(out: Path, name: str) -> Path:
    """Name the folder of a variant."""
    return out / name.replace(",", "").replace(" ", "-")


def train_variant(
    estimator: PosteriorEstimator, simulator: Simulator, held_out: list[Batch], schedule: Schedule, folder: Path
) -> dict[str, float]:
    """Train one variant and return the last row of its history."""
    folder.mkdir(exist_ok=True)
    (folder / "history.csv").unlink(missing_ok=True)
    fit(
        estimator.density,
        simulator,
        held_out,
        schedule,
        out=folder,
        objective=LogScore(estimator.mixture, foreground_steps=schedule.warmup),
        callbacks=[History(folder / "history.csv")],
    )
    return read_history(folder / "history.csv")[-1]


def plot(names: Iterable[str], out: Path) -> None:
    """Plot the validation losses of all variants that have been trained, and write them to a file."""
    histories = {name: read_history(name_folder(out, name) / "history.csv") for name in names}
    curves = {
        name: ([row["minutes"] for row in rows], [row["validation_loss"] for row in rows])
        for name, rows in histories.items()
        if rows
    }
    (out / "ablation.json").write_text(json.dumps(curves))
    plot_losses(curves).savefig(out / "ablation.png", dpi=120)


def main() -> None:
    """Train all variants and plot their losses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=("bbh", "bbh-long"), default="bbh")
    parser.add_argument("--batches", type=int, default=1500)
    parser.add_argument("--waveforms", type=int, default=200_000)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    settings = read_preset(PRESETS / f"{arguments.preset}.yaml")
    architecture = settings.architecture()
    simulation = Simulation(waveforms=arguments.waveforms, spectra=2048, validation_batches=16)
    plan = Schedule(
        epochs=arguments.batches // 100,
        batches=100,
        learning_rate=settings.schedule.learning_rate,
        muon=settings.schedule.muon,
        warmup=100,
        ema_decay=0.99,
        clip=2.0,
    )
    variants = make_variants(architecture)
    base = build_simulator(architecture, variants["shipped"](), simulation, seed=settings.seed)
    for name, build in variants.items():
        if arguments.only and name not in arguments.only:
            continue
        estimator = build()
        held_out = validation_batches(architecture, estimator, simulation, seed=settings.seed)
        schedule = replace(plan, **RATES.get(name, {}))
        folder = name_folder(arguments.out, name)
        last = train_variant(estimator, replace(base, estimator=estimator), held_out, schedule, folder)
        LOGGER.info(f"| {name} | {last['minutes']:.1f} | {last['validation_loss']:.3f} |")
    plot(variants, arguments.out)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
