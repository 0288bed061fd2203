"""What PESummary reads of chirpleaf's files, run by an interpreter that has PESummary; prints JSON.

    python tests/interop_pesummary.py FILE ...

PESummary 1.8 needs older matplotlib and numpy than chirpleaf's tests, so it has an environment of its own.
"""

import json
import logging
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


def describe(path: str) -> dict[str, object]:
    """Samples, approximants and metadata of a file, as PESummary has them."""
    from pesummary.io import read

    found = read(path, package="gw")
    samples = found.samples_dict
    labels = getattr(found, "labels", None)
    if labels:
        samples = samples[labels[0]]
    kwargs = found.extra_kwargs[0] if isinstance(found.extra_kwargs, list) else found.extra_kwargs
    injection = found.injection_parameters
    injection = injection[0] if isinstance(injection, list) else injection
    return {
        "class": type(found).__name__,
        "labels": labels,
        "approximant": getattr(found, "approximant", None),
        "samples": {name: np.asarray(values, float).tolist() for name, values in samples.items()},
        "metadata": json.loads(json.dumps(kwargs, default=str)),
        "injection": json.loads(json.dumps(dict(injection or {}), default=float)),
        "priors": json.loads(json.dumps(getattr(found, "priors", {}) or {}, default=str)),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps([describe(path) for path in sys.argv[1:]]))
