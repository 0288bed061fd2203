"""`chirpleaf.read`: a result from its file."""

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from chirpleaf.errors import InputError
from chirpleaf.result.hdf5 import FILE_NAME, LEAF_ESTIMATES, POSTERIOR, Record, read_record
from chirpleaf.result.leaves import LeafEstimates
from chirpleaf.result.posterior import Posterior
from chirpleaf.result.trust import VERDICTS
from chirpleaf.result.validation import check_densities, check_names, check_samples, check_type, check_types
from chirpleaf.system.limits import find_fault

_CLASSES: Mapping[str, Callable[[Record], Posterior | LeafEstimates]] = {
    POSTERIOR: Posterior.from_record,
    LEAF_ESTIMATES: LeafEstimates.from_record,
}

_DAMAGES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    StopIteration,
    TypeError,
    ValueError,
)
"""What h5py, json and the classes of a result raise where bytes of a file have changed."""


def read(path: str | Path) -> Posterior | LeafEstimates:
    """Reads a result that `chirpleaf infer` or `Result.save` wrote.

    Args:
        path: a `posterior.hdf5`, or a folder that holds one.

    Returns:
        A result of the class that was saved, equal to it. Files of chirpleaf 0.1.0 hold neither verdict, timing, prior,
        certificate, sky map nor uncertainty components.

    Raises:
        InputError: there is no such file, it is incomplete, damaged or inconsistent, or this version of chirpleaf did
            not write it.
    """
    file = _locate(path)
    try:
        record = read_record(file)
        if record.kind in _CLASSES:
            _check_content(record)
            return _CLASSES[record.kind](record)
    except _DAMAGES as error:
        reason = " ".join(str(error).split())
        if isinstance(error, InputError):  # its remedy is for those who made the result
            reason = reason.rpartition(": ")[0]
        raise InputError(
            f"expected a {FILE_NAME} of chirpleaf; got {file}, which cannot be read so "
            f"({reason[:200] or type(error).__name__}): write it again"
        ) from error
    raise InputError(f"expected a result of {', '.join(_CLASSES)}; got {record.kind!r} in {file}: update chirpleaf")


def _locate(path: str | Path) -> Path:
    """The file that a user means."""
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise InputError(f"expected a {FILE_NAME} or its folder; got {path!r}: give its path")
    file = Path(path) / FILE_NAME if os.path.isdir(path) else Path(path)
    fault = find_fault(file)
    if fault == "does not exist":
        raise InputError(f"expected a {FILE_NAME}; got no file {file}: check the path")
    if fault:
        raise InputError(f"expected a {FILE_NAME}; got {file}, which {fault}: check the path")
    return file


def _check_content(record: Record) -> None:
    """Refuses a record whose parts do not belong together."""
    for part in (record.provenance, record.trust, record.prior, record.certificate):
        if part is not None:
            check_types(part)
    check_type("timing", record.timing, Mapping[str, float | None])
    check_type("uncertainty_components", record.uncertainty_components, Mapping[str, Mapping[str, float]])
    if record.trust.verdict not in VERDICTS:
        raise InputError(f"expected a verdict among {', '.join(VERDICTS)}; got {record.trust.verdict!r}: correct it")
    if not math.isfinite(record.provenance.trigger_time):
        raise InputError(f"expected a finite trigger_time; got {record.provenance.trigger_time}: correct it")
    leaves = record.kind == LEAF_ESTIMATES
    if leaves == bool(record.intrinsic) or (record.uncertainty_components and not leaves):
        raise InputError(f"expected the content of a result of kind {record.kind}; got that of another: correct it")
    check_samples(record.samples, record.log_prob.size)
    check_names((*record.intrinsic, *record.uncertainty_components), record.samples)
    if (record.certificate is None) != (record.sky is None):
        raise InputError("expected a certificate with a sky map; got one without the other: correct it")
    if not leaves:
        check_densities(record.log_prob, record.log_weight)
