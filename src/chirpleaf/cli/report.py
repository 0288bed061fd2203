"""The table that `chirpleaf infer` prints of a result."""

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from chirpleaf.report.numbers import decimals
from chirpleaf.result import LeafEstimates, Posterior
from chirpleaf.result.trust import Finding, Grade, Level

_COLUMNS = ("median", "lower", "upper", "unit")
"""Entries of a summary that every result has; further ones are uncertainty components."""

_COLOURS = {Level.NOTE: "default", Level.WARN: "yellow", Level.REFUSE: "red"}


def report(result: Posterior | LeafEstimates) -> Group:
    """Lays out medians and 90 % intervals, signal-to-noise ratios and the verdict.

    Args:
        result: a posterior or leaf estimates.

    Returns:
        A renderable of rich; without a table where no draw is possible under the likelihood.
    """
    notes = [escape(f"note: {note}") for note in (*result.provenance.notes, *result.trust.notes)]
    findings = [f"[{_COLOURS[one.level]}]{one.level.name.lower()}[/]: {escape(one.message)}" for one in _sort(result)]
    if result.impossible:
        return Group(_signal(result), *findings, *notes)
    certified = [_certificate(result)] if isinstance(result, Posterior) and result.certificate else []
    return Group(_table(result), _signal(result), *certified, *findings, *notes)


def _sort(result: Posterior | LeafEstimates) -> list[Finding]:
    """The findings on a result, the worst first."""
    return sorted(result.trust.findings, key=lambda one: -one.level)


def _table(result: Posterior | LeafEstimates) -> Table:
    origin, rows = result.provenance, result.summary(result.tabulated)
    title = f"{origin.event} · {' '.join(origin.detectors)} · {origin.waveforms} · model {origin.model}"
    table = Table(title=title, title_justify="left")
    table.add_column("detector frame")
    table.add_column("median", justify="right")
    table.add_column("90 % interval", justify="right")
    components = [name for name in next(iter(rows.values())) if name not in _COLUMNS]
    for component in components:
        table.add_column(component.replace("_", " "), justify="right")
    table.add_column("unit")
    for name, row in rows.items():
        digits = decimals(float(row["lower"]), float(row["upper"]))
        keys = ("median", "lower", "upper", *components)
        median, lower, upper, *further = (f"{float(row[key]):.{digits}f}" for key in keys)
        table.add_row(name, median, f"{lower} to {upper}", *further, str(row["unit"]))
    return table


def _signal(result: Posterior | LeafEstimates) -> str:
    trust = result.trust
    by_detector = ", ".join(f"{name} {value:.1f}" for name, value in trust.snr.items())
    colour = {Grade.PASS: "green", Grade.REFUSE: "red"}.get(trust.grade, "yellow")
    return f"signal-to-noise {trust.network_snr:.1f} ({by_detector}) · [{colour}]{trust.verdict}[/]"


def _certificate(posterior: Posterior) -> str:
    certificate, sky = posterior.certificate, posterior.sky
    assert certificate is not None
    assert sky is not None
    failed = f", {certificate.failed_waveforms} waveforms failed" if certificate.failed_waveforms else ""
    known = certificate.effective_points is not None
    points = f"from {certificate.effective_points:.0f} effective extrinsic points, " if known else ""
    return (
        f"certified: efficiency {certificate.efficiency:.2f}, {certificate.effective_samples:.0f} effective samples, "
        f"{points}"
        f"ln Bayes factor {certificate.log_bayes_factor:.2f} +- {certificate.log_bayes_factor_error:.2f}, "
        f"sky {sky.area(0.5):.0f} (50 %) and {sky.area(0.9):.0f} (90 %) square degrees{failed}"
    )
