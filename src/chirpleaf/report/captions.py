"""The pictures of a report, and what their captions say."""

from chirpleaf.report.draw import BAND
from chirpleaf.report.pages import Picture
from chirpleaf.result import LeafEstimates, Posterior

PRECESSION = ("a_1", "tilt_1", "chi_p", "theta_jn")
"""Parameters of the corner plot of precession."""

_REGIONS = "Regions of 50 % and 90 % probability."


def list_pictures(result: Posterior | LeafEstimates) -> tuple[Picture, ...]:
    """The pictures of a report in their order; those that a result has no samples for are missing.

    Args:
        result: a posterior or leaf estimates.
    """
    band = f"{BAND[0]:g} to {BAND[1]:g} Hz"
    signal = isinstance(result, Posterior) and not result.impossible
    curve = "; line and band: median and 90 % interval of the signal over the posterior" if signal else ""
    shown = [
        Picture("strain", "Whitened strain", f"Grey: data of each detector, {band}{curve}."),
        Picture("time-frequency", "Time and frequency", "Energy of the whitened data by time and frequency (Q = 8)."),
    ]
    if result.impossible:
        return tuple(shown)
    if isinstance(result, Posterior) and result.sky is not None:
        areas = f"{result.sky.area(0.5):,.0f} and {result.sky.area(0.9):,.0f} square degrees"
        shown.append(Picture("sky", "Sky", f"{_REGIONS} They cover {areas}."))
    if find_pairs("orbit", result):
        shown.append(Picture("orbit", "Distance and inclination", _REGIONS, columns=4))
    if find_pairs("final", result):
        caption = (
            f"{_REGIONS} Mass and spin of the remnant, frequency and damping time of its fundamental mode, l = m = 2; "
            "crosses: published medians and 90 % intervals, where there are any."
        )
        shown.append(Picture("final", "Final state", caption, columns=4 * len(find_pairs("final", result))))
    if find_spins(result):
        caption = (
            "Magnitude (from the centre) and tilt of each spin, from samples of equal weight. Pixels have equal "
            "probability under isotropic spins of uniform magnitude; the shade is the posterior over that."
        )
        shown.append(Picture("spins", "Spins", caption, columns=6))
        shown.append(Picture("precession", "Precession", _REGIONS, columns=6))
    shown.append(
        Picture("corner", "Marginal distributions", f"{_REGIONS} Titles: median and 90 % interval.", detailed=True)
    )
    return tuple(shown)


def find_spins(result: Posterior | LeafEstimates) -> tuple[str, ...]:
    """Names of the parameters of the pictures of precessing spins; empty if the result has no samples of them.

    Args:
        result: a posterior or leaf estimates.
    """
    wanted = (*PRECESSION, "a_2", "tilt_2")
    return wanted if isinstance(result, Posterior) and all(name in result for name in wanted) else ()


def find_pairs(name: str, result: Posterior | LeafEstimates) -> tuple[tuple[str, str], ...]:
    """Pairs of parameters of a picture that the result has joint samples of.

    Args:
        name: name of the picture.
        result: a posterior or leaf estimates; the quantities of the latter are independent, so that it has none.
    """
    if not isinstance(result, Posterior):
        return ()
    mass = "final_mass_source" if "final_mass_source" in result else "final_mass"
    wanted = {
        "orbit": (("luminosity_distance", "theta_jn"),),
        "final": ((mass, "final_spin"), ("f_220", "tau_220")),
    }
    return tuple(pair for pair in wanted.get(name, ()) if all(one in result for one in pair))
