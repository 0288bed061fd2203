"""Misfit: is a signal of precession or higher modes left over, which the model of the answer does not have?

Waveforms of IMRPhenomXPHM at the masses and aligned spins of the best sample, with in-plane spins drawn at random, are
projected on the complement of the model's own signals in each detector: the series, its derivatives by masses and
spins, and a delay; of an approximant with further modes both polarisations, and their derivatives by inclination and
phase as well, so that precession alone is left. The first directions u_r of what is left, by singular values, span what
precession and higher modes could add. Without them, the whitened residual r has

    X = sum_d sum_r |<u_r | r>_d|^2      chi-square of 2 R degrees of freedom for each detector;

X is given as standard deviations of a normal variable of the same probability. The idea of a signal-to-noise ratio of
precession is that of arXiv:1908.00555, that of the higher modes arXiv:2012.04701. A binary whose aligned fit is as good
as the truth leaves nothing: no test of the data can find it.
"""

import numpy as np
from jaxtyping import Complex128, Float64
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.inference.certify.likelihood import Waveform
from chirpleaf.inference.trust.fit import BestSignal
from chirpleaf.inference.trust.levels import grade_value
from chirpleaf.inference.trust.model_settings import MisfitSettings
from chirpleaf.inference.trust.settings import DEFAULT_TRUST
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.physics.precession import precessing_polarizations
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.result.trust import Finding
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.whiteness import to_normal

Waves = Complex128[np.ndarray, "wave frequency"]


def examine_misfit(
    segment: Segment, best: BestSignal, model: Waveform, settings: MisfitSettings = DEFAULT_TRUST.misfit
) -> tuple[Finding, ...]:
    """Looks for precession and higher modes in the data without the best signal.

    Args:
        segment: the data.
        best: the best signal.
        model: the signal model of the answer, or its approximant, whose own directions are left out.
        settings: number of waveforms and directions, and limits.

    Returns:
        One finding; none if the waveforms cannot be computed, or the signal precesses itself.
    """
    if "cos_iota" in best.sample:
        return ()
    band = segment.frequencies < settings.highest_frequency
    frequencies = np.ascontiguousarray(segment.frequencies[band])
    try:
        plus, cross = _draw_waveforms(best, frequencies, settings)
        own = _find_own_directions(best, model, frequencies, settings)
    except InputError:
        return ()
    value, sidereal = {name: float(one[0]) for name, one in best.sample.items()}, float(gmst(segment.reference_time))
    power = 0.0
    for index, name in enumerate(segment.detectors):
        one = detector(name)
        fp, fc = one.antenna_pattern(value["ra"], value["dec"], value["psi"], sidereal)
        arrival = best.merger + float(one.time_delay(value["ra"], value["dec"], sidereal))
        whitening = np.sqrt(4 / (segment.duration * segment.psd[index, band]))
        turned = whitening * np.exp(-2j * np.pi * arrival * frequencies)
        residual = (segment.strain[index] - best.strain[index])[band] * whitening
        basis = find_directions((fp * plus + fc * cross) * turned, own * turned, settings.directions)
        power += float(np.sum(np.abs(basis.conj() @ residual) ** 2))
    degrees = 2 * settings.directions * len(segment.detectors)
    excess = float(to_normal(power / degrees, degrees))
    modes = isinstance(model, WaveformSettings) or len(set(model.harmonics)) > 1
    lacking = "precession" if modes else "precession and higher modes"
    message = (
        f"without the signal, {excess:.1f} standard deviations are left in the directions of {lacking}, which this "
        "model does not have: parameters may be biased"
    )
    return (Finding("model.misfit", grade_value(excess, settings.excess), message, value=excess),)


def find_directions(waves: Waves, own: Complex128[np.ndarray, "own frequency"], n: int) -> NDArray[np.complex128]:
    """Orthonormal directions of waveforms, outside of those of another model.

    Args:
        waves: whitened waveforms, shape (wave, F).
        own: whitened signals of the other model, shape (own, F).
        n: number of directions.

    Returns:
        Shape (n, F).
    """
    tiny = np.finfo(float).tiny
    unitary, _ = np.linalg.qr((own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), tiny)).T)
    scaled = waves / np.maximum(np.linalg.norm(waves, axis=1, keepdims=True), tiny)
    left = scaled - (scaled @ unitary.conj()) @ unitary.T
    return np.asarray(np.linalg.svd(left, full_matrices=False)[2][:n])


def _draw_waveforms(
    best: BestSignal, frequencies: Float64[np.ndarray, " frequency"], settings: MisfitSettings
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Polarisations of precessing binaries with the masses and aligned spins of the best sample."""
    rng = np.random.default_rng(0)
    value = {name: float(one[0]) for name, one in best.sample.items()}
    mass_1, mass_2 = (float(mass) for mass in component_masses(value["chirp_mass"], value["mass_ratio"]))
    waves = []
    for turn in range(settings.waveforms):
        spins = []
        for name in ("chi_1", "chi_2"):
            most = np.sqrt(max(settings.largest_spin**2 - value[name] ** 2, 0.0))
            plane, angle = most * rng.uniform(0.1, 1.0), rng.uniform(0, 2 * np.pi)
            spins.append((plane * np.cos(angle), plane * np.sin(angle), value[name]))
        theta_jn = float(np.arccos(rng.uniform(-1, 1))) if turn % 2 else value["theta_jn"]
        phase = float(rng.uniform(0, 2 * np.pi))
        waves.append(
            precessing_polarizations(mass_1, mass_2, spins[0], spins[1], frequencies, theta_jn=theta_jn, phase=phase)
        )
    plus, cross = zip(*waves, strict=True)
    return np.array(plus), np.array(cross)


def _find_own_directions(
    best: BestSignal, model: Waveform, frequencies: Float64[np.ndarray, " frequency"], settings: MisfitSettings
) -> NDArray[np.complex128]:
    """The best signal of the model, its delay, and signals of neighbouring parameters."""
    names = ("chirp_mass", "mass_ratio", "chi_1", "chi_2")
    value = {name: float(best.sample[name][0]) for name in names}
    modes = isinstance(model, WaveformSettings) or len(set(model.harmonics)) > 1
    angles = {name: float(best.sample[name][0]) for name in ("theta_jn", "phase")} if modes else {}
    rows = [value | angles]
    for name, middle in rows[0].items():
        step = settings.step * (middle if name == "chirp_mass" else 1.0)
        # Towards the middle of the range, where a waveform can be computed.
        rows.append({**rows[0], name: middle - step if name != "chirp_mass" and middle > 0.5 else middle + step})
    neighbours = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    if isinstance(model, WaveformSettings):
        neighbours["mass_1"], neighbours["mass_2"] = component_masses(
            neighbours["chirp_mass"], neighbours["mass_ratio"]
        )
        series = np.stack(polarizations({**neighbours, "luminosity_distance": 1.0}, frequencies, model), axis=1)
    else:
        series = model.series(neighbours, frequencies)
        if modes:  # plus and cross; several modes would be more directions than the model has
            patterns = np.array([1.0, 0.0]), np.array([0.0, 1.0])
            series = model.response(*patterns, angles["theta_jn"], angles["phase"]) @ series
    waves = series.reshape(-1, len(frequencies))
    return np.concatenate([waves, series[0] * frequencies])
