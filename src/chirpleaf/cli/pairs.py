"""Options that pair a detector with a file: `--strain H1=FILE`."""

from collections.abc import Sequence
from pathlib import Path

from chirpleaf.errors import InputError


def detector_files(option: str, values: Sequence[str] | None) -> dict[str, Path]:
    """Files by detector.

    Args:
        option: name of the option, for messages.
        values: what was given, each `DETECTOR=FILE`.

    Raises:
        InputError: a value is no such pair, or a detector is given twice.
    """
    files: dict[str, Path] = {}
    for value in values or ():
        detector, sign, path = value.partition("=")
        if not (detector and sign and path):
            raise InputError(f"expected {option} DETECTOR=FILE; got {value!r}: write for example {option} H1=h1.hdf5")
        if detector in files:
            raise InputError(f"expected one {option} a detector; got two for {detector}: leave one out")
        files[detector] = Path(path)
    return files
