"""Exceptions of chirpleaf.

Every message is one line: what was expected, what was given, and the remedy. The command line turns
`InputError` into exit code 2, `UntrustedError` into exit code 3 and `InterruptedRunError` into exit code 130.
"""

import errno

_REMEDIES = {
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EISDIR: "name a file, not a folder",
    errno.ENOTDIR: "name a folder, not a file",
    errno.ENOENT: "check the path",
    errno.ENOSPC: "make free space, or name another folder",
    errno.EDQUOT: "make free space, or name another folder",
    errno.EACCES: "look at its permissions, or name another",
    errno.EPERM: "look at its permissions, or name another",
    errno.EROFS: "name a folder that can be written to",
}
"""What helps against errors of the operating system."""

_SHOWN = 80
"""Characters of a name that a message shows."""


def describe_os_error(error: OSError) -> str:
    """An error of the operating system as one line with its remedy.

    Args:
        error: the error.

    Example:
        >>> describe_os_error(OSError(errno.ENAMETOOLONG, "File name too long", "a"))
        "expected files that can be read and written; got 'a' (File name too long): choose a shorter name"
    """
    remedy = _REMEDIES.get(error.errno or 0, "look at permissions and free space")
    got = str(error)
    if error.filename is not None:
        name = str(error.filename)
        shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."
        got = f"{shown!r} ({error.strerror})"
    return f"expected files that can be read and written; got {got}: {remedy}"


class ChirpleafError(Exception):
    """Base class of the exceptions of chirpleaf."""


class InputError(ChirpleafError, ValueError):
    """Invalid input: a file, a name or a setting. The message states the remedy, on one line.

    Args:
        message: the message. Names and values of the user may be in it: what cannot be printed, such as the end of a
            line or a command to a terminal, is escaped.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__("".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in str(message)))


class UnknownParameterError(InputError, KeyError):
    """A result has no parameter of this name; also a `KeyError`, as results are indexed by names."""

    __str__ = Exception.__str__  # that of KeyError would quote the message


class ShortStrainError(InputError):
    """The signal needs a longer segment than the given strain allows; longer strain is the remedy."""


class InterruptedRunError(ChirpleafError):
    """Ctrl-C, or a signal, has ended a run that can go on. The message says how."""


class UntrustedError(ChirpleafError):
    """The result cannot be trusted. Its files are kept."""
