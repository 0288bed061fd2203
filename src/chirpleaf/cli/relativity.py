"""`chirpleaf test-gr EVENT`."""

from pathlib import Path
from typing import TYPE_CHECKING

from chirpleaf.cli import infer_options as option
from chirpleaf.cli.console import Json, console, finish_run, print_json
from chirpleaf.errors import UntrustedError
from chirpleaf.system.defaults import SAMPLES

if TYPE_CHECKING:
    from rich.console import Group

    from chirpleaf.inference.relativity import RelativityTest
    from chirpleaf.report.pictures import Writer


def check_relativity(
    event: option.Event = None,
    strain: option.StrainFiles = None,
    trigger: option.Trigger = None,
    channel: option.Channels = None,
    psd: option.SpectrumFiles = None,
    psd_analysis: option.PsdAnalysis = None,
    model: option.ModelName = None,
    seed: option.Seed = 0,
    out: option.Out = None,
    overwrite: option.Overwrite = False,
    prior: option.PriorName = None,
    detectors: option.Detectors = None,
    budget: option.Budget = None,
    json: Json = False,
) -> None:
    """Test general relativity: remnant by the inspiral against remnant by the post-inspiral, and the leaves."""
    from chirpleaf.cli.infer import check_options, check_source
    from chirpleaf.cli.pairs import pair_detectors, pair_single
    from chirpleaf.system.claims import claim_folder
    from chirpleaf.system.files import write_files
    from chirpleaf.system.threads import use_one_numpy_thread

    check_options(SAMPLES, None, budget, prior)
    check_source(event, strain, trigger)
    files, spectra = pair_detectors("--strain", strain), pair_single("--psd", psd)
    channels = pair_single("--channel", channel, "NAME")
    folder = out or Path("out") / f"{event or 'strain'}-gr"
    use_one_numpy_thread()
    with claim_folder(folder, overwrite=overwrite):
        import torch

        from chirpleaf.inference import Request, relativity
        from chirpleaf.inference.options import DataOptions
        from chirpleaf.inference.sources import ReadSettings
        from chirpleaf.result.trust import Grade

        torch.set_num_threads(1)  # one event is too little work for two threads
        request = Request(
            event,
            strain=files or None,
            trigger_time=trigger,
            psd=spectra,
            settings=ReadSettings(channels, psd_analysis),
            model=model,
            seed=seed,
            options=DataOptions(detectors=option.parse_detectors(detectors)),
            prior=prior,
            budget=budget,
        )
        test = relativity.check_relativity(request)
        written = write_files(_make_writers(test), folder)
        if json:
            print_json({**relativity.to_json(test), "folder": str(folder), "files": [file.name for file in written]})
        else:
            console.print(report_relativity(test), highlight=False)
        finish_run(folder, written, quiet=json)
    if test.trust.grade is Grade.REFUSE:
        raise UntrustedError(f"{'; '.join(test.trust.reasons)}: the files in {folder} say so too")


def _make_writers(test: "RelativityTest") -> "dict[str, Writer]":
    """Functions that write `relativity.json` and `relativity.png`."""
    from functools import partial

    from chirpleaf.inference.relativity import to_json
    from chirpleaf.plots.relativity import DeviationDensity, plot_relativity
    from chirpleaf.plots.style import stamp
    from chirpleaf.report.pictures import figure_writers
    from chirpleaf.result.json_files import write_json
    from chirpleaf.result.trust import Grade

    writers: dict[str, Writer] = {"relativity.json": partial(write_json, lambda: to_json(test), indented=True)}
    comparison = test.comparison
    if comparison is None:
        return writers
    found = comparison.deviation
    density = None if found is None else DeviationDensity(found.centres, found.density, found.quantile)
    parts = {name: part.samples for name, part in comparison.parts.items()}
    figure = plot_relativity(parts, density, title=f"{test.provenance.event}, split at {comparison.cutoff:.0f} Hz")
    if test.trust.grade is Grade.REFUSE:
        stamp(figure, test.trust.verdict)
    return {**writers, **figure_writers({"relativity.png": figure})}


def report_relativity(test: "RelativityTest") -> "Group":
    """Lays out the parts, the deviations, the leaves and the verdict.

    Args:
        test: the result.

    Returns:
        A renderable of rich.
    """
    import numpy as np
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    from chirpleaf.result.trust import Level

    comparison, lines = test.comparison, []
    interval = (0.05, 0.5, 0.95)
    title = f"{test.provenance.event} · {' '.join(test.provenance.detectors)} · prior {test.prior}, flat in the remnant"
    table = Table(title=title, title_justify="left")
    for column in ("part", "Hz", "SNR", "final mass", "final spin", "effective"):
        table.add_column(column, justify="left" if column == "part" else "right")
    if comparison is not None:
        for name, part in comparison.parts.items():
            rows = [
                np.quantile(part.samples[key], interval) if part.samples else None
                for key in ("final_mass", "final_spin")
            ]
            cells = [_format(row, digits) for row, digits in zip(rows, (1, 2), strict=True)]
            effective = "" if part.certificate is None else f"{part.certificate.effective_samples:.0f}"
            table.add_row(name, f"{part.band[0]:.0f}-{part.band[1]:.0f}", f"{part.snr:.1f}", *cells, effective)
        if comparison.deviation is not None:
            mass, spin = comparison.deviation.quantiles(interval)
            lines.append(
                f"inspiral minus post-inspiral: mass {_format(mass, 2)}, spin {_format(spin, 2)} of their means · "
                f"general relativity lies at the {comparison.deviation.quantile:.0%} quantile"
            )
    lines += [
        f"{one.name}: leaf {_format(one.leaf, 3)}, fit {_format(one.fit, 3)}, quantile {one.quantile:.2f}"
        for one in test.leaves
    ]
    lines.append(f"signal-to-noise {test.trust.network_snr:.1f} · {test.trust.verdict}")
    findings = sorted(test.trust.findings, key=lambda one: -one.level)
    lines += [escape(f"{one.level.name.lower()}: {one.message}") for one in findings if one.level > Level.NOTE]
    lines += [escape(f"note: {note}") for note in test.trust.notes]
    return Group(*([table] if comparison else []), *lines)


def _format(quantiles: "object", digits: int) -> str:
    """Median and 90 % interval of 5 %, 50 % and 95 % quantiles; empty for None."""
    import numpy as np

    if quantiles is None:
        return ""
    lower, median, upper = (float(value) for value in np.asarray(quantiles))
    return f"{median:.{digits}f} ({lower:.{digits}f} to {upper:.{digits}f})"
