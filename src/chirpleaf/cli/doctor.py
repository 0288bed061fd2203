"""`chirpleaf doctor`: checks an installation."""

from dataclasses import asdict

import typer

from chirpleaf.cli.console import Json, console, print_json

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(json: Json = False) -> None:
    """Check an installation and show remedies."""
    from rich.markup import escape
    from rich.table import Table

    from chirpleaf.cli.checks import checks

    table = Table.grid(padding=(0, 2))
    found = []
    for check in checks():
        found.append(check)
        remedy = f" → {check.remedy}" if check.remedy else ""
        colour = COLOURS[check.status]
        table.add_row(f"[{colour}]{check.status}[/]", check.subject, escape(check.finding + remedy))
    if json:
        print_json([asdict(check) for check in found])
    else:
        console.print(table, highlight=False)
    if any(check.status == "fail" for check in found):
        raise typer.Exit(2)
