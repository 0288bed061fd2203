"""What `chirpleaf evaluate` prints and draws of an evaluation."""

from pathlib import Path

from rich.table import Table

from chirpleaf.cli.pictures import write_figures
from chirpleaf.diagnostics.calibration import coverage_by_group
from chirpleaf.diagnostics.evaluation import Evaluation
from chirpleaf.plots.calibration import plot_coverage, plot_pp
from chirpleaf.plots.errors import plot_errors

GROUP_LABELS = {
    "snr": "network SNR",
    "chirp_mass": r"$\mathcal{M}$ [$M_\odot$]",
    "psd_family": "family of the noise spectra",
}

DRAWN = ("chirp_mass", "mass_ratio", "chi_eff", "chi_1", "chi_2", "final_spin")
"""Parameters of the pictures; of leaves all are."""

BELIEVABLE, SUSPICIOUS = 0.01, 0.05
"""P-values below which a calibration is refused, and below which it is looked at again."""


def evaluation_table(evaluation: Evaluation, name: str) -> Table:
    """P-values and coverages by parameter; of deterministic leaves, median errors by signal-to-noise.

    Args:
        evaluation: what to show.
        name: of the model.
    """
    calibration = evaluation.calibration
    if calibration is None:
        return _error_table(evaluation, name)
    title = f"{name}: {len(evaluation.snr)} injections, combined p-value {calibration.combined_p_value:.3f}"
    table = Table(title=title, title_justify="left")
    for column in ("parameter", "p-value", "within 50 %", "within 90 %"):
        table.add_column(column, justify="left" if column == "parameter" else "right")
    for parameter, row in calibration.parameters.items():
        p_value = row.pp_test.p_value
        colour = "red" if p_value < BELIEVABLE else "yellow" if p_value < SUSPICIOUS else "green"
        halves = f"{row.coverage_50.fraction:.3f}", f"{row.coverage_90.fraction:.3f}"
        table.add_row(parameter, f"[{colour}]{p_value:.3f}[/]", *halves)
    return table


def _error_table(evaluation: Evaluation, name: str) -> Table:
    errors = evaluation.errors
    table = Table(title=f"{name}: {len(evaluation.snr)} injections, median errors by network SNR", title_justify="left")
    for column in ("parameter", "error", *errors.bins, "all"):
        table.add_column(column, justify="left" if column in ("parameter", "error") else "right")
    for parameter, row in errors.parameters.items():
        cells = ["" if median is None else f"{median:.3f}" for median in row.medians]
        table.add_row(parameter, row.kind, *cells, f"{row.overall:.3f}")
    return table


def write_pictures(evaluation: Evaluation, folder: Path) -> tuple[Path, ...]:
    """Writes `errors.png`, and of what is calibrated `pp.png` and a `coverage_KIND.png` for each grouping.

    Args:
        evaluation: what to draw.
        folder: where; it exists. Files of these names are replaced.

    Returns:
        The files.
    """
    drawn = DRAWN if "chi_eff" in evaluation.medians else tuple(evaluation.medians)
    errors, calibration = evaluation.errors, evaluation.calibration
    medians = {name: errors.parameters[name].medians for name in drawn}
    figures = {"errors.png": plot_errors(errors.bins, medians, group_label=GROUP_LABELS["snr"])}
    if calibration is not None:
        p_values, combined = calibration.p_values, calibration.combined_p_value
        figures["pp.png"] = plot_pp(evaluation.ranks, p_values=p_values, combined_p_value=combined)
    for kind, tables in evaluation.groups.items():
        found = coverage_by_group(tables)
        rows = {name: found[name] for name in drawn}
        figures[f"coverage_{kind}.png"] = plot_coverage(list(tables), rows, group_label=GROUP_LABELS[kind])
    return write_figures(figures, folder)
