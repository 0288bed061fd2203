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
