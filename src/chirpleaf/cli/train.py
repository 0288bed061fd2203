"""`chirpleaf train PRESET.yaml --out DIR [--resume]`."""

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from chirpleaf.cli.console import console, errors
from chirpleaf.errors import InputError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as of a shell: 128 + SIGINT."""


def train(
    context: typer.Context,
    preset: Annotated[Path, typer.Argument(help="YAML preset of the run.")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, history and the model file.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the folder's last checkpoint.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew in a folder that exists.")] = False,
    cores: Annotated[int | None, typer.Option(min=1, help="Cores to use; those that are free by default.")] = None,
) -> None:
    """Train a model from a preset."""
    from chirpleaf.config import read_preset

    settings = read_preset(preset)
    if not re.fullmatch(r"[\w.+-]+", settings.name):
        raise InputError(f"expected a name that can name a file; got {settings.name!r} in {preset}: change it")
    architecture = settings.architecture()
    _prepare(preset, out, resume=resume, overwrite=overwrite)

    from chirpleaf.models.files import save
    from chirpleaf.training.progress import RichProgress
    from chirpleaf.training.recipe import train as run

    if not context.meta.get("verbose"):
        _silence_lightning()
    console.print(f"[bold]{settings.name}[/]: making templates, waveforms and spectra …", highlight=False)
    try:
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
    except (KeyboardInterrupt, SystemExit) as interrupt:  # Lightning makes the second of the first
        errors.print(f"stopped: {_how_to_go_on(preset, out)}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from interrupt
    path = out / f"{settings.name}.safetensors"
    save(model, path)
    loss = model.provenance["metrics"]["validation_loss"]
    console.print(f"wrote {path}: validation loss {loss:.3f} nats", highlight=False, markup=False, soft_wrap=True)


def _prepare(preset: Path, out: Path, *, resume: bool, overwrite: bool) -> None:
    """The folder of the run, with a copy of its preset, which a resumed run must match."""
    from chirpleaf.cli.folders import new_folder
    from chirpleaf.config import read_preset, write_preset

    copy, checkpoint = out / "preset.yaml", out / "last.ckpt"
    if resume and overwrite:
        raise InputError("expected --resume or --overwrite; got both: leave one out")
    if resume:
        if not checkpoint.is_file():
            raise InputError(f"expected a checkpoint to resume from; got no {checkpoint}: train without --resume")
        if copy.is_file() and read_preset(copy) != read_preset(preset):
            raise InputError(f"expected the preset that the run began with; got {preset}: resume with {copy}")
        return
    settings = read_preset(preset)
    new_folder(out, overwrite=overwrite)
    # Lightning would write last-v1.ckpt beside an old one, and --resume would go on from the old one.
    checkpoint.unlink(missing_ok=True)
    write_preset(settings, copy)


def _how_to_go_on(preset: Path, out: Path) -> str:
    command = shlex.join(["chirpleaf", "train", str(preset), "--out", str(out)])
    if (out / "last.ckpt").is_file():
        return f"go on with `{command} --resume`"
    return f"no checkpoint was written yet, start again with `{command} --overwrite`"


def _silence_lightning() -> None:
    """Keep what Lightning says about accelerators and its vendor's products from the user."""
    import logging

    for name in ("lightning.pytorch", "lightning.fabric", "torch.distributed"):
        logging.getLogger(name).setLevel(logging.ERROR)
