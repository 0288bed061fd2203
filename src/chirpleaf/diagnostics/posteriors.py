"""Posteriors of several programs side by side: intervals, divergences, and definitions that differ."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from chirpleaf.diagnostics.comparison import Divergence, compare
from chirpleaf.errors import InputError
from chirpleaf.result.external import Definitions, ExternalPosterior

PARAMETERS = (
    *("chirp_mass", "mass_1", "mass_2", "mass_ratio", "chi_eff", "luminosity_distance", "redshift"),
    *("chirp_mass_source", "mass_1_source", "mass_2_source", "final_mass", "final_spin", "theta_jn", "ra", "dec"),
)
"""Parameters that are compared, of those that at least two posteriors have."""

MOST_SAMPLES = 5000
"""Samples of each posterior in the divergences. More give smaller errors, and take longer: a density of n samples is
estimated at 100 points some forty times."""


@dataclass(frozen=True)
class Interval:
    """Median and 5 % and 95 % quantiles of a parameter."""

    median: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Comparison:
    """Posteriors side by side.

    Attributes:
        names: of the posteriors; the first is the one that the others are compared with.
        intervals: parameter to the interval of each posterior, None where it has no such parameter.
        divergences: parameter to the divergence of each further posterior from the first, None likewise.
        differences: a sentence on each definition that differs.
        verdicts: verdict of chirpleaf on each posterior, None where its file holds none.
        reasons: reasons not to trust each posterior.
    """

    names: tuple[str, ...]
    intervals: Mapping[str, tuple[Interval | None, ...]]
    divergences: Mapping[str, tuple[Divergence | None, ...]]
    differences: tuple[str, ...]
    verdicts: tuple[str | None, ...]
    reasons: tuple[tuple[str, ...], ...]


def tell_apart(posteriors: Sequence[ExternalPosterior], places: Sequence[str]) -> list[ExternalPosterior]:
    """Posteriors with different names.

    Args:
        posteriors: of any names.
        places: file or folder of each.

    Returns:
        The same, where one of a name that others have is named by its place; the same place twice has a number, too.
    """
    often = {name for name, count in Counter(one.name for one in posteriors).items() if count > 1}
    names = [place if one.name in often else one.name for one, place in zip(posteriors, places, strict=True)]
    numbers = [names[: index + 1].count(name) for index, name in enumerate(names)]
    numbered = [name if number == 1 else f"{name} ({number})" for name, number in zip(names, numbers, strict=True)]
    return [replace(one, name=name) for one, name in zip(posteriors, numbered, strict=True)]


def compare_posteriors(
    posteriors: Sequence[ExternalPosterior], parameters: Sequence[str] | None = None, seed: int = 0
) -> Comparison:
    """Compares posteriors with the first of them.

    Args:
        posteriors: at least two.
        parameters: names to compare; of `PARAMETERS`, those that the first and another have, if None.
        seed: seed of the choice of samples and of the bootstrap.

    Raises:
        InputError: fewer than two posteriors, or no parameter in common.
    """
    if len(posteriors) < 2:
        raise InputError(f"expected at least two posteriors to compare; got {len(posteriors)}: name another file")
    first, others = posteriors[0], posteriors[1:]
    names = choose_parameters(posteriors, parameters)
    rng = np.random.default_rng(seed)
    thinned = [_thin(posterior.samples, names, rng) for posterior in posteriors]
    found = [compare(thinned[0], other, rng) for other in thinned[1:]]
    return Comparison(
        (first.name, *(other.name for other in others)),
        {name: tuple(_interval(posterior, name) for posterior in posteriors) for name in names},
        {name: tuple(divergences.get(name) for divergences in found) for name in names},
        describe_differences([(posterior.name, posterior.definitions) for posterior in posteriors]),
        tuple(posterior.trust.verdict if posterior.trust else None for posterior in posteriors),
        tuple(posterior.trust.reasons if posterior.trust else () for posterior in posteriors),
    )


def choose_parameters(posteriors: Sequence[ExternalPosterior], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The parameters that can be compared: the first posterior has them, another too, and they vary in both.

    Raises:
        InputError: there is none, or one that was asked for is not among them, does not vary or is named twice.
    """
    if twice := [name for place, name in enumerate(wanted or ()) if name in (wanted or ())[:place]]:
        raise InputError(f"expected each parameter once; got {twice[0]} twice: leave one out")
    common, shared = [], []
    for name in wanted or PARAMETERS:
        holders = [posterior for posterior in posteriors if name in posterior.samples]
        varying = [posterior for posterior in holders if np.ptp(posterior.samples[name]) > 0]
        if len(holders) > 1 and holders[0] is posteriors[0]:
            common.append(name)
            if len(varying) > 1 and varying[0] is posteriors[0]:
                shared.append(name)
    constant = [name for name in common if name not in shared]
    if constant and (wanted or not shared):
        still = next(
            one.name for one in posteriors if constant[0] in one.samples and not np.ptp(one.samples[constant[0]])
        )
        raise InputError(
            f"expected samples that vary; got one value of {constant[0]} in {still}: compare another "
            f"{'parameter' if wanted else 'posterior'}"
        )
    if missing := [name for name in wanted or () if name not in shared]:
        known = sorted(set(posteriors[0].samples).intersection(*(other.samples for other in posteriors[1:])))
        raise InputError(f"expected a parameter among {', '.join(known)}; got {missing[0]!r}: name one of them")
    if not shared:
        raise InputError(
            f"expected a parameter in common of {', '.join(p.name for p in posteriors)}; got none: compare others"
        )
    return tuple(shared)


def describe_differences(definitions: Sequence[tuple[str, Definitions]]) -> tuple[str, ...]:
    """A sentence on each definition that differs between posteriors, or that some files do not state.

    Args:
        definitions: name and definitions of each posterior.
    """
    lines = []
    for entry in fields(Definitions):
        values = [getattr(found, entry.name) for _, found in definitions]
        if entry.name == "program" or len(set(values)) < 2:
            continue
        stated = ", ".join(
            f"{name}: {'not stated' if value is None else value}"
            for (name, _), value in zip(definitions, values, strict=True)
        )
        known = len({value for value in values if value is not None}) > 1
        lines.append(f"{entry.name.replace('_', ' ')} {'differs' if known else 'may differ'} ({stated})")
    return tuple(lines)


def _thin(samples: Mapping[str, np.ndarray], names: Sequence[str], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Samples of the parameters that vary, at most `MOST_SAMPLES`."""
    size = len(next(iter(samples.values())))
    chosen = rng.permutation(size)[:MOST_SAMPLES]
    return {name: samples[name][chosen] for name in names if name in samples and np.ptp(samples[name][chosen]) > 0}


def _interval(posterior: ExternalPosterior, name: str) -> Interval | None:
    if name not in posterior.samples:
        return None
    lower, median, upper = np.quantile(posterior.samples[name], (0.05, 0.5, 0.95))
    return Interval(float(median), float(lower), float(upper))
