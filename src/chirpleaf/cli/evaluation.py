"""The table that `chirpleaf evaluate` prints, and the figures that it draws."""

from matplotlib.figure import Figure
from rich.table import Table

from chirpleaf.diagnostics.calibration import coverage_by_group
from chirpleaf.diagnostics.evaluation import Evaluation
from chirpleaf.plots.calibration import plot_coverage, plot_pp
from chirpleaf.plots.errors import plot_errors

GROUP_LABELS = {
    "snr": "network SNR",
    "chirp_mass": r"$\mathcal{M}$ [$M_\odot$]",
    "psd_family": "family of the noise spectra",
}
"""Axis labels of the figures, for each kind of group."""

DRAWN = ("chirp_mass", "mass_ratio", "chi_eff", "chi_1", "chi_2", "final_spin")
"""Parameters in the figures of a posterior; those of leaves show all quantities."""

FEWEST_INJECTIONS = 100
"""Injections below which the table says that they are too few. The parameters share their injections, so that the
combined p-value of few scatters far more than a uniform number."""

FAILED, DOUBTFUL = 0.01, 0.05
"""P-values below which a calibration fails (red), and below which more injections are needed (yellow)."""


def make_evaluation_table(evaluation: Evaluation, name: str) -> Table:
    """Makes a table of p-values and coverages by parameter; for deterministic leaves, of median errors by SNR.

    Args:
        evaluation: the evaluation.
        name: name of the model.

    Returns:
        The table.
    """
    calibration = evaluation.calibration
    if calibration is None:
        return _make_error_table(evaluation, name)
    count = len(evaluation.snr)
    title = f"{name}: {count} injections, combined p-value {calibration.combined_p_value:.3f}"
    table = Table(title=title, title_justify="left", caption=describe_few(count) or None, caption_justify="left")
    for column in ("parameter", "p-value", "within 50 %", "within 90 %"):
        table.add_column(column, justify="left" if column == "parameter" else "right")
    for parameter, row in calibration.parameters.items():
        p_value = row.pp_test.p_value
        colour = "red" if p_value < FAILED else "yellow" if p_value < DOUBTFUL else "green"
        coverages = f"{row.coverage_50.fraction:.3f}", f"{row.coverage_90.fraction:.3f}"
        table.add_row(parameter, f"[{colour}]{p_value:.3f}[/]", *coverages)
    return table


def describe_few(injections: int) -> str:
    """What a reader must know of p-values of few injections; empty if there are enough.

    Args:
        injections: number of injections.

    Example:
        >>> describe_few(20)
        '20 injections are too few for a verdict: a p-value says little below 100, and 1000 are usual'
    """
    if injections >= FEWEST_INJECTIONS:
        return ""
    least = FEWEST_INJECTIONS
    return f"{injections} injections are too few for a verdict: a p-value says little below {least}, and 1000 are usual"


def _make_error_table(evaluation: Evaluation, name: str) -> Table:
    """Median errors by parameter and signal-to-noise ratio."""
    errors = evaluation.errors
    table = Table(title=f"{name}: {len(evaluation.snr)} injections, median errors by network SNR", title_justify="left")
    for column in ("parameter", "error", *errors.bins, "all"):
        table.add_column(column, justify="left" if column in ("parameter", "error") else "right")
    for parameter, row in errors.parameters.items():
        cells = ["" if median is None else f"{median:.3f}" for median in row.medians]
        table.add_row(parameter, row.kind, *cells, f"{row.overall:.3f}")
    return table


def draw_evaluation(evaluation: Evaluation) -> dict[str, Figure]:
    """Draws `errors.png` and, where there are ranks, `pp.png` and a `coverage_KIND.png` for each kind of group.

    Args:
        evaluation: the evaluation.

    Returns:
        File name to figure.
    """
    drawn = DRAWN if "chi_eff" in evaluation.medians else tuple(evaluation.medians)
    errors, calibration = evaluation.errors, evaluation.calibration
    medians = {name: errors.parameters[name].medians for name in drawn}
    kinds = {name: errors.parameters[name].kind for name in drawn}
    figures: dict[str, Figure] = {
        "errors.png": plot_errors(errors.bins, medians, group_label=GROUP_LABELS["snr"], kinds=kinds)
    }
    if calibration is not None:
        p_values, combined = calibration.p_values, calibration.combined_p_value
        figures["pp.png"] = plot_pp(evaluation.ranks, p_values=p_values, combined_p_value=combined)
    for kind, tables in evaluation.groups.items():
        coverages = coverage_by_group(tables)
        rows = {name: coverages[name] for name in drawn}
        figures[f"coverage_{kind}.png"] = plot_coverage(list(tables), rows, group_label=GROUP_LABELS[kind])
    return figures
