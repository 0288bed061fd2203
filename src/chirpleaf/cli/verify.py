"""`chirpleaf verify DIR`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from chirpleaf.cli.console import Json, console, errors, print_json

DIFFERS = 3
"""Exit code of a result that the replay does not confirm."""


def verify(
    result: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a result, or its posterior.hdf5.")],
    json: Json = False,
) -> None:
    """Run the analysis of a result again, and compare: to the bit on the same machine, else within sampling error."""
    from chirpleaf.system.threads import use_one_numpy_thread

    use_one_numpy_thread()

    from chirpleaf.result.read import read

    first = read(result)  # a wrong name is told before the slow imports of an analysis
    from chirpleaf.inference.replay import replay

    _, comparison = replay(first)
    if json:
        print_json({**asdict(comparison), "same": comparison.same})
        if not comparison.same:
            raise typer.Exit(DIFFERS)
        return
    for change in comparison.changes:
        console.print(f"other than then: {change}", highlight=False, markup=False, soft_wrap=True)
    if comparison.identical:
        console.print(f"same: {result} is reproduced to the bit", highlight=False, markup=False, soft_wrap=True)
        return
    worst = max(comparison.distances, key=lambda name: comparison.distances[name])
    found = f"{worst} differs by {comparison.distances[worst]:.2f} of the allowed sampling error"
    if not comparison.same:
        where = " on the same machine with the same versions" if comparison.expected else ""
        before, now = comparison.draws
        draws = f"; {before} draws then, {now} now, as the time budget ended one earlier" if before != now else ""
        message = f"differs: {result} is not reproduced{where}: {', '.join(comparison.differing[:4])} …; {found}{draws}"
        errors.print(message, highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(DIFFERS)
    console.print(f"same: {result} is reproduced; {found}", highlight=False, markup=False, soft_wrap=True)
