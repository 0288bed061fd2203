"""`chirpleaf serve`: a web page and a JSON API on this machine."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chirpleaf.cli.console import console, errors

if TYPE_CHECKING:
    from chirpleaf.server.settings import ServerSettings


def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's reach it if it is open.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any that is free.")] = 8000,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that analyse; one for each core by default.")
    ] = None,
    queue: Annotated[int, typer.Option(min=1, max=10_000, help="Jobs that may wait; further ones are refused.")] = 8,
    upload_limit: Annotated[int, typer.Option(metavar="MB", min=1, max=100_000, help="Largest upload, MB.")] = 500,
    job_limit: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="Time after which a job is ended.")
    ] = 300.0,
    keep: Annotated[float, typer.Option(metavar="HOURS", min=0.01, help="Time for which results are kept.")] = 24.0,
    disk_limit: Annotated[
        int, typer.Option(metavar="MB", min=1, max=10**8, help="Size of all jobs on the disk, MB.")
    ] = 5000,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where jobs are kept while the server runs; a folder for temporary files by default."),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Take events of the open catalogues from the cache alone.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Further name by which browsers open this server; repeatable."),
    ] = None,
) -> None:
    """Serve a web page and a JSON API, on this machine alone by default."""
    from chirpleaf.cli.extras import require_server

    require_server()
    from chirpleaf.server.guard import is_loopback
    from chirpleaf.server.running import list_names, open_port
    from chirpleaf.server.running import serve as run
    from chirpleaf.server.settings import ServerSettings
    from chirpleaf.system.cores import available_cores
    from chirpleaf.system.threads import limit_numeric_threads

    settings = ServerSettings(
        workers=workers or available_cores(),
        queue=queue,
        upload_bytes=upload_limit * 10**6,
        job_seconds=job_limit,
        keep_seconds=keep * 3600,
        disk_bytes=disk_limit * 10**6,
        folder=folder,
        offline=offline,
    )
    socket = open_port(host, port)
    if not is_loopback(host):
        _warn(host)
    limit_numeric_threads()
    os.environ.setdefault("MPLBACKEND", "Agg")
    if not context.meta.get("verbose"):
        _silence()
    _announce(host, socket.getsockname()[1], settings)
    run(socket, settings, list_names(host, tuple(allow_host or ())))
    errors.print("stopped: no job is running any more", highlight=False)


def _warn(host: str) -> None:
    errors.print(
        f"[bold yellow]warning:[/] {host} can be reached by others. This server has no passwords and no encryption: "
        "whoever reaches it can use it and this machine's processors. Use 127.0.0.1 with a tunnel (ssh -L) instead.",
        highlight=False,
        soft_wrap=True,
    )


def _announce(host: str, port: int, settings: "ServerSettings") -> None:
    shown = f"[{host}]" if ":" in host else host
    console.print(
        f"chirpleaf on http://{shown}:{port} ({settings.workers} worker{'s' * (settings.workers > 1)}); Ctrl-C ends it",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _silence() -> None:
    """Has the server say nothing but warnings of its own."""
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
