"""One call from an event, or from strain, to its posterior."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chirpleaf.errors import InputError, ShortStrainError
from chirpleaf.inference.amortised import sample
from chirpleaf.inference.observe import Observation, choose
from chirpleaf.inference.posterior import Posterior
from chirpleaf.inference.trust import assess
from chirpleaf.models.shipped import available_models, load_model
from chirpleaf.strain.events import events, load_event
from chirpleaf.strain.psd import PowerSpectralDensity, read_psd, welch
from chirpleaf.strain.readers import read
from chirpleaf.strain.segment import Segment, cut_segment
from chirpleaf.strain.strain import Strain

PSD_STRETCH = 256.0
"""Greatest stretch of strain around the trigger that the power spectral density is estimated from, seconds."""

StrainSource = Strain | str | Path
PsdSource = PowerSpectralDensity | str | Path


def infer(
    event: str | None = None,
    *,
    strain: Mapping[str, StrainSource] | None = None,
    trigger_time: float | None = None,
    psd: Mapping[str, PsdSource] | None = None,
    model: str | Path | None = None,
    samples: int = 10_000,
    seed: int = 0,
    certify: bool = True,
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
        model: name of a shipped model or a model file; chosen from the data when None.
        samples: number of draws; more are made where too few of them count.
        seed: seed of the draws.
        certify: weigh the draws by the exact likelihood of all detectors there are, and draw where the source lies.
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
    if certify:
        from chirpleaf.inference.certify import Prior, certified  # noqa: PLC0415 - astropy is slow to load

        asked = Prior.of(prior)
    elif prior != "model":
        raise InputError(
            f"expected certify=True with prior {prior}; got False: draws alone are under the network's own"
        )
    name, trigger, series = _gather(event, strain, trigger_time)
    candidates = [load_model(model)] if model is not None else [load_model(name) for name in available_models()]
    if not candidates:
        raise InputError("expected a shipped model; got none in this installation: give --model FILE")
    loaded = time.perf_counter()
    try:
        densities = _densities(series, psd or {}, trigger)
        observation = choose(candidates, series, densities, trigger)
    except ShortStrainError:
        if event is None or event in events():
            raise
        _, trigger, series = _gather(event, strain, trigger_time, duration=4096)
        densities = _densities(series, psd or {}, trigger)
        observation = choose(candidates, series, densities, trigger)
    found = time.perf_counter()
    origin: dict[str, Any] = {"event": name, "trigger_time": trigger, "seed": seed, "observation": observation}
    timing: dict[str, float | None] = {"load_s": loaded - start, "infer_s": found - loaded, "certify_s": None}
    if not certify:
        values, log_prob = sample(observation, samples, seed)
        timing["infer_s"] = time.perf_counter() - loaded
        timing["total_s"] = time.perf_counter() - start
        return Posterior(values, log_prob, np.zeros(samples), **origin, trust=assess(observation), timing=timing)
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


def _gather(
    event: str | None,
    strain: Mapping[str, StrainSource] | None,
    trigger_time: float | None,
    *,
    duration: int = 32,
) -> tuple[str, float, dict[str, Strain]]:
    """Name, trigger time and strain of what was asked for; `duration` (s) of the files of the open catalogues."""
    if (event is None) == (strain is None):
        raise InputError("expected an event or strain; got both or neither: give EVENT, or --strain with --trigger")
    if strain is not None:
        if trigger_time is None:
            raise InputError("expected the trigger time of the strain; got none: add --trigger GPS")
        return "strain", trigger_time, {name: _series(source, name) for name, source in strain.items()}
    assert event is not None
    if event in events():
        return event, trigger_time or events()[event].trigger_time, load_event(event)
    from chirpleaf.strain.gwosc import fetch_event  # noqa: PLC0415 - the open catalogues alone need it

    found, series = fetch_event(event, duration=duration)
    return event, trigger_time or found.trigger_time, series


def _series(source: StrainSource, detector: str) -> Strain:
    return read(source, detector) if isinstance(source, str | Path) else source


def _densities(
    strain: Mapping[str, Strain], psd: Mapping[str, PsdSource], trigger_time: float
) -> dict[str, PowerSpectralDensity]:
    """The power spectral density of each detector: the user's, else the median Welch estimate around the trigger."""
    stray = [name for name in psd if name not in strain]
    if stray:
        raise InputError(
            f"expected power spectral densities of {', '.join(strain)}; got one of {stray[0]}, whose strain is "
            f"missing: add --strain {stray[0]}=FILE or leave it out"
        )
    densities = {}
    for name, series in strain.items():
        given = psd.get(name)
        if given is None:
            densities[name] = welch(_around(series, trigger_time))
        else:
            densities[name] = read_psd(given, name) if isinstance(given, str | Path) else given
    return densities


def _around(series: Strain, trigger_time: float) -> Strain:
    """The stretch of at most `PSD_STRETCH` around the trigger."""
    if series.duration <= PSD_STRETCH:
        return series
    start = np.clip(trigger_time - PSD_STRETCH / 2, series.start_time, series.end_time - PSD_STRETCH)
    first = round((start - series.start_time) * series.sample_rate)
    values = series.values[first : first + round(PSD_STRETCH * series.sample_rate)]
    return Strain(series.detector, values, series.start_time + first / series.sample_rate, series.sample_rate)
