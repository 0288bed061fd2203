"""Results on disk: what `chirpleaf infer` writes of a posterior, and how it is read back.

| file | holds |
|---|---|
| `summary.json` | medians and 90 % intervals, trust, timing: what a script wants |
| `posterior.hdf5` | every draw with its density and weight, provenance as attributes: what a colleague wants |
| `skymap.fits` | where the source lies, where that was asked: what an astronomer wants |
| `result.json` | samples of equal weight and the prior, as `bilby.core.result.read_in_result` takes them |

Each file is written beside its name and then renamed, so that there is a whole one or the one that was there before.
"""

import json
import math
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.inference.posterior import Posterior
from chirpleaf.models.estimator import PARAMETERS as INTRINSIC
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.distributions import PowerLaw
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.system.files import write_files

EXTRINSIC = ("luminosity_distance", "ra", "dec", "theta_jn", "psi", "phase", "geocent_time")
"""What a certified posterior has samples of besides."""

DENSITIES = ("log_prob", "log_weight")
"""What `posterior.hdf5` holds of each sample besides its parameters."""


@dataclass(frozen=True)
class SavedPosterior:
    """What `posterior.hdf5` holds.

    Attributes:
        samples: parameter name to values, each of shape (n,), in the units of `physics.parameters`.
        log_prob: ln of the density that the samples were drawn from, per unit of chirp_mass, mass_ratio, chi_1 and
            chi_2, or of a leaf's quantities, shape (n,).
        log_weight: ln of the importance weights, shape (n,); zeros where the posterior is not certified.
        provenance: event, trigger_time, detectors, model, data_sha256, approximant, seed and chirpleaf_version.
    """

    samples: Samples
    log_prob: NDArray[np.float64]
    log_weight: NDArray[np.float64]
    provenance: dict[str, Any]


def write_results(posterior: Posterior, folder: Path) -> tuple[Path, ...]:
    """Writes `summary.json`, `posterior.hdf5`, `result.json` and, of a certified posterior, `skymap.fits`.

    Args:
        posterior: what to write.
        folder: where; it exists. Files of these names are replaced.

    Returns:
        The files.
    """
    writers = {"summary.json": _write_summary, "posterior.hdf5": _write_samples, "result.json": _write_bilby}
    if posterior.sky is not None:
        writers["skymap.fits"] = _write_sky
    return write_files({name: partial(write, posterior) for name, write in writers.items()}, folder)


def read_posterior(path: str | Path) -> SavedPosterior:
    """Reads a `posterior.hdf5`.

    Args:
        path: the file.

    Raises:
        InputError: there is no such file, it is cut short, or it is none of chirpleaf's.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"expected a posterior.hdf5; got no file {path}: check the path")
    try:
        with h5py.File(path, "r") as file:
            table = {name: dataset[()] for name, dataset in file["posterior"].items()}
            provenance = {name: _plain(value) for name, value in file.attrs.items()}
        log_prob, log_weight = (table.pop(name) for name in DENSITIES)
    except (OSError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"expected a posterior.hdf5 of chirpleaf; got {path}, which cannot be read so ({reason}): write it again"
        ) from error
    return SavedPosterior(table, log_prob, log_weight, provenance)


def provenance(posterior: Posterior) -> dict[str, Any]:
    """Where a posterior is from, as JSON values."""
    model = posterior.observation.model
    return {
        "event": posterior.event,
        "trigger_time": posterior.trigger_time,
        "detectors": list(posterior.detectors),
        "model": model.name,
        "data_sha256": model.provenance.get("data_sha256", ""),
        "approximant": posterior.approximant,
        "seed": posterior.seed,
        "chirpleaf_version": version("chirpleaf"),
    }


def _write_summary(posterior: Posterior, path: Path) -> None:
    origin = provenance(posterior)
    named = ("event", "trigger_time", "detectors", "model", "approximant", "seed")
    document = {
        **{name: origin[name] for name in named},
        "n_samples": len(posterior),
        "parameters": posterior.summary(),
        "prior": posterior.target.prior if posterior.target else "model",
        "certificate": _certificate(posterior),
        "trust": posterior.trust.to_json(),
        "timing": dict(posterior.timing),
    }
    path.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n")


def _write_samples(posterior: Posterior, path: Path) -> None:
    densities = dict(zip(DENSITIES, (posterior.log_prob, posterior.log_weight), strict=True))
    with h5py.File(path, "w") as file:
        table = file.create_group("posterior")
        for name, values in posterior.samples.items():
            table.create_dataset(name, data=values).attrs["unit"] = PARAMETERS[name].unit
        for name, values in densities.items():
            # At the top as well, by a link: they are densities of the samples and no parameters.
            file[name] = table.create_dataset(name, data=values)
        file.attrs.update(provenance(posterior))


def _certificate(posterior: Posterior) -> dict[str, Any] | None:
    if posterior.certificate is None or posterior.sky is None:
        return None
    areas = {f"sky_area_{level}": posterior.sky.area(level / 100) for level in (50, 90)}
    return {**posterior.certificate.to_json(), **areas}


def _write_sky(posterior: Posterior, path: Path) -> None:
    assert posterior.sky is not None
    posterior.sky.write(path, event=posterior.event, gps=posterior.trigger_time)


def _write_bilby(posterior: Posterior, path: Path) -> None:
    document = {
        "label": posterior.event,
        "outdir": ".",
        "sampler": "chirpleaf",
        "search_parameter_keys": [*(posterior.parts or INTRINSIC), *(EXTRINSIC if posterior.certificate else ())],
        "fixed_parameter_keys": [],
        "constraint_parameter_keys": [] if posterior.parts else ["mass_1", "mass_2"],
        "priors": _priors(posterior),
        "posterior": {
            "__dataframe__": True,
            "content": {name: values.tolist() for name, values in posterior.resampled().items()},
        },
        "meta_data": {**provenance(posterior), "trust": posterior.trust.to_json()},
        "sampling_time": posterior.timing.get("infer_s"),
        "version": f"chirpleaf={version('chirpleaf')}",
    }
    path.write_text(json.dumps(document, allow_nan=False))


def _priors(posterior: Posterior) -> dict[str, Any] | None:
    """The posterior's prior; None for one that is itself a file of bilby, and for leaves."""
    if posterior.parts:
        return None
    if posterior.target is None:
        return bilby_priors(posterior.observation.model.architecture.prior)
    intrinsic, distance = posterior.target.intrinsic, posterior.target.distance
    if not isinstance(intrinsic, IntrinsicPrior):
        return None
    middle = posterior.trigger_time if posterior.target.centre is None else posterior.target.centre
    times = (middle - posterior.target.time, middle + posterior.target.time)
    angle, analytical = 2 * math.pi, "core.prior.analytical"
    priors = {
        **bilby_priors(intrinsic),
        "ra": _bilby_prior(analytical, "Uniform", "ra", (0.0, angle), boundary="periodic"),
        "dec": _bilby_prior(analytical, "Cosine", "dec", (-math.pi / 2, math.pi / 2)),
        "theta_jn": _bilby_prior(analytical, "Sine", "theta_jn", (0.0, math.pi)),
        "psi": _bilby_prior(analytical, "Uniform", "psi", (0.0, math.pi), boundary="periodic"),
        "phase": _bilby_prior(analytical, "Uniform", "phase", (0.0, angle), boundary="periodic"),
        "geocent_time": _bilby_prior(analytical, "Uniform", "geocent_time", times),
    }
    bounds = (distance.minimum, distance.maximum)
    if isinstance(distance, PowerLaw):
        kind: tuple[str, str, dict[str, Any]] = (analytical, "PowerLaw", {"alpha": distance.exponent})
    else:
        kind = ("gw.prior", type(distance).__name__, {"cosmology": "Planck15"})
    module, name, keywords = kind
    priors["luminosity_distance"] = _bilby_prior(module, name, "luminosity_distance", bounds, **keywords)
    return priors


def bilby_priors(prior: IntrinsicPrior) -> dict[str, Any]:
    """The prior in the words of bilby's JSON: uniform in component masses, which are bounded, and in aligned spins.

    Args:
        prior: the prior that the posterior is under.

    Returns:
        A `BBHPriorDict` as JSON values.
    """
    lowest, highest = prior.chirp_mass_range
    masses, spins = (prior.mass_min, prior.mass_max), (-prior.spin_max, prior.spin_max)
    return {
        "__prior_dict__": True,
        "__module__": "bilby.gw.prior",
        "__name__": "BBHPriorDict",
        "chirp_mass": _bilby_prior("gw.prior", "UniformInComponentsChirpMass", "chirp_mass", (lowest, highest)),
        "mass_ratio": _bilby_prior(
            "gw.prior", "UniformInComponentsMassRatio", "mass_ratio", (prior.mass_ratio_min, 1.0)
        ),
        "mass_1": _bilby_prior("core.prior.base", "Constraint", "mass_1", masses),
        "mass_2": _bilby_prior("core.prior.base", "Constraint", "mass_2", masses),
        "chi_1": _bilby_prior("core.prior.analytical", "Uniform", "chi_1", spins),
        "chi_2": _bilby_prior("core.prior.analytical", "Uniform", "chi_2", spins),
    }


def _bilby_prior(module: str, kind: str, name: str, bounds: tuple[float, float], **further: Any) -> dict[str, Any]:
    label = {"latex_label": f"${PARAMETERS[name].latex}$"}
    keywords = {"minimum": bounds[0], "maximum": bounds[1], "name": name, **label, **further}
    return {"__prior__": True, "__module__": f"bilby.{module}", "__name__": kind, "kwargs": keywords}


def _plain(value: Any) -> Any:
    """An attribute of HDF5 as the Python value it was."""
    if isinstance(value, np.ndarray):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        return value.item()
    return value.decode() if isinstance(value, bytes) else value
