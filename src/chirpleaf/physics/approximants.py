"""Names and abilities of waveform approximants of LALSimulation and pyseobnr."""

from difflib import get_close_matches
from functools import lru_cache

import lalsimulation

from chirpleaf.errors import InputError

DEFAULT_APPROXIMANT = "IMRPhenomXAS"

_CRASHING = ("PhenSpinTaylor", "PhenSpinTaylorRD")
"""Approximants of which lalsuite 7.26 writes beyond its memory, whatever the binary."""

EXTERNAL = ("SEOBNRv5HM", "SEOBNRv5PHM")
"""Approximants of pyseobnr."""


def resolve_approximant(name: str) -> str:
    """The name of an approximant as LALSimulation or pyseobnr writes it.

    Args:
        name: in upper or lower case.

    Raises:
        InputError: the name is unknown; the message suggests the nearest names.

    Example:
        >>> resolve_approximant("imrphenomxphm"), resolve_approximant("SEOBNRV5PHM")
        ('IMRPhenomXPHM', 'SEOBNRv5PHM')
    """
    known = _names()
    if name.casefold() in known:
        return known[name.casefold()]
    near = [known[found] for found in get_close_matches(name.casefold(), known, n=3, cutoff=0.5)]
    raise InputError(f"expected an approximant; got {name!r}: did you mean {', '.join(near or [DEFAULT_APPROXIMANT])}?")


@lru_cache
def can_precess(approximant: str) -> bool:
    """Whether an approximant takes spins in the orbital plane.

    Args:
        approximant: its name, of LALSimulation or pyseobnr, in upper or lower case.
    """
    name = resolve_approximant(approximant)
    if name in EXTERNAL:
        return name.endswith("PHM")
    number = lalsimulation.GetApproximantFromString(name)
    support = lalsimulation.SimInspiralGetSpinSupportFromApproximant(number)
    return bool(support == lalsimulation.SIM_INSPIRAL_PRECESSINGSPIN)


@lru_cache(maxsize=2)
def lal_approximants(*, frequency_domain: bool) -> dict[str, int]:
    """Name to number of the approximants that LALSimulation implements, without those that end the process.

    Args:
        frequency_domain: those of the frequency domain, or of the time domain.
    """
    implemented = (
        lalsimulation.SimInspiralImplementedFDApproximants
        if frequency_domain
        else lalsimulation.SimInspiralImplementedTDApproximants
    )
    numbers = range(lalsimulation.NumApproximants)
    found = {lalsimulation.GetStringFromApproximant(number): number for number in numbers if implemented(number)}
    return {name: number for name, number in found.items() if name not in _CRASHING}


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Name in lower case to name."""
    known = (*lal_approximants(frequency_domain=True), *lal_approximants(frequency_domain=False), *EXTERNAL)
    return {name.casefold(): name for name in known}
