"""ROC curves of the checks, and verdicts by family, from the cases of `trust_roc.py`.

    python benchmarks/trust_curves.py --cases out/trust --seed 7 6 --families report --png docs/images/trust-roc.png

For each statistic, the share of the cases that should be doubted and are, against the share of the signals that are
doubted, while its threshold moves. Dots are the thresholds for WARN and for REFUSE. An answer that is refused before
its evidence is known has the worst value of the check that refused it.
"""

import argparse
import logging
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from rows import read_rows

from chirpleaf.inference.trust import DEFAULT_TRUST
from chirpleaf.inference.trust.levels import Threshold

LOGGER = logging.getLogger("trust_curves")
Row = dict[str, Any]
CHECKS: dict[str, tuple[str, Threshold]] = {
    "signal.glitch": ("against glitches", DEFAULT_TRUST.glitches.log_bayes_factor),
    "signal.noise": ("against noise", DEFAULT_TRUST.signal.log_bayes_factor),
    "signal.coherence": ("coherence", DEFAULT_TRUST.coherence.log_bayes_factor),
    "signal.balance": ("balance", DEFAULT_TRUST.coherence.share),
    "model.residual": ("burst in the residual", DEFAULT_TRUST.residuals.burst),
    "model.tile": ("tile of the residual", DEFAULT_TRUST.residuals.tile),
    "model.correlation": ("correlation of the residual", DEFAULT_TRUST.residuals.correlation),
    "model.misfit": ("precession, higher modes", DEFAULT_TRUST.misfit.excess),
}
KINDS = {
    "glitch": "glitch in one detector",
    "overlap": "glitch on a signal",
    "noise": "recorded noise",
    "precessing": "wrong answer to precession",
}
TAIL = 0.005
"""Share of the posterior beyond the truth below which an answer is wrong."""


def load(arguments: argparse.Namespace, kind: str) -> list[Row]:
    """Cases of a kind, of the first seed that has any; of precessing signals those whose answer is wrong."""
    for seed in arguments.seed:
        rows = read_rows(arguments.cases / f"{kind}-{arguments.families}-{seed}.jsonl")
        if rows:
            return [row for row in rows if is_wrong(row)] if kind == "precessing" else rows
    return []


def is_wrong(row: Row) -> bool:
    """Whether a true parameter lies beyond the 99 % quantiles of its answer."""
    return any(not TAIL < value < 1 - TAIL for value in row.get("quantiles", {}).values())


def collect(rows: list[Row], check: str) -> NDArray[np.float64]:
    """The statistic of a check, so that larger values are worse, in each case."""
    threshold = CHECKS[check][1]
    sign, values = (1.0 if threshold.refuse > threshold.warn else -1.0), []
    for row in rows:
        refused = any(name == check and level == "REFUSE" for name, level, _ in row.get("reasons", ()))
        early = refused and row["certificate"]["stopped"] == "refused"
        values.append(np.inf if early else sign * row.get("statistics", {}).get(check, -sign * np.inf))
    return np.array(values, dtype=float)


def trace(good: NDArray[np.float64], bad: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Shares of good and of bad cases at or above each threshold."""
    places = np.concatenate([[np.inf], np.sort(np.unique([*good, *bad]))[::-1]])
    return [float(np.mean(good >= one)) for one in places], [float(np.mean(bad >= one)) for one in places]


def draw(arguments: argparse.Namespace) -> None:
    """One panel for each kind of bad data."""
    mpl.use("agg")
    import matplotlib.pyplot as plt

    signals = load(arguments, "signal")
    figure, axes = plt.subplots(1, len(KINDS), figsize=(15, 4.2), sharey=True, layout="constrained")
    for axis, (kind, title) in zip(axes, KINDS.items(), strict=True):
        rows = load(arguments, kind)
        for color, (check, (label, threshold)) in enumerate(CHECKS.items()):
            good, bad = collect(signals, check), collect(rows, check)
            axis.step(*trace(good, bad), where="post", color=f"C{color}", label=label, lw=1.4)
            sign = 1.0 if threshold.refuse > threshold.warn else -1.0
            for limit, mark in ((threshold.warn, "o"), (threshold.refuse, "s")):
                place = np.mean(good >= sign * limit), np.mean(bad >= sign * limit)
                axis.plot(*place, mark, color=f"C{color}", ms=5, clip_on=False)
        axis.set(title=f"{title} ({len(rows)})", xlabel=f"share of {len(signals)} signals", xlim=(-0.02, 1))
    axes[0].set(ylabel="share found", ylim=(0, 1.03))
    axes[-1].legend(fontsize=8, title="circle: WARN, square: REFUSE", title_fontsize=8)
    figure.savefig(arguments.png, dpi=110)


def tabulate(arguments: argparse.Namespace) -> None:
    """Prints a table of verdicts, and the share that each check finds at WARN."""
    grades = ("PASS", "WARN", "REFUSE", "ERROR")
    for kind in ("signal", *KINDS):
        rows = load(arguments, kind)
        groups = {kind: rows}
        for row in rows:
            if "family" in row["truth"]:
                groups.setdefault(f"{kind}, {row['truth']['family']}", []).append(row)
        for name, group in groups.items():
            counts = " | ".join(str(sum(row["grade"] == grade for row in group)) for grade in grades[:3])
            errors = sum(row["grade"] == "ERROR" for row in group)
            LOGGER.info(f"| {name} | {len(group)} | {counts} |" + (f" {errors} errors" if errors else ""))
    for check, (label, threshold) in CHECKS.items():
        sign = 1.0 if threshold.refuse > threshold.warn else -1.0
        shares = []
        for kind in ("signal", *KINDS):
            values = collect(load(arguments, kind), check)
            shares.append(f"{np.sum(values >= sign * threshold.warn)}/{len(values)}")
        LOGGER.info(f"| {label} | {' | '.join(shares)} |")


def main() -> None:
    """Print tables and draw curves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=Path, required=True, help="folder of trust_roc.py")
    parser.add_argument("--seed", type=int, nargs="+", default=[7, 6], help="the first that has cases of a kind")
    parser.add_argument("--families", default="report")
    parser.add_argument("--png", type=Path)
    arguments = parser.parse_args()
    tabulate(arguments)
    if arguments.png is not None:
        draw(arguments)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
