"""Balance: do sky and orientation allow the signal-to-noise ratios of the detectors?

A source of direction, inclination and polarisation x is recorded by detector d with a signal-to-noise ratio in
proportion to s_d(x) = |R_d(x)| H_d: its response, and the ratio of an optimal source. Given the ratio rho of the
network, its share in the loudest detector is a number between zero and one, whose distribution over x, with the noise
of each detector (a Rice distribution), is compared with the share r in the data:

    p = 2 min[P(share >= r), P(share <= r)].

The distribution of x given rho depends on the distances of the sources: it is isotropic if rho does not depend on
orientation, and has the weight of the volume, |s|^3, if sources are uniform in a Euclidean one. Populations lie between
the two, and a test must not doubt the sources of any of them: the greater p counts (a composite hypothesis).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex128, Float64
from numpy.typing import NDArray

from chirpleaf.inference.trust.fit import BestSignal
from chirpleaf.inference.trust.levels import grade_value
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, CoherenceSettings
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.physics.signals.quadrupole import inclination_factors
from chirpleaf.result.trust import Finding
from chirpleaf.strain.segment import Segment

Array = NDArray[np.float64]

_POWERS = (0.0, 3.0)
"""Powers of the amplitude in the weight of a source: isotropic, and uniform in volume."""


class Balance(NamedTuple):
    """Signal-to-noise ratios of the detectors against those of sources all over the sky.

    Attributes:
        probability: p, of ratios at least as unusual.
        typical: median ratio of each detector for sources as loud in the network, shape (detector,).
    """

    probability: float
    typical: Float64[np.ndarray, " detector"]


def examine_balance(
    segment: Segment,
    best: BestSignal,
    dominant: Complex128[np.ndarray, "detector frequency"] | None = None,
    settings: CoherenceSettings = DEFAULT_TRUST.coherence,
) -> tuple[Finding, ...]:
    """Compares the signal-to-noise ratios of the detectors with what sky and orientation allow.

    Args:
        segment: the data.
        best: the best signal.
        dominant: its (2, +-2) modes alone in each detector, shape (detector, F), 1/Hz; they are all it has if None.
        settings: number of orientations, and limits.

    Returns:
        One finding; none for one detector.
    """
    if len(segment.detectors) < 2:
        return ()
    found, norm = filter_each(segment, best.strain)
    if dominant is not None:
        _, norm = filter_each(segment, dominant)
    sidereal = float(gmst(segment.reference_time))
    own = np.array([_find_response(name, best, sidereal) for name in segment.detectors])
    horizon = norm / np.maximum(own, 1e-3)
    balance = compare_balance(found, horizon, segment.detectors, sidereal, settings)
    pairs = zip(segment.detectors, found, balance.typical, strict=True)
    ratios = ", ".join(f"{name} {one:.1f} (typically {other:.1f})" for name, one, other in pairs)
    message = (
        f"sky and orientation hardly allow these signal-to-noise ratios: {ratios}; as unusual are "
        f"{100 * balance.probability:.2g} % of the sources"
    )
    level = grade_value(balance.probability, settings.share)
    return (Finding("signal.balance", level, message, value=balance.probability),)


def compare_balance(
    found: Float64[np.ndarray, " detector"],
    horizon: Float64[np.ndarray, " detector"],
    names: tuple[str, ...],
    sidereal: float,
    settings: CoherenceSettings = DEFAULT_TRUST.coherence,
    rng: np.random.Generator | None = None,
) -> Balance:
    """Compares signal-to-noise ratios with those of sources all over the sky.

    Args:
        found: ratio in each detector, shape (detector,).
        horizon: relative ratio of each detector for a response of one, shape (detector,).
        names: names of the detectors.
        sidereal: Greenwich sidereal angle, rad.
        settings: number of orientations.
        rng: source of randomness; a fixed one if None.

    Example:
        >>> one = np.ones(2)
        >>> even, uneven = (compare_balance(np.array(snr), one, ("H1", "L1"), 0.0) for snr in ([15, 13], [40, 1]))
        >>> even.probability > 0.1, uneven.probability < 2e-3
        (True, True)
    """
    rng = np.random.default_rng(0) if rng is None else rng
    snr = draw_responses(names, settings.orientations, sidereal, rng) * horizon
    total = np.linalg.norm(snr, axis=1)
    scaled = snr / total[:, None] * np.linalg.norm(found)
    noisy = np.abs(scaled + rng.normal(size=scaled.shape) + 1j * rng.normal(size=scaled.shape))
    loud = int(found.argmax())
    share, value = noisy[:, loud] ** 2 / np.sum(noisy**2, axis=1), found[loud] ** 2 / (found @ found)
    least = 1 / len(share)
    probability = 0.0
    for power in _POWERS:
        weight = (total / total.max()) ** power
        weight /= weight.sum()
        sides = float(weight @ (share >= value)), float(weight @ (share <= value))
        probability = max(probability, min(2 * max(min(sides), least), 1.0))
    return Balance(probability, np.median(scaled, axis=0))


def draw_responses(
    names: tuple[str, ...], n: int, sidereal: float, rng: np.random.Generator
) -> Float64[np.ndarray, "n detector"]:
    """|response| of detectors to sources all over the sky.

    Args:
        names: names of the detectors.
        n: number of sources.
        sidereal: Greenwich sidereal angle, rad.
        rng: source of randomness.

    Returns:
        Between zero and one, shape (n, detector).
    """
    ra, psi = rng.uniform(0, 2 * np.pi, n), rng.uniform(0, np.pi, n)
    dec, theta_jn = np.arcsin(rng.uniform(-1, 1, n)), np.arccos(rng.uniform(-1, 1, n))
    plus, cross = inclination_factors(theta_jn, 0.0)
    patterns = (detector(name).antenna_pattern(ra, dec, psi, sidereal) for name in names)
    return np.stack([np.abs(fp * plus + fc * cross) for fp, fc in patterns], axis=1)


def filter_each(
    segment: Segment, strain: Complex128[np.ndarray, "detector frequency"]
) -> tuple[Float64[np.ndarray, " detector"], Float64[np.ndarray, " detector"]]:
    """Matched-filter and optimal signal-to-noise ratio of a signal in each detector.

    Args:
        segment: the data.
        strain: the signal in each detector, shape (detector, F), 1/Hz.
    """
    weight = 4 / (segment.duration * segment.psd)
    norm = np.sqrt(np.sum(np.abs(strain) ** 2 * weight, axis=1))
    matched = np.abs(np.sum(segment.strain * strain.conj() * weight, axis=1))
    return matched / np.maximum(norm, np.finfo(float).tiny), norm


def _find_response(name: str, best: BestSignal, sidereal: float) -> float:
    """|response| of a detector to the best signal."""
    sample = best.sample
    fp, fc = detector(name).antenna_pattern(sample["ra"], sample["dec"], sample["psi"], sidereal)
    plus, cross = inclination_factors(sample["theta_jn"], 0.0)
    return float(np.abs(fp * plus + fc * cross)[0])
