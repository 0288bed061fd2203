"""`chirpleaf models`: the models that come with the package."""

from chirpleaf.cli.console import console


def models() -> None:
    """List the shipped models."""
    from importlib import resources

    from rich.table import Table

    from chirpleaf.models import available_models, load_model

    folder = resources.files("chirpleaf.models") / "weights"

    table = Table(title="Shipped models", title_justify="left")
    for column in ("model", "detectors", "segment", "chirp mass", "approximant", "weights", "validation loss", "file"):
        table.add_column(column, no_wrap=column == "model")
    for name in available_models():
        model = load_model(name)
        lowest, highest = model.architecture.prior.chirp_mass_range
        loss = model.provenance.get("metrics", {}).get("validation_loss")
        table.add_row(
            name,
            " ".join(model.detectors),
            f"{model.duration:g} s",
            f"{lowest:.1f} to {highest:.1f} M_sun",
            model.architecture.approximant,
            f"{model.n_parameters / 1e6:.1f} million",
            "" if loss is None else f"{loss:.3f} nats",
            f"{len((folder / f'{name}.safetensors').read_bytes()) / 1e6:.1f} MB",
        )
    if table.row_count:
        console.print(table, highlight=False)
    else:
        console.print("no model is shipped with this installation; train one, and name its file by --model")
