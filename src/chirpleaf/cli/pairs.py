"""Options that pair a name with a value: `--strain H1=FILE`, `--channel H1=NAME`, `--f-min L1=30`."""

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


def list_detectors(option: str, values: Sequence[str] | None) -> tuple[str, ...]:
    """Names of detectors in upper case.

    Args:
        option: name of the option, for messages.
        values: names in any case; none for all.

    Raises:
        InputError: a name is empty, or given twice.
    """
    names = tuple(value.strip().upper() for value in values or ())
    if not all(names):
        raise InputError(f"expected names of detectors for {option}; got an empty one: leave out the comma or space")
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise InputError(f"expected each detector once for {option}; got {twice[0]} twice: leave one out")
    return names


def named_values(option: str, values: Sequence[str] | None) -> dict[str, str]:
    """Values by name.

    Args:
        option: name of the option, for messages.
        values: what was given, each `NAME=VALUE`.

    Raises:
        InputError: a value is no such pair, or a name is given twice.
    """
    found: dict[str, str] = {}
    for text in values or ():
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            raise InputError(f"expected {option} NAME=VALUE; got {text!r}: write both, with = between them")
        if name in found:
            raise InputError(f"expected one {option} of a name; got two for {name}: leave one out")
        found[name] = value
    return found


def detector_numbers(option: str, values: Sequence[str] | None) -> float | dict[str, float] | None:
    """One number for all detectors, or a number by detector.

    Args:
        option: name of the option, for messages.
        values: what was given: one `NUMBER`, or several `DETECTOR=NUMBER`.

    Returns:
        None if nothing was given.

    Raises:
        InputError: a value is neither.
    """
    if not values:
        return None
    if len(values) == 1 and "=" not in values[0]:
        return parse_number(option, values[0])
    return {name: parse_number(option, value) for name, value in named_values(option, values).items()}


def parse_number(option: str, text: str) -> float:
    """A number.

    Args:
        option: name of the option, for messages.
        text: what was given.

    Raises:
        InputError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise InputError(f"expected a number for {option}; got {text!r}: write for example {option} 20") from None
