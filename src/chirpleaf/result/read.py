"""`chirpleaf.read`: a result from its file."""

from collections.abc import Callable, Mapping
from pathlib import Path

from chirpleaf.errors import InputError
from chirpleaf.result.hdf5 import LEAF_ESTIMATES, POSTERIOR, Record, read_record
from chirpleaf.result.leaves import LeafEstimates
from chirpleaf.result.posterior import Posterior

_CLASSES: Mapping[str, Callable[[Record], Posterior | LeafEstimates]] = {
    POSTERIOR: Posterior.from_record,
    LEAF_ESTIMATES: LeafEstimates.from_record,
}


def read(path: str | Path) -> Posterior | LeafEstimates:
    """Reads a result that `chirpleaf infer` or `Result.save` wrote.

    Args:
        path: a `posterior.hdf5`, or a folder that holds one.

    Returns:
        A result of the class that was saved, with everything that it had. Files of chirpleaf 0.1.0 hold neither
        verdict, timing, prior, certificate, sky map nor uncertainty components.

    Raises:
        InputError: there is no such file, it is incomplete, or this version of chirpleaf did not write it.
    """
    record = read_record(path)
    if record.kind not in _CLASSES:
        raise InputError(f"expected a result of {', '.join(_CLASSES)}; got {record.kind!r} in {path}: update chirpleaf")
    return _CLASSES[record.kind](record)
