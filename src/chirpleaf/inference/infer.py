"""One call from an event, or from strain, to its posterior."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chirpleaf.errors import InputError, ShortStrainError
from chirpleaf.inference.amortised import Answer, sample
from chirpleaf.inference.leaves import estimate, predict
from chirpleaf.inference.observe import Observation, choose
from chirpleaf.inference.posterior import Posterior
from chirpleaf.inference.sources import PsdSource, StrainSource, gather, likely_noise, noise
from chirpleaf.inference.trust import assess
from chirpleaf.models.model import Model
from chirpleaf.models.shipped import load_model, posteriors
from chirpleaf.strain.events import events
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import Segment, cut_segment
from chirpleaf.strain.strain import Strain

SPECTRA = 128
"""Noise spectra under which deterministic leaves make their estimates, where no fewer samples are asked for."""


def infer(
    event: str | None = None,
    *,
    strain: Mapping[str, StrainSource] | None = None,
    trigger_time: float | None = None,
    psd: Mapping[str, PsdSource] | None = None,
    model: str | Path | None = None,
    samples: int = 10_000,
    seed: int = 0,
    certify: bool | None = None,
    effective_samples: int | None = None,
    budget: float = 60.0,
    approximant: str | None = None,
    prior: str | Path = "model",
    workers: int = 1,
) -> Posterior:
    """The posterior of a binary black hole merger.

    Args:
        event: name of an embedded event or of one in the open catalogues; or None with `strain`.
        strain: detector name to strain or to a file of it (GWOSC HDF5, GWOSC text, GWF).
        trigger_time: GPS time of the merger within 0.1 s, needed with `strain`, seconds.
        psd: detector name to power spectral density or to a file of it; estimated from the strain otherwise.
        model: name of a shipped model or a model file; when None, the data choose among those of all parameters.
        samples: number of draws; more are made where too few of them count.
        seed: seed of the draws.
        certify: weigh the draws by the exact likelihood of all detectors there are, and draw where the source lies; the
            default for models of all parameters, and for these alone.
        effective_samples: how many are wanted of the weighed draws; half of `samples` when None.
        budget: seconds after which no more draws are weighed.
        approximant: waveform model of the likelihood, any frequency-domain one of lalsimulation with aligned spins; the
            network's when None.
        prior: "model", the network's own; "standard" or "comoving" (`PRESETS` of `certify.target`); or a bilby file.
        workers: processes that share waveforms with more than the (2, 2) mode; more than one needs the
            `if __name__ == "__main__"` guard in a script.

    Returns:
        Samples, their density and their summary.

    Raises:
        InputError: whatever is wrong with the input, and how to mend it.

    Example:
        >>> posterior = infer("GW150914", samples=100, certify=False)
        >>> posterior.samples["chirp_mass"].shape
        (100,)
    """
    start = time.perf_counter()
    if samples < 1:
        raise InputError(f"expected at least one sample; got samples = {samples}: ask for 10000")
    psd = psd or {}
    candidates = [load_model(model)] if model is not None else [load_model(name) for name in posteriors()]
    if not candidates:
        raise InputError("expected a shipped model; got none in this installation: give --model FILE")
    certify = _certified(candidates[0], certify)
    if certify:
        from chirpleaf.inference.certify import Prior, certified  # noqa: PLC0415 - astropy is slow to load

        asked = Prior.of(prior)
    elif effective_samples is not None or approximant is not None or prior != "model":
        raise InputError(
            "expected certification with effective samples, an approximant or a prior; got an answer of the network "
            "alone, which takes none: leave them out"
        )
    name, trigger, series = gather(event, strain, trigger_time)
    loaded = time.perf_counter()
    try:
        densities = noise(series, psd, trigger)
        observation = choose(candidates, series, densities, trigger)
    except ShortStrainError:
        if event is None or event in events():
            raise
        _, trigger, series = gather(event, strain, trigger_time, duration=4096)
        densities = noise(series, psd, trigger)
        observation = choose(candidates, series, densities, trigger)
    found = time.perf_counter()
    origin: dict[str, Any] = {"event": name, "trigger_time": trigger, "seed": seed, "observation": observation}
    timing: dict[str, float | None] = {"load_s": loaded - start, "infer_s": found - loaded, "certify_s": None}
    if not certify:
        drawn = _answer(observation, series, psd, densities, trigger, samples, seed)
        timing["infer_s"] = time.perf_counter() - loaded
        timing["total_s"] = time.perf_counter() - start
        weights = np.zeros(len(drawn.log_prob))
        trust = assess(observation)
        return Posterior(
            drawn.samples, drawn.log_prob, weights, **origin, trust=trust, timing=timing, parts=drawn.parts
        )
    architecture = observation.model.architecture
    target = asked.target(architecture.prior, trigger_time=trigger, approximant=approximant or architecture.approximant)
    draws = certified(
        observation,
        _whole_network(observation, series, densities),
        trigger,
        target,
        draws=samples,
        effective_samples=samples // 2 if effective_samples is None else effective_samples,
        budget=budget,
        seed=seed,
        workers=workers,
    )
    timing["certify_s"] = time.perf_counter() - found
    timing["total_s"] = time.perf_counter() - start
    return Posterior(
        draws.samples,
        draws.log_prob,
        draws.log_weight,
        **origin,
        trust=assess(observation, draws.certificate),
        timing=timing,
        certificate=draws.certificate,
        sky=draws.sky,
        target=target,
    )


def _certified(model: Model, asked: bool | None) -> bool:
    """Whether the answer is certified, by what was asked and by what the model can."""
    whole = model.estimator.can_propose
    if asked and not whole:
        names = ", ".join(model.estimator.quantities)
        raise InputError(
            f"expected a model of all parameters to certify; got {model.name}, of {names} alone: leave certify out"
        )
    return whole if asked is None else asked


def _answer(
    observation: Observation,
    strain: Mapping[str, Strain],
    psd: Mapping[str, PsdSource],
    densities: Mapping[str, PowerSpectralDensity],
    trigger_time: float,
    samples: int,
    seed: int,
) -> Answer:
    """The model's own answer, whatever its kind."""
    estimator = observation.model.estimator
    if estimator.can_propose:
        return Answer(*sample(observation, samples, seed))
    if estimator.kind == "bayesian-leaves":
        return predict(observation, samples, seed)
    spectra = likely_noise(strain, psd, densities, trigger_time, min(samples, SPECTRA), seed)
    return estimate(observation, spectra)


def _whole_network(
    observation: Observation, strain: Mapping[str, Strain], psd: Mapping[str, PowerSpectralDensity]
) -> Segment:
    """The segment that the network saw, of all detectors there are."""
    seen = observation.segment
    if set(strain) == set(seen.detectors):
        return seen
    return cut_segment(
        strain, psd, reference_time=seen.reference_time, duration=seen.duration, frequencies=seen.frequencies
    )
