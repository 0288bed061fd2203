"""What `chirpleaf evaluate` prints and draws of an evaluation."""

from pathlib import Path

from rich.table import Table

from chirpleaf.diagnostics.calibration import coverage_by_group
from chirpleaf.diagnostics.evaluation import Evaluation
from chirpleaf.inference.results import at_once
from chirpleaf.plots.calibration import coverage_plot, pp_plot

GROUP_LABELS = {
    "snr": "network SNR",
    "chirp_mass": r"$\mathcal{M}$ [$M_\odot$]",
    "psd_family": "family of the noise spectra",
}

DRAWN = ("chirp_mass", "mass_ratio", "chi_eff", "chi_1", "chi_2", "final_spin")
"""Parameters of the coverage plots."""

BELIEVABLE, SUSPICIOUS = 0.01, 0.05
"""P-values below which a calibration is refused, and below which it is looked at again."""


def calibration_table(evaluation: Evaluation, name: str) -> Table:
    """P-values and coverages by parameter.

    Args:
        evaluation: what to show.
        name: of the model.
    """
    calibration = evaluation.calibration
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


def write_calibration_pictures(evaluation: Evaluation, folder: Path) -> tuple[Path, ...]:
    """Writes `pp.png` and a `coverage_KIND.png` for each grouping.

    Args:
        evaluation: what to draw.
        folder: where; it exists. Files of these names are replaced.

    Returns:
        The files.
    """
    calibration = evaluation.calibration
    p_values, combined = calibration.p_values, calibration.combined_p_value
    figures = {"pp.png": pp_plot(evaluation.ranks, p_values=p_values, combined_p_value=combined)}
    for kind, tables in evaluation.groups.items():
        found = coverage_by_group(tables)
        rows = {name: found[name] for name in DRAWN}
        figures[f"coverage_{kind}.png"] = coverage_plot(list(tables), rows, group_label=GROUP_LABELS[kind])
    for name, figure in figures.items():
        with at_once(folder / name) as scratch:
            figure.savefig(scratch, format="png")
    return tuple(folder / name for name in figures)
