"""`chirpleaf bank PRESET.yaml --out FILE [--scheduler ADDRESS] [--resume]`."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chirpleaf.cli.completion import complete_preset
from chirpleaf.cli.console import console, errors
from chirpleaf.cli.presets import find_preset
from chirpleaf.cli.resuming import check_resume, explain_interruption
from chirpleaf.errors import InputError

if TYPE_CHECKING:
    from chirpleaf.training.banks.file import BankFile, Piece
    from chirpleaf.training.banks.source import Rows, WaveformSource


def bank(
    context: typer.Context,
    preset: Annotated[
        Path,
        typer.Argument(
            help="YAML preset of the training that will read it: a file, or the name of a shipped one.",
            callback=find_preset,
            autocompletion=complete_preset,
        ),
    ],
    out: Annotated[Path, typer.Option(help="HDF5 file to write.")],
    waveforms: Annotated[
        int | None, typer.Option(min=1, help="Number of waveforms; that of the preset by default.")
    ] = None,
    piece: Annotated[int, typer.Option(help="Number of waveforms computed and checked together.")] = 1024,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one for each free core by default.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Dask scheduler of a cluster, tcp://HOST:PORT.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Compute the missing and broken pieces of a file.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
) -> None:
    """Make a bank of waveforms on disk, in pieces, on all cores or a cluster."""
    from chirpleaf.cli.extras import require_scheduler
    from chirpleaf.config import read_preset
    from chirpleaf.system.claims import claim_file
    from chirpleaf.system.cores import free_cores
    from chirpleaf.training.data import waveform_source

    settings = read_preset(preset)
    context.with_resource(claim_file(out))
    source = waveform_source(settings.architecture(), seed=settings.seed, strata=settings.simulation.strata)
    require_scheduler(scheduler, workers)
    file = _open_file(
        out, source, waveforms or settings.simulation.waveforms, piece, resume=resume, overwrite=overwrite
    )
    missing = file.missing()
    before = len(file.pieces()) - len(missing)
    if before:
        console.print(f"{before} of {len(file.pieces())} pieces are made", highlight=False)
    if missing:
        computed = _compute(missing, source, workers or free_cores(), scheduler)
        with explain_interruption(_repeat_command(preset, out, len(file), piece)):
            _show_progress(file.write(computed, seed=source.seed), missing)
    console.print(f"wrote {out}: {len(file):,} waveforms", highlight=False, markup=False, soft_wrap=True)


def _open_file(out: Path, source: "WaveformSource", n: int, piece: int, *, resume: bool, overwrite: bool) -> "BankFile":
    """Creates the file, or opens an unfinished one to resume it."""
    from chirpleaf.training.banks.file import BankFile

    check_resume(resume=resume, overwrite=overwrite)
    if resume:
        file = BankFile(out)
        file.check(source)
        if len(file) != n or file.size != piece:
            raise InputError(
                f"expected {n:,} waveforms in pieces of {piece}; got {out} with {len(file):,} in pieces of "
                f"{file.size}: give it --waveforms {len(file)} --piece {file.size}"
            )
        return file
    if out.exists() and not overwrite:
        raise InputError(f"expected a new file; got {out}: add --resume to go on with it, or --overwrite")
    return BankFile.create(out, source, n, piece)


def _compute(
    missing: "Sequence[Piece]", source: "WaveformSource", workers: int, scheduler: str | None
) -> "Iterator[tuple[Piece, Rows]]":
    """Computes pieces with Dask."""
    from chirpleaf.training.banks.workers import compute_pieces

    return compute_pieces(missing, source, workers=workers, scheduler=scheduler)


def _repeat_command(preset: Path, out: Path, n: int, piece: int) -> str:
    """The command that goes on with a file."""
    words = ["chirpleaf", "bank", str(preset), "--out", str(out), "--waveforms", str(n), "--piece", str(piece)]
    return shlex.join([*words, "--resume"])


def _show_progress(written: "Iterator[Piece]", missing: "Sequence[Piece]") -> None:
    """Shows a progress bar that advances with each written piece."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(bar_width=20), TextColumn("{task.completed:,}/{task.total:,}"), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("waveforms", total=sum(piece.stop - piece.start for piece in missing))
        for piece in written:
            progress.advance(task, piece.stop - piece.start)
