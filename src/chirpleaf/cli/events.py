"""`chirpleaf events`: the events whose strain comes with the package."""

from dataclasses import asdict

from chirpleaf.cli.console import Json, console, print_json


def events(json: Json = False) -> None:
    """List the embedded events."""
    from rich.table import Table

    from chirpleaf.strain.events import events as embedded

    if json:
        print_json([asdict(event) for event in embedded().values()])
        return
    table = Table(title="Embedded events", title_justify="left", caption=None)
    for column in ("event", "GPS time", "detectors", "source"):
        table.add_column(column)
    for event in embedded().values():
        table.add_row(event.name, f"{event.trigger_time:.1f}", " ".join(event.detectors), event.source)
    console.print(table, highlight=False)
