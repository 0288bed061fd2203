"""Optional packages that only some subcommands need."""

from importlib.util import find_spec

from chirpleaf.errors import InputError


def require_training() -> None:
    """Checks that the packages for training are installed.

    Raises:
        InputError: they are not.
    """
    if find_spec("lightning") is None:
        raise InputError("expected Lightning, which trains networks; got none: pip install 'chirpleaf[train]'")


def require_server() -> None:
    """Checks that the packages of the web page are installed.

    Raises:
        InputError: one is not.
    """
    missing = [name for name in ("fastapi", "uvicorn", "python_multipart") if find_spec(name) is None]
    if missing:
        raise InputError(
            f"expected FastAPI, uvicorn and python-multipart, which serve the page; got no {missing[0]}: "
            "pip install 'chirpleaf[serve]'"
        )


def require_scheduler(address: str | None, workers: int | None = None) -> None:
    """Checks that Dask is installed, and that a scheduler answers and has workers, before anything is written.

    Args:
        address: of the scheduler; None for processes of this machine, which nothing but Dask is needed for.
        workers: number of these processes, if it is given.

    Raises:
        InputError: one is missing, or a number of processes is given for those of a scheduler.
    """
    if address is not None and workers is not None:
        raise InputError(
            "expected --workers for processes of this machine; got --scheduler, which has workers of its own: leave "
            "one out"
        )
    if find_spec("distributed") is None:
        raise InputError("expected Dask to share the work; got none: pip install 'chirpleaf[bank]'")
    if address is not None:
        from chirpleaf.system.dask_cluster import check_scheduler

        check_scheduler(address)


def require_onnx() -> None:
    """Checks that the packages that write and run ONNX files are installed.

    Raises:
        InputError: one is not.
    """
    for package in ("onnxscript", "onnxruntime"):
        if find_spec(package) is None:
            raise InputError(f"expected {package}, which ONNX files need; got none: pip install 'chirpleaf[onnx]'")
