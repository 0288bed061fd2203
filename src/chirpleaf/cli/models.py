"""`chirpleaf models`: the models that come with the package."""

from chirpleaf.cli.console import console


def models() -> None:
    """List the shipped models."""
    from importlib import resources

    from rich.table import Table

    from chirpleaf.models import available_models, load_model

    folder = resources.files("chirpleaf.models") / "weights"

    table = Table(
        title="Shipped models, chirp masses in solar masses",
        title_justify="left",
    )
    for column in ("model", "of", "data", "chirp mass", "waveform", "reached", "file"):
        table.add_column(column, no_wrap=column in ("model", "of", "waveform"))
    for name in available_models():
        model = load_model(name)
        lowest, highest = model.architecture.prior.chirp_mass_range
        leaves = () if model.estimator.can_propose else model.estimator.quantities
        metrics = model.provenance["metrics"]
        reached = f"{100 * metrics['relative_error']:.1f} %" if leaves else f"{metrics['validation_loss']:.2f} nats"
        table.add_row(
            name,
            "\n".join(leaves) if leaves else "all",
            f"{'any of ' if model.takes_subsets else ''}{' '.join(model.detectors)}, {model.duration:g} s",
            f"{lowest:.0f}-{highest:.0f}",
            model.architecture.approximant,
            reached,
            f"{len((folder / f'{name}.safetensors').read_bytes()) / 1e6:.1f} MB",
        )
    if table.row_count:
        console.print(table, highlight=False)
    else:
        console.print("no model is shipped with this installation; train one, and name its file by --model")
