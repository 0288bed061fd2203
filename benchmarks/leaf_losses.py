"""Training of deterministic and Bayesian leaves: relative error on validation against iterations.

    python benchmarks/leaf_losses.py --out docs/images/leaf-losses.png

Reads the training histories of the shipped models. `chirpleaf scale` measures the time of a step on idle cores.
"""

import argparse
import logging
from pathlib import Path

from chirpleaf.plots.training import plot_losses
from chirpleaf.training.progress import read_history

LOGGER = logging.getLogger("leaf_losses")
HISTORIES = Path(__file__).parents[1] / "docs"
QUANTITIES = ("masses", "remnant")
KINDS = ("{}", "{}-bayesian", "convolutional-{}", "convolutional-{}-bayesian")
STEPS = (4000, 12_000, 20_000, 40_000, 60_000)


def main() -> None:
    """Print the table and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    LOGGER.info(f"| model | {' | '.join(f'{step:,}' for step in STEPS)} |\n|---|{'---|' * len(STEPS)}")
    curves = {}
    for model in (kind.format(quantity) for quantity in QUANTITIES for kind in KINDS):
        rows = read_history(HISTORIES / f"{model}-history.csv")
        errors = {int(row["step"]): row["relative_error"] for row in rows}
        cells = (f"{errors[step]:.3f}" if step in errors else "" for step in STEPS)
        LOGGER.info(f"| {model} | {' | '.join(cells)} |")
        curves[model] = list(errors), list(errors.values())
    figure = plot_losses(curves, against="iterations", loss_label="mean relative error on validation", logarithmic=True)
    figure.savefig(arguments.out, dpi=110)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
