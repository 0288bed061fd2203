"""What `chirpleaf infer` prints of a posterior."""

import math

from rich.console import Group
from rich.table import Table

from chirpleaf.inference.posterior import PLACED, Posterior


def report(posterior: Posterior) -> Group:
    """The table of medians and 90 % intervals, signal-to-noises and the verdict.

    Args:
        posterior: what to report.
    """
    lines = [_signal(posterior)] + ([_certificate(posterior)] if posterior.certificate else [])
    return Group(_table(posterior), *lines)


def decimals(lower: float, upper: float) -> int:
    """Decimals that give the width of an interval three digits.

    Example:
        >>> decimals(29.28, 32.71), decimals(0.614, 0.731), decimals(210.0, 480.0)
        (2, 3, 0)
    """
    width = upper - lower
    return min(max(2 - math.floor(math.log10(width)), 0), 6) if width > 0 else 3


def _table(posterior: Posterior) -> Table:
    model = posterior.observation.model
    detectors = " ".join(posterior.detectors)
    title = f"{posterior.event} · {detectors} · {posterior.approximant} · model {model.name}"
    table = Table(title=title, title_justify="left")
    table.add_column("detector frame")
    table.add_column("median", justify="right")
    table.add_column("90 % interval", justify="right")
    parts = tuple(next(iter(posterior.parts.values()), ()))
    for part in parts:
        table.add_column(part.replace("_", " "), justify="right")
    table.add_column("unit")
    names = posterior.headline + (PLACED if posterior.certificate else ())
    for name, row in posterior.summary(names).items():
        digits = decimals(row["lower"], row["upper"])
        median, lower, upper, *further = (f"{row[key]:.{digits}f}" for key in ("median", "lower", "upper", *parts))
        table.add_row(name, median, f"{lower} to {upper}", *further, row["unit"])
    return table


def _signal(posterior: Posterior) -> str:
    trust = posterior.trust
    by_detector = ", ".join(f"{name} {value:.1f}" for name, value in trust.snr.items())
    colour = "green" if trust.trusted else "yellow"
    return f"signal-to-noise {trust.network_snr:.1f} ({by_detector}) · [{colour}]{trust.verdict}[/]"


def _certificate(posterior: Posterior) -> str:
    certificate, sky = posterior.certificate, posterior.sky
    assert certificate is not None
    assert sky is not None
    return (
        f"certified: efficiency {certificate.efficiency:.2f}, {certificate.effective_samples:.0f} effective samples, "
        f"ln Bayes factor {certificate.log_bayes_factor:.2f} +- {certificate.log_bayes_factor_error:.2f}, "
        f"sky {sky.area(0.5):.0f} (50 %) and {sky.area(0.9):.0f} (90 %) square degrees"
    )
