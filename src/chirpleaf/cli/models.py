"""`chirpleaf models`: the models that come with the package."""

from chirpleaf.cli.console import Json, console, print_json


def models(json: Json = False) -> None:
    """List the shipped models."""
    from importlib import resources

    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from chirpleaf.models import available_models, load_model

    folder = resources.files("chirpleaf.models") / "weights"

    table = Table(
        title="Shipped models, chirp masses in solar masses", title_justify="left", box=SIMPLE_HEAD, show_edge=False
    )
    table.padding, table.pad_edge = (0, 0), False  # it fits on 80 columns
    for column in ("model", "of", "data", "masses", "waveform\nand metric"):
        table.add_column(column, no_wrap=True)
    rows = []
    for name in available_models():
        model = load_model(name)
        lowest, highest = model.architecture.prior.chirp_mass_range
        leaves = () if model.estimator.can_propose else model.estimator.quantities
        metrics = model.provenance["metrics"]
        rows.append(
            {
                "model": name,
                "quantities": list(leaves) or "all",
                "detectors": list(model.detectors),
                "takes_subsets": model.takes_subsets,
                "duration": model.duration,
                "chirp_mass": [lowest, highest],
                "approximant": model.architecture.approximant,
                "precesses": model.architecture.space.has_inclination,
                "metrics": dict(metrics),
                "bytes": len((folder / f"{name}.safetensors").read_bytes()),
            }
        )
        reached = f"{100 * metrics['relative_error']:.1f} %" if leaves else f"{metrics['validation_loss']:.2f} nats"
        table.add_row(
            name,
            "\n".join(leaves) if leaves else "all",
            "\n".join([" ".join(model.detectors), *["or fewer"] * model.takes_subsets, f"{model.duration:g} s"]),
            f"{_format_mass(lowest)}-{_format_mass(highest)}",
            f"{model.architecture.approximant}\n{reached}",
        )
    if json:
        print_json(rows)
    elif table.row_count:
        console.print(table, highlight=False)
    else:
        console.print("no model is shipped with this installation; train one, and name its file by --model")


def _format_mass(mass: float) -> str:
    """Two digits, or a whole number from ten on."""
    return f"{mass:.0f}" if mass >= 10 else f"{mass:.2g}"
