"""`chirpleaf events`: the events whose strain comes with the package."""

from chirpleaf.cli.console import console


def events() -> None:
    """List the embedded events."""
    from rich.table import Table

    from chirpleaf.strain.events import events as embedded

    table = Table(title="Embedded events", title_justify="left", caption=None)
    for column in ("event", "GPS time", "detectors", "source"):
        table.add_column(column)
    for event in embedded().values():
        table.add_row(event.name, f"{event.trigger_time:.1f}", " ".join(event.detectors), event.source)
    console.print(table, highlight=False)
