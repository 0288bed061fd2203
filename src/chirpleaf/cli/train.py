"""`chirpleaf train PRESET.yaml --out DIR [--resume]`, alone or as one rank of several under a launcher."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chirpleaf.cli.completion import complete_model, complete_preset
from chirpleaf.cli.console import console, errors
from chirpleaf.cli.presets import find_preset
from chirpleaf.cli.resuming import check_resume
from chirpleaf.errors import InputError, InterruptedRunError
from chirpleaf.system.ending import is_closed_pipe

if TYPE_CHECKING:
    from chirpleaf.config import Preset
    from chirpleaf.models import Architecture, Model
    from chirpleaf.training.parallel.ranks import Ranks

FOLDER_FILES = ("preset.yaml", "history.csv", "machine.json", "last.ckpt", "start.safetensors")
"""What a training writes beside its model."""

RANK_LOST = 1
"""Exit code when another rank has ended early."""


def train(
    context: typer.Context,
    preset: Annotated[
        Path,
        typer.Argument(
            help="YAML preset of the run: a file, or the name of a shipped one.",
            callback=find_preset,
            autocompletion=complete_preset,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, history and the model file.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the folder's last checkpoint.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start again in an existing folder.")] = False,
    cores: Annotated[int | None, typer.Option(min=1, help="Cores of each rank; the free ones by default.")] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="Begin with this model's weights, or with its encoder and root for other parameters.",
            autocompletion=complete_model,
        ),
    ] = None,
    bank: Annotated[Path | None, typer.Option(help="Waveforms made by `chirpleaf bank`; computed by default.")] = None,
) -> None:
    """Train a model from a preset; the same under torchrun, mpirun and srun, on all of their ranks."""
    from dataclasses import replace

    from chirpleaf.cli.extras import require_training
    from chirpleaf.cli.lightning import silence_lightning
    from chirpleaf.cli.preparation import show_preparation
    from chirpleaf.config import read_preset
    from chirpleaf.models.files import save
    from chirpleaf.system.claims import claim_folder
    from chirpleaf.system.products import replace_products
    from chirpleaf.training.banks.file import BankFile
    from chirpleaf.training.parallel.ranks import Ranks

    require_training()
    settings, ranks = read_preset(preset), Ranks.from_environment()
    if bank:
        BankFile(bank)  # a file that is none is refused before a folder is made
        settings = settings.model_copy(update={"simulation": replace(settings.simulation, bank=bank.resolve())})
    console.quiet = not ranks.first
    if not re.fullmatch(r"[\w.+-]+", settings.name):
        raise InputError(f"expected a name that can name a file; got {settings.name!r} in {preset}: change it")
    architecture = settings.architecture()
    if resume and start:
        raise InputError("expected --resume or --start; got both: a resumed training knows what it began with")
    start = start or settings.start
    start_model = _load_start(start, architecture) if start and not resume else None
    if ranks.first:
        check_resume(resume=resume, overwrite=overwrite)
        context.with_resource(claim_folder(out, overwrite=overwrite or resume))
        _prepare_folder(preset, settings, out, resume=resume)
    start_copy = out / "start.safetensors"
    if resume and start_copy.is_file():
        start_model = _load_start(start_copy, architecture)
    if start_model and ranks.first:
        save(start_model, start_copy)
    if not context.meta.get("verbose"):
        silence_lightning()
    with _explain_interruption(preset, out, ranks), show_preparation(shown=ranks.first):
        model = _run(settings, start_model, ranks, out=out, resume=resume, cores=cores)
    if ranks.first:
        path = out / f"{settings.name}.safetensors"
        save(model, path)
        replace_products(out, [path, *(out / name for name in FOLDER_FILES)])
        console.print(f"wrote {path}: {_metrics(model)}", highlight=False, markup=False, soft_wrap=True)


def _run(
    settings: "Preset", start: "Model | None", ranks: "Ranks", *, out: Path, resume: bool, cores: int | None
) -> "Model":
    """Trains with the settings of a preset and a progress bar."""
    from chirpleaf.training import recipe
    from chirpleaf.training.progress import RichProgress

    console.print(f"[bold]{settings.name}[/]: making templates, waveforms and spectra …", highlight=False)
    return recipe.train(
        settings.name,
        settings.architecture(),
        settings.simulation,
        settings.schedule,
        out=out,
        seed=settings.seed,
        resume=resume,
        cores=cores,
        start=start,
        ranks=ranks,
        communication=settings.communication,
        callbacks=[RichProgress(console)],
    )


@contextmanager
def _explain_interruption(preset: Path, out: Path, ranks: "Ranks") -> Iterator[None]:
    """After Ctrl-C, or if another rank has ended early: states how to continue, and ends with an exit code."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as interrupt:  # Lightning turns the first into the second
        if is_closed_pipe(interrupt):
            raise
        raise InterruptedRunError(_how_to_go_on(preset, out)) from interrupt
    except RuntimeError as error:
        if ranks.size == 1:
            raise
        message = f"rank {ranks.rank} has lost the others ({_first_line(error)}): {_how_to_go_on(preset, out)}"
        errors.print(message, highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(RANK_LOST) from error


def _metrics(model: "Model") -> str:
    """Loss and, for leaves, relative error on validation."""
    metrics = model.provenance["metrics"]
    names = [name for name in ("validation_loss", "relative_error") if name in metrics]
    return ", ".join(f"{name.replace('_', ' ')} {metrics[name]:.3f}" for name in names)


def _load_start(start: str | Path, wanted: "Architecture") -> "Model":
    """Loads the model to begin with, and checks that it fits the preset."""
    from chirpleaf.models import load_model
    from chirpleaf.models.transfer import begin_with

    model = load_model(start)
    begin_with(model, wanted)
    return model


def _prepare_folder(preset: Path, settings: "Preset", out: Path, *, resume: bool) -> None:
    """Puts a copy of the preset into the folder of a training; compares both when a training is resumed."""
    from chirpleaf.config import read_preset, write_preset

    copy, checkpoint = out / "preset.yaml", out / "last.ckpt"
    if resume:
        if not checkpoint.is_file():
            raise InputError(f"expected a checkpoint to resume from; got no {checkpoint}: train without --resume")
        if copy.is_file() and read_preset(copy) != settings:
            raise InputError(f"expected the preset that the run began with; got {preset}: resume with {copy}")
        return
    # Beside an old checkpoint, Lightning would write last-v1.ckpt, and --resume would go on from the old one.
    checkpoint.unlink(missing_ok=True)
    (out / "start.safetensors").unlink(missing_ok=True)
    write_preset(settings, copy)


def _how_to_go_on(preset: Path, out: Path) -> str:
    """The command that resumes, or starts again."""
    command = shlex.join(["chirpleaf", "train", str(preset), "--out", str(out)])
    if (out / "last.ckpt").is_file():
        return f"go on with `{command} --resume`"
    return f"no checkpoint was written yet, start again with `{command} --overwrite`"


def _first_line(error: BaseException) -> str:
    """First line of an error message."""
    return str(error).strip().partition("\n")[0]
