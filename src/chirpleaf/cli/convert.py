"""`chirpleaf convert DIR --to FORMAT --out FILE`."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chirpleaf.cli.console import console, errors

if TYPE_CHECKING:
    from chirpleaf.result import LeafEstimates, Posterior


class Format(StrEnum):
    """Formats that a result is converted to."""

    ARVIZ = "arviz"
    BILBY = "bilby"
    PESUMMARY = "pesummary"
    POPULATION = "population"
    SKYMAP = "skymap"
    WAVEFORMS = "waveforms"


def convert(
    result: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a result, or its posterior.hdf5.")],
    to: Annotated[
        Format,
        typer.Option(
            help="arviz: netCDF; bilby: JSON; pesummary: metafile, HDF5; population: CSV with the prior "
            "of each sample; skymap: multi-order FITS with distances; waveforms: HDF5 with h(t) and h(f) of samples."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")],
    injection: Annotated[
        Path | None, typer.Option(help="True parameters of a simulated signal, as for inject; for bilby and pesummary.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Write a result in the format of another program."""
    from chirpleaf.errors import InputError, UntrustedError
    from chirpleaf.result.read import read
    from chirpleaf.result.trust import Grade

    if injection is not None and to not in (Format.BILBY, Format.PESUMMARY):
        raise InputError(
            f"expected --injection with --to bilby or pesummary; got {to}, which has no place for it: leave it out"
        )
    if out.is_dir():
        raise InputError(f"expected a file for --out; got the folder {out}: name a file in it")
    if out.exists() and not overwrite:
        raise InputError(f"expected a new file for --out; got {out}, which exists: add --overwrite")
    if _belongs_to(out, result):
        raise InputError(f"expected --out beside the result; got {out}, a file of the result itself: name another")
    if not out.parent.is_dir():
        raise InputError(f"expected a file in an existing folder; got {out}: create {out.parent} first")
    found = read(result)
    if injection is not None:
        from chirpleaf.diagnostics.binary_files import read_binary

        origin = replace(found.provenance, injection=read_binary(injection))
        found = replace(found, provenance=origin)
    _WRITERS[to](found, out)
    console.print(f"wrote {out}", highlight=False, markup=False, soft_wrap=True)
    if found.trust.grade is Grade.REFUSE:
        raise UntrustedError(f"{'; '.join(found.trust.reasons)}: {out} holds the samples all the same")
    if not found.trust.trusted:
        errors.print(found.trust.explain(), highlight=False, markup=False, soft_wrap=True)


def _belongs_to(out: Path, result: Path) -> bool:
    """Whether a file is one of the result that is converted, which it would replace."""
    from chirpleaf.result.hdf5 import FILE_NAME
    from chirpleaf.system.products import read_products

    folder = (result if result.is_dir() else result.parent).resolve()
    own = {FILE_NAME, result.name, *read_products(folder)}
    return out.resolve().parent == folder and out.name in own and out.exists()


def _require_posterior(result: "Posterior | LeafEstimates") -> "Posterior":
    """The result, if it is a posterior."""
    from chirpleaf.errors import InputError
    from chirpleaf.result import Posterior

    if not isinstance(result, Posterior):
        raise InputError("expected a posterior; got estimates of single quantities: choose arviz, bilby or pesummary")
    return result


def _write_arviz(result: "Posterior | LeafEstimates", path: Path) -> None:
    from chirpleaf.system.files import write_atomically

    with write_atomically(path) as scratch:
        result.to_arviz().to_netcdf(str(scratch))


def _write_bilby(result: "Posterior | LeafEstimates", path: Path) -> None:
    from chirpleaf.result.json_files import write_json
    from chirpleaf.system.files import write_atomically

    with write_atomically(path) as scratch:
        write_json(result.bilby_document, scratch)


def _write_pesummary(result: "Posterior | LeafEstimates", path: Path) -> None:
    from chirpleaf.result.pesummary import write_metafile

    write_metafile(result, path)


def _write_population(result: "Posterior | LeafEstimates", path: Path) -> None:
    import csv

    from chirpleaf.result.population import tabulate_population
    from chirpleaf.system.files import write_atomically

    table = tabulate_population(_require_posterior(result))
    verdict = [result.trust.verdict] * len(result)  # tables of many events are joined
    with write_atomically(path) as scratch, scratch.open("w", newline="", encoding="utf-8") as file:
        writer: Any = csv.writer(file)
        writer.writerow([*table, "verdict"])
        writer.writerows(zip(*(values.tolist() for values in table.values()), verdict, strict=True))


def _write_skymap(result: "Posterior | LeafEstimates", path: Path) -> None:
    from chirpleaf.result.multiorder import write_multiorder
    from chirpleaf.system.files import write_atomically

    with write_atomically(path) as scratch:
        write_multiorder(_require_posterior(result), scratch)


def _write_waveforms(result: "Posterior | LeafEstimates", path: Path) -> None:
    from chirpleaf.diagnostics.waveform_posterior import write_waveforms

    write_waveforms(_require_posterior(result), path)


_WRITERS: dict[Format, Callable[["Posterior | LeafEstimates", Path], None]] = {
    Format.ARVIZ: _write_arviz,
    Format.BILBY: _write_bilby,
    Format.PESUMMARY: _write_pesummary,
    Format.POPULATION: _write_population,
    Format.SKYMAP: _write_skymap,
    Format.WAVEFORMS: _write_waveforms,
}
