"""Replay of an analysis by the recipe of its result, and comparison of both.

With the versions and the machine of the first time, the numbers are the same to the bit. Elsewhere the last bits of
sums differ, a random number more or less is accepted, and the samples agree within their sampling error: of each
parameter, the largest distance D of the two distribution functions has

    D <= sqrt(-ln(alpha / 2) / 2) sqrt(1 / n_1 + 1 / n_2)

(two-sample test of Kolmogorov and Smirnov), n being effective sample sizes. The same holds of an analysis with a time
budget, because the clock decided how many draws it made, and in which pieces.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.inference.analysis import analyse_event, check_request
from chirpleaf.inference.options import DataOptions, WaveformOptions
from chirpleaf.inference.request import Request
from chirpleaf.inference.sources import ReadSettings
from chirpleaf.inference.systematics.options import Systematics
from chirpleaf.physics.waveform_settings import parse_formatted
from chirpleaf.result.leaves import LeafEstimates
from chirpleaf.result.posterior import Posterior
from chirpleaf.result.recipe import Recipe
from chirpleaf.strain.calibration import parse_correction_type
from chirpleaf.strain.conditioning import Conditioning
from chirpleaf.strain.events import find_event
from chirpleaf.strain.noise_spectrum import SpectrumSettings, parse_method

FALSE_ALARM = 1e-4
"""Probability that two sound analyses differ by more than their sampling error in any parameter. A larger one finds
smaller differences, and reports more that are none."""


@dataclass(frozen=True)
class Comparison:
    """A result beside its replay.

    Attributes:
        identical: whether all numbers are the same to the bit.
        differing: names of the arrays that are not, and "verdict" if that is another one.
        expected: whether they have to be: versions and machine are the same, and no clock decided on the draws.
        changes: versions and machine that differ, a phrase each.
        draws: numbers of draws of both.
        timed: whether the analysis had a time budget.
        verdicts: verdicts on both.
        distances: parameter to largest distance of the two distribution functions, over its allowed value; only where
            the numbers are not identical.
    """

    identical: bool
    differing: tuple[str, ...]
    expected: bool
    changes: tuple[str, ...]
    draws: tuple[int, int]
    timed: bool
    verdicts: tuple[str, str]
    distances: dict[str, float]

    @property
    def same(self) -> bool:
        """Whether the replay confirms the result: to the bit where that is expected, else within sampling error."""
        return self.identical or (not self.expected and all(value <= 1.0 for value in self.distances.values()))


def replay(result: Posterior | LeafEstimates) -> tuple[Posterior | LeafEstimates, Comparison]:
    """Runs the analysis of a result again, and compares.

    Args:
        result: the result, with its recipe.

    Returns:
        The new result and the comparison.

    Raises:
        InputError: the result has no recipe, its input was in memory, is missing or has changed, or this version
            refuses an option of the analysis.
    """
    recipe = result.provenance.recipe
    if recipe is None:
        raise InputError(
            "expected a result with the recipe of its analysis; got one of a version of chirpleaf that wrote none: "
            "analyse the event again"
        )
    if recipe.in_memory:
        raise InputError(
            f"expected an analysis of files; got one with {', '.join(recipe.in_memory)} in memory: analyse files to "
            "have a result that can be verified"
        )
    again = _run(recipe)
    new = again.provenance.recipe
    assert new is not None
    names = sorted({*recipe.hashes, *new.hashes})
    changed = [name for name in names if recipe.hashes.get(name) != new.hashes.get(name)]
    follow = {name.replace("strain", "psd") for name in changed if name.startswith("strain")}
    changed = [name for name in changed if name not in follow or name.removeprefix("psd ") in recipe.psd]
    if changed and not (_find_changes(recipe, new) and all(name.startswith("psd ") for name in changed)):
        raise InputError(
            f"expected the input of the first analysis; got another {', '.join(changed)}, whose hash differs: find the "
            "former files"
        )
    return again, compare(result, again)


def compare(result: Posterior | LeafEstimates, again: Posterior | LeafEstimates) -> Comparison:
    """Compares a result with another one of the same analysis.

    Args:
        result: the result.
        again: its replay.
    """
    first, second = _list_arrays(result), _list_arrays(again)
    names = sorted({*first, *second})
    differing = tuple(
        name
        for name in names
        if name not in first or name not in second or not np.array_equal(first[name], second[name], equal_nan=True)
    )
    old, new = result.provenance.recipe, again.provenance.recipe
    changes = _find_changes(old, new) if old is not None and new is not None else ("unknown versions",)
    verdicts = result.trust.verdict, again.trust.verdict
    if verdicts[0] != verdicts[1]:
        differing = (*differing, "verdict")
    timed = old is not None and old.budget is not None
    distances = _measure_distances(result, again) if differing else {}
    draws = result.n_draws, again.n_draws
    expected = not changes and not timed
    return Comparison(not differing, differing, expected, changes, draws, timed, verdicts, distances)


def _run(recipe: Recipe) -> Posterior | LeafEstimates:
    """Runs the analysis of a recipe."""
    torch.set_num_threads(recipe.threads)
    try:
        request = _make_request(recipe)
        check_request(request)
        _, result = analyse_event(request)
    except InputError as error:
        if not _has_input(recipe):
            raise
        raise InputError(
            f"expected an analysis that this version of chirpleaf takes; got one of version "
            f"{recipe.versions.get('chirpleaf', 'unknown')} that it refuses ({error}): analyse the event again"
        ) from error
    return result


def _has_input(recipe: Recipe) -> bool:
    """Whether all files of an analysis are there, so that what is refused are its options."""
    if recipe.event is not None and find_event(recipe.event) is None:
        return False  # open data, which may be out of reach
    named = [one for one in (recipe.model, recipe.prior) if one is not None and "/" in one]
    single = [file for files in (recipe.psd, recipe.certify_psd, recipe.calibration) for file in files.values()]
    strain = [file for files in recipe.strain.values() for file in files]
    return all(Path(file).is_file() for file in (*named, *single, *strain))


def _make_request(recipe: Recipe) -> Request:
    """What was asked of an analysis."""
    options = DataOptions(
        recipe.detectors,
        recipe.duration,
        recipe.f_min,
        recipe.f_max,
        Conditioning(recipe.high_pass, recipe.roll_off),
        replace(SpectrumSettings(), method=parse_method(recipe.psd_method), length=recipe.psd_length),
        skip_absent=True,  # as for an event of a catalogue, whose options may name detectors that others have
    )
    return Request(
        recipe.event,
        strain={name: list(files) for name, files in recipe.strain.items()} or None,
        trigger_time=recipe.trigger_time,
        psd=dict(recipe.psd),
        settings=ReadSettings(dict(recipe.channel), recipe.psd_analysis),
        model=recipe.model,
        samples=recipe.samples,
        seed=recipe.seed,
        certify=recipe.certify,
        effective_samples=recipe.effective_samples,
        budget=recipe.budget,
        options=options,
        waveform=WaveformOptions(recipe.approximant, recipe.f_ref, parse_formatted(recipe.waveform_arguments)),
        prior=recipe.prior,
        workers=recipe.workers,
        systematics=Systematics(
            dict(recipe.calibration),
            parse_correction_type(recipe.calibration_correction),
            recipe.psd_uncertainty,
            dict(recipe.certify_psd),
        ),
    )


def _find_changes(old: Recipe, new: Recipe) -> tuple[str, ...]:
    """Versions and machine that differ between two recipes."""
    names = sorted({*old.versions, *new.versions})
    changes = [
        f"{name} {old.versions.get(name, 'none')} then, {new.versions.get(name, 'none')} now"
        for name in names
        if old.versions.get(name) != new.versions.get(name)
    ]
    if old.machine != new.machine:
        changes.append(f"{old.machine} then, {new.machine} now")
    return tuple(changes)


def _list_arrays(result: Posterior | LeafEstimates) -> dict[str, NDArray[np.float64]]:
    """Every array of a result, by name."""
    record = result.to_record()
    arrays = {**record.samples, "log_prob": record.log_prob, "log_weight": record.log_weight}
    return arrays if record.sky is None else {**arrays, "sky": record.sky.probability}


def _measure_distances(result: Posterior | LeafEstimates, again: Posterior | LeafEstimates) -> dict[str, float]:
    """Largest distance of the distribution functions of each parameter, over its allowed value."""
    names = [name for name in result if name in again]
    sizes = [_count_effective(one) for one in (result, again)]
    allowed = math.sqrt(-0.5 * math.log(FALSE_ALARM / len(names) / 2)) * math.sqrt(sum(1 / size for size in sizes))
    distances = {}
    for name in names:
        values = np.sort(result[name]), np.sort(again[name])
        places = np.concatenate(values)
        first, second = (np.searchsorted(one, places, side="right") / len(one) for one in values)
        distances[name] = float(np.abs(first - second).max()) / allowed
    return distances


def _count_effective(result: Posterior | LeafEstimates) -> float:
    """Effective sample size."""
    certificate = result.certificate if isinstance(result, Posterior) else None
    return float(len(result)) if certificate is None else max(certificate.effective_samples, 1.0)
