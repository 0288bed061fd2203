"""Exceptions of chirpleaf.

Every message is one line: what was expected, what was given, and the remedy. The command line turns
`InputError` into exit code 2 and `UntrustedError` into exit code 3; the library raises them.
"""


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


class UntrustedError(ChirpleafError):
    """The result cannot be trusted. Its files are kept."""
