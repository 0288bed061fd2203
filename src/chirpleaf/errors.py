"""Exceptions of chirpleaf.

Every message is one line: what was expected, what was given, and the remedy. The command line turns
`InputError` into exit code 2 and `UntrustedError` into exit code 3; the library raises them.
"""


class ChirpleafError(Exception):
    """Base class of the exceptions of chirpleaf."""


class InputError(ChirpleafError, ValueError):
    """Invalid input: a file, a name or a setting. The message states the remedy."""


class UnknownParameterError(InputError, KeyError):
    """A result has no parameter of this name; also a `KeyError`, as results are indexed by names."""

    __str__ = Exception.__str__  # that of KeyError would quote the message


class ShortStrainError(InputError):
    """The signal needs a longer segment than the given strain allows; longer strain is the remedy."""


class UntrustedError(ChirpleafError):
    """The result cannot be trusted. Its files are kept."""
