"""What can go wrong, by whose hand.

Every message is one line that says what was expected, what came, and how to mend it. The command line turns
`InputError` into exit code 2 and `UntrustedError` into exit code 3; the library raises them.
"""


class ChirpleafError(Exception):
    """Base of all errors that chirpleaf raises on purpose."""


class InputError(ChirpleafError, ValueError):
    """The caller's input is wrong: a file, a name, a setting. The message says how to mend it."""


class ShortStrainError(InputError):
    """The signal is longer than the strain that was given; a longer file would do."""


class UntrustedError(ChirpleafError):
    """An answer was found that cannot be trusted; what was found is kept."""
