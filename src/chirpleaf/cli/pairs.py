"""Options that pair a detector with a file or a name: `--strain H1=FILE`, `--channel H1=NAME`."""

from collections.abc import Sequence

from chirpleaf.errors import InputError


def pair_detectors(option: str, values: Sequence[str] | None, what: str = "FILE") -> dict[str, tuple[str, ...]]:
    """What is given for each detector, in the order of the command line.

    Args:
        option: name of the option, for messages.
        values: arguments of the option, each `DETECTOR=FILE`; the detector in any case.
        what: what follows the sign, for messages.

    Raises:
        InputError: a value is no such pair.
    """
    found: dict[str, tuple[str, ...]] = {}
    for value in values or ():
        detector, sign, entry = (part.strip() for part in value.partition("="))
        if not (detector and sign and entry):
            example = "h1.hdf5" if what == "FILE" else "H1:GWOSC-4KHZ_R1_STRAIN"
            raise InputError(
                f"expected {option} DETECTOR={what}; got {value!r}: write for example {option} H1={example}"
            )
        found[detector.upper()] = (*found.get(detector.upper(), ()), entry)
    return found


def pair_single(option: str, values: Sequence[str] | None, what: str = "FILE") -> dict[str, str]:
    """As `pair_detectors`, for options that are given once for a detector.

    Args:
        option: as for `pair_detectors`.
        values: as for `pair_detectors`.
        what: as for `pair_detectors`.

    Raises:
        InputError: a value is no pair, or a detector is given twice.
    """
    pairs = pair_detectors(option, values, what)
    twice = [detector for detector, entries in pairs.items() if len(entries) > 1]
    if twice:
        raise InputError(f"expected one {option} a detector; got two for {twice[0]}: leave one out")
    return {detector: entries[0] for detector, entries in pairs.items()}
