"""`chirpleaf train PRESET.yaml --out DIR [--resume]`, alone or as one rank of several under a launcher."""

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chirpleaf.cli.console import console, errors
from chirpleaf.errors import InputError

if TYPE_CHECKING:
    from chirpleaf.config import Preset
    from chirpleaf.models import Architecture, Model

INTERRUPTED = 130
"""Exit code after Ctrl-C, as of a shell: 128 + SIGINT."""
LOST = 1
"""Exit code where another rank has ended before its time."""


def train(
    context: typer.Context,
    preset: Annotated[Path, typer.Argument(help="YAML preset of the run.")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, history and the model file.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the folder's last checkpoint.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start anew in a folder that exists.")] = False,
    cores: Annotated[int | None, typer.Option(min=1, help="Cores a rank uses; those that are free by default.")] = None,
    start: Annotated[
        str | None, typer.Option(help="Train this model further: its networks and weights, on what the preset says.")
    ] = None,
    bank: Annotated[
        Path | None, typer.Option(help="Waveforms by `chirpleaf bank`, from the disk instead of made anew.")
    ] = None,
) -> None:
    """Train a model from a preset; the same under torchrun, mpirun and srun, on all of their ranks."""
    from dataclasses import replace

    from chirpleaf.cli.extras import require_training
    from chirpleaf.config import read_preset
    from chirpleaf.training.parallel.ranks import Ranks

    require_training()
    settings, ranks = read_preset(preset), Ranks.from_environment()
    if bank:
        settings = settings.model_copy(update={"simulation": replace(settings.simulation, bank=bank.resolve())})
    console.quiet = not ranks.first
    if not re.fullmatch(r"[\w.+-]+", settings.name):
        raise InputError(f"expected a name that can name a file; got {settings.name!r} in {preset}: change it")
    architecture = settings.architecture()
    if resume and start:
        raise InputError("expected --resume or --start; got both: a resumed training knows what it began with")
    trained = _trained(start, architecture) if start else None
    if ranks.first:
        _prepare(preset, settings, out, resume=resume, overwrite=overwrite)
    begun = out / "start.safetensors"
    if resume and begun.is_file():
        trained = _trained(begun, architecture)

    from chirpleaf.models.files import save
    from chirpleaf.training.progress import RichProgress
    from chirpleaf.training.recipe import train as run

    if trained:
        if ranks.first:
            save(trained, begun)
        architecture = trained.architecture
    if not context.meta.get("verbose"):
        silence_lightning()
    console.print(f"[bold]{settings.name}[/]: making templates, waveforms and spectra …", highlight=False)
    try:
        model = run(
            settings.name,
            architecture,
            settings.simulation,
            settings.schedule,
            out=out,
            seed=settings.seed,
            resume=resume,
            cores=cores,
            start=trained,
            ranks=ranks,
            communication=settings.communication,
            callbacks=[RichProgress(console)],
        )
    except (KeyboardInterrupt, SystemExit) as interrupt:  # Lightning makes the second of the first
        errors.print(f"stopped: {_how_to_go_on(preset, out)}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from interrupt
    except RuntimeError as error:
        if ranks.size == 1:
            raise
        message = f"rank {ranks.rank} has lost the others ({_first_line(error)}): {_how_to_go_on(preset, out)}"
        errors.print(message, highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(LOST) from error
    if not ranks.first:
        return
    path = out / f"{settings.name}.safetensors"
    save(model, path)
    metrics = model.provenance["metrics"]
    reached = ", ".join(
        f"{name.replace('_', ' ')} {metrics[name]:.3f}"
        for name in ("validation_loss", "relative_error")
        if name in metrics
    )
    console.print(f"wrote {path}: {reached}", highlight=False, markup=False, soft_wrap=True)


def _trained(start: str | Path, wanted: "Architecture") -> "Model":
    """The model that is trained further; all of it but networks and background must be as the preset has it."""
    from dataclasses import replace

    from chirpleaf.models import load_model

    model = load_model(start)
    found = model.architecture
    same = replace(
        wanted, root=found.root, n_context=found.n_context, head=found.head, background=found.background
    ).to_json()
    different = [name for name, value in found.to_json().items() if _plain(value) != _plain(same[name])]
    if different:
        raise InputError(
            f"expected a preset with the input of {model.name}; got another {', '.join(different)}: train with the "
            "preset that made it, changed in simulation and schedule alone"
        )
    return model


def _plain(value: object) -> str:
    """A setting by its JSON, where a tuple is a list."""
    return json.dumps(value, sort_keys=True)


def _prepare(preset: Path, settings: "Preset", out: Path, *, resume: bool, overwrite: bool) -> None:
    """The folder of the run, with a copy of its preset, which a resumed run must match."""
    from chirpleaf.config import read_preset, write_preset
    from chirpleaf.system.folders import new_folder

    copy, checkpoint = out / "preset.yaml", out / "last.ckpt"
    if resume and overwrite:
        raise InputError("expected --resume or --overwrite; got both: leave one out")
    if resume:
        if not checkpoint.is_file():
            raise InputError(f"expected a checkpoint to resume from; got no {checkpoint}: train without --resume")
        if copy.is_file() and read_preset(copy) != settings:
            raise InputError(f"expected the preset that the run began with; got {preset}: resume with {copy}")
        return
    new_folder(out, overwrite=overwrite)
    # Lightning would write last-v1.ckpt beside an old one, and --resume would go on from the old one.
    checkpoint.unlink(missing_ok=True)
    (out / "start.safetensors").unlink(missing_ok=True)
    write_preset(settings, copy)


def _how_to_go_on(preset: Path, out: Path) -> str:
    command = shlex.join(["chirpleaf", "train", str(preset), "--out", str(out)])
    if (out / "last.ckpt").is_file():
        return f"go on with `{command} --resume`"
    return f"no checkpoint was written yet, start again with `{command} --overwrite`"


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


def silence_lightning() -> None:
    """Keep what Lightning says about accelerators and its vendor's products from the user."""
    import logging

    for name in ("lightning.pytorch", "lightning.fabric", "torch.distributed"):
        logging.getLogger(name).setLevel(logging.ERROR)
