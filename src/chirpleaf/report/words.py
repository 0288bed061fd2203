"""The verdict on a result, and its main numbers, in words."""

from chirpleaf.report.numbers import format_errors
from chirpleaf.result import LeafEstimates, Posterior
from chirpleaf.result.trust import DOUBTFUL, NOT_CERTIFIED, TRUSTED, UNKNOWN, UNTRUSTED

_MEANINGS = {
    DOUBTFUL: "Use these numbers with care: {reason}.",
    UNTRUSTED: "Do not use these numbers: {reason}.",
    NOT_CERTIFIED: "These are the samples of the network alone. The exact likelihood did not check them.",
    UNKNOWN: "The file of this result holds no verdict.",
}


def describe_verdict(result: Posterior | LeafEstimates) -> str:
    """What the verdict means for a reader, in one or two sentences.

    Args:
        result: a posterior or leaf estimates.
    """
    trust = result.trust
    if trust.verdict == TRUSTED:
        certificate = result.certificate if isinstance(result, Posterior) else None
        checked = "The exact likelihood confirms these samples"
        if certificate is not None:
            draws = certificate.reweightings[-1].samples if certificate.reweightings else certificate.draws
            checked += f": {certificate.effective_samples:,.0f} of {draws:,} draws are effective"
        return f"{checked}. No check speaks against them."
    meaning = _MEANINGS[trust.verdict]
    if "{reason}" not in meaning:
        return meaning
    reason = trust.reasons[0].rstrip(".") if trust.reasons else "a check speaks against them"
    others = len(trust.reasons) - 1
    return meaning.format(reason=reason) + (f" {_count(others)} below." if others > 0 else "")


def _count(others: int) -> str:
    return "One further reason stands" if others == 1 else f"{others} further reasons stand"


def describe_binary(result: Posterior | LeafEstimates) -> str:
    """The main numbers of a binary in a sentence: masses, remnant, distance and sky.

    Args:
        result: a posterior or leaf estimates.

    Returns:
        Empty for leaf estimates, or where no draw is possible.
    """
    if result.impossible or not isinstance(result, Posterior):
        return ""
    known = "mass_1_source" in result
    suffix = "_source" if known else ""
    frame = "" if known else " (detector frame)"
    parts = [
        f"Two black holes of {_number(result, 'mass_1' + suffix)} and {_number(result, 'mass_2' + suffix)} solar masses"
        f"{frame}"
    ]
    if "final_mass" + suffix in result and "final_spin" in result:
        parts.append(
            f" merged to one of {_number(result, 'final_mass' + suffix)} solar masses and spin "
            f"{_number(result, 'final_spin')}"
        )
    if "luminosity_distance" in result:
        parts.append(f", {_number(result, 'luminosity_distance')} Mpc away")
    if result.sky is not None:
        parts.append(f"; with 90 % probability within {result.sky.area(0.9):,.0f} square degrees of the sky")
    return "".join(parts) + "."


def _number(result: Posterior, name: str) -> str:
    """Median with its 90 % errors."""
    row = result.summary(name)[name]
    return format_errors(float(row["median"]), float(row["upper"]), float(row["lower"]))
