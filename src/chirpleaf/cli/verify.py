"""`chirpleaf verify DIR`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chirpleaf.cli.console import Json, console, errors, print_json

if TYPE_CHECKING:
    from chirpleaf.inference.replay import Comparison

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
    if not first.trust.trusted:
        console.print(f"the result is {first.trust.explain()}", highlight=False, markup=False, soft_wrap=True)
    if comparison.identical:
        console.print(f"same: {result} is reproduced to the bit", highlight=False, markup=False, soft_wrap=True)
        return
    worst = max(comparison.distances, key=lambda name: comparison.distances[name])
    found = f"{worst} differs by {comparison.distances[worst]:.2f} of the allowed sampling error{_explain(comparison)}"
    if not comparison.same:
        where = " on the same machine with the same versions" if comparison.expected else ""
        message = f"differs: {result} is not reproduced{where}: {', '.join(comparison.differing[:4])} …; {found}"
        errors.print(message, highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(DIFFERS)
    console.print(f"same: {result} is reproduced; {found}", highlight=False, markup=False, soft_wrap=True)


def _explain(comparison: "Comparison") -> str:
    """Why numbers may differ, and verdicts that do."""
    (before, now), (then, today) = comparison.draws, comparison.verdicts
    budget = f"; the time budget decided on the draws, {before} then and {now} now" if comparison.timed else ""
    return budget + (f"; {then} then, {today} now" if then != today else "")
