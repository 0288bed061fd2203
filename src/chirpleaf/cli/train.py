"""`chirpleaf train PRESET.yaml --out DIR [--resume]`."""

from pathlib import Path
from typing import Annotated

import typer

from chirpleaf.cli.console import console


def train(
    preset: Annotated[Path, typer.Argument(help="YAML preset of the run.")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, history and the model file.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the folder's last checkpoint.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew in a folder that exists.")] = False,
    cores: Annotated[int | None, typer.Option(min=1, help="Cores to use; those that are free by default.")] = None,
) -> None:
    """Train a model from a preset."""
    from chirpleaf.cli.folders import new_folder
    from chirpleaf.config import read_preset
    from chirpleaf.models.files import save
    from chirpleaf.training.progress import RichProgress
    from chirpleaf.training.recipe import train as run

    settings = read_preset(preset)
    architecture = settings.architecture()
    if not resume:
        new_folder(out, overwrite=overwrite)
    console.print(f"[bold]{settings.name}[/]: making templates, waveforms and spectra …")
    model = run(
        settings.name,
        architecture,
        settings.data(),
        settings.plan(),
        out=out,
        seed=settings.seed,
        resume=resume,
        cores=cores,
        callbacks=[RichProgress(console)],
    )
    path = out / f"{settings.name}.safetensors"
    save(model, path)
    console.print(f"wrote {path}: validation loss {model.provenance['metrics']['validation_loss']:.3f}")
