"""The signal of aligned spins with all modes: one series for each mode (l, m), with the inclination in its response.

Aligned spins keep the orbital plane, so that the modes (l, m) and (l, -m) have one frequency series h_lm together, seen
under the inclination theta through the spin-weighted spherical harmonics Y_lm of weight -2 at azimuth zero:

    h_plus  = sum_lm a_lm(theta) exp(i m phase) h_lm,      a_lm = (Y_l-m + (-1)^l Y_lm) / (2 N),
    h_cross = sum_lm b_lm(theta) exp(i m phase) h_lm,      b_lm = i (Y_l-m - (-1)^l Y_lm) / (2 N),

with N = sqrt(5 / 16 pi), for which a_22 and b_22 are the factors of the quadrupole. A detector has the response
F_plus a_lm + F_cross b_lm, as in `quadrupole`: inclination and phase are no parameters of the series, and the marginal
likelihood integrates them out.

The series follow from `Multimode`: plus and cross of one m at one inclination are two equations for the two lowest
degrees of that m. Which modes an approximant has is tried once with one binary, as is the sum at another inclination.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import factorial, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.approximants import lal_approximants
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.signals.harmonics import separate
from chirpleaf.physics.signals.model import ComplexArray
from chirpleaf.physics.signals.multimode import Multimode, stretch_quadrupole
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.physics.waveforms import polarizations

Mode = tuple[int, int]
"""Degree l and order m > 0."""

DEFAULT_ALIGNED = WaveformSettings("IMRPhenomXHM")

_COSINE = 0.5
"""Cosine of the inclination that the series are computed at: no mode vanishes there."""
_PRESENT = 1e-6
"""Least amplitude of a mode that is present, over the greatest."""
_AGREEMENT = 1e-4
"""Largest difference, over the greatest amplitude, of waveforms that count as equal."""
_BINARY = {"chirp_mass": 30.0, "mass_ratio": 0.4, "chi_1": 0.3, "chi_2": -0.2}
_NORM = sqrt(5 / (16 * pi))


@dataclass(frozen=True)
class AlignedModes:
    """One series for each mode of an approximant, of aligned spins.

    Attributes:
        waveform: approximant, reference frequency and arguments. Of one that precesses, the spins in the orbital plane
            are zero.

    Raises:
        InputError: the approximant is unknown, or its waveforms are no sum of such modes.

    Example:
        >>> signal = AlignedModes(WaveformSettings("IMRPhenomXHM"))
        >>> signal.harmonics, signal.response(0.5, 0.1, theta_jn=0.3).shape
        ((1, 2, 2, 3, 4), (5,))
    """

    waveform: WaveformSettings = DEFAULT_ALIGNED

    def __post_init__(self) -> None:
        find_modes(self.waveform)

    @property
    def approximant(self) -> str:
        """Name of the waveform approximant."""
        return self.waveform.approximant

    @property
    def modes(self) -> tuple[Mode, ...]:
        """Degree and order of each series."""
        return find_modes(self.waveform)

    @property
    def harmonics(self) -> tuple[int, ...]:
        """Harmonic of the orbital phase of each series: the order of the mode."""
        return tuple(m for _, m in self.modes)

    @property
    def dominant(self) -> int:
        """Index of the mode (2, 2), or of the first one if there is no such."""
        return self.modes.index((2, 2)) if (2, 2) in self.modes else 0

    def series(
        self,
        intrinsic: Mapping[str, ArrayLike],
        frequencies: ArrayLike,
        *,
        workers: int = 1,
        skip_failures: bool = False,
    ) -> ComplexArray:
        """The modes at 1 Mpc and phase zero; see `SignalModel.series`.

        Args:
            intrinsic: `chirp_mass` (detector frame, solar masses), `mass_ratio`, `chi_1`, `chi_2`, (n,) or floats.
            frequencies: increasing and positive (F,), Hz.
            workers: number of processes.
            skip_failures: as for `polarizations`.

        Returns:
            (n, S, F) complex128, strain/Hz.

        Raises:
            InputError: as `polarizations`.
        """
        every = _compute_modes(self.waveform, intrinsic, frequencies, workers=workers, skip_failures=skip_failures)
        return np.stack([every[mode] for mode in self.modes], axis=1)

    def reference_series(self, intrinsic: Mapping[str, ArrayLike], frequencies: ArrayLike) -> ComplexArray:
        """Series without zeros, by which those of similar binaries are divided: as those of `Multimode`.

        Args:
            intrinsic: parameters of one binary, as for `series`.
            frequencies: increasing and positive (F,), Hz.

        Returns:
            (S, F) complex128, strain/Hz.

        Raises:
            InputError: the waveform cannot be computed.
        """
        frequencies = np.asarray(frequencies, dtype=np.float64)
        aligned = {name: np.ravel(intrinsic[name])[:1] for name in _BINARY}
        return np.stack([stretch_quadrupole(aligned, m, frequencies) for m in self.harmonics])

    def has_all_modes(self) -> bool:
        """The series hold all modes."""
        return True

    def response(self, fp: ArrayLike, fc: ArrayLike, theta_jn: ArrayLike, phase: ArrayLike = 0.0) -> ComplexArray:
        """Factors of the series in a detector; see `SignalModel.response`.

        Args:
            fp: antenna pattern of the plus polarisation, any shape; the other arguments broadcast with it.
            fc: antenna pattern of the cross polarisation.
            theta_jn: inclination, rad.
            phase: orbital phase at the reference frequency, rad.

        Returns:
            (..., S) complex128.
        """
        fp, fc, theta_jn, phase = np.broadcast_arrays(fp, fc, theta_jn, np.asarray(phase, dtype=np.float64))
        factors = [mode_factors(mode, theta_jn) for mode in self.modes]
        turned = [np.exp(1j * m * phase) for m in self.harmonics]
        return np.stack([(fp * a + fc * b) * turn for (a, b), turn in zip(factors, turned, strict=True)], axis=-1)


def spin_weighted_harmonic(degree: int, order: int, theta: ArrayLike) -> NDArray[np.float64]:
    """Spherical harmonic of spin weight -2 at azimuth zero (arXiv:0709.0093, equations II.7 and II.8).

    Args:
        degree: l of at least 2.
        order: m, from -l to l.
        theta: polar angle, rad, any shape.
    """
    half = np.asarray(theta, dtype=np.float64) / 2
    cosine, sine, total = np.cos(half), np.sin(half), np.zeros_like(half)
    for k in range(max(0, order - 2), min(degree + order, degree - 2) + 1):
        below = factorial(degree + order - k) * factorial(degree - 2 - k) * factorial(k) * factorial(k + 2 - order)
        total += (-1) ** k / below * cosine ** (2 * degree + order - 2 - 2 * k) * sine ** (2 * k + 2 - order)
    above = factorial(degree + order) * factorial(degree - order) * factorial(degree + 2) * factorial(degree - 2)
    return np.asarray(sqrt((2 * degree + 1) / (4 * pi)) * sqrt(above) * total)


def mode_factors(mode: Mode, theta_jn: ArrayLike) -> tuple[NDArray[np.float64], ComplexArray]:
    """The factors a_lm and b_lm of the module's equations.

    Args:
        mode: degree and order.
        theta_jn: inclination, rad, any shape.
    """
    degree, order = mode
    first = spin_weighted_harmonic(degree, -order, theta_jn)
    second = (-1) ** degree * spin_weighted_harmonic(degree, order, theta_jn)
    return (first + second) / (2 * _NORM), np.asarray(1j * (first - second) / (2 * _NORM))


@lru_cache
def find_modes(waveform: WaveformSettings) -> tuple[Mode, ...]:
    """The modes of an approximant of aligned spins, by order and degree.

    Args:
        waveform: approximant, reference frequency and arguments.

    Raises:
        InputError: the approximant is unknown or one of the time domain, or its waveforms are no sum of modes.
    """
    if waveform.approximant not in lal_approximants(frequency_domain=True):
        raise _refuse(waveform)
    grid = waveform.reference_frequency * np.geomspace(1.0, 6.0, 8)
    every = _compute_modes(waveform, _BINARY, grid)
    scale = max(float(np.abs(one).max()) for one in every.values())
    modes = tuple(mode for mode, one in every.items() if np.abs(one).max() > _PRESENT * scale)
    theta_jn, phase = 1.9, 0.7
    mass_1, mass_2 = component_masses(_BINARY["chirp_mass"], _BINARY["mass_ratio"])
    place = {"mass_1": mass_1, "mass_2": mass_2, "luminosity_distance": 1.0, "theta_jn": theta_jn, "phase": phase}
    direct = polarizations({**_BINARY, **place}, grid, waveform)
    for index, wave in enumerate(direct):
        turned = (mode_factors(mode, theta_jn)[index] * np.exp(1j * mode[1] * phase) * every[mode] for mode in modes)
        if np.abs(wave - sum(turned)).max() > _AGREEMENT * scale:
            raise _refuse(waveform)
    return modes


def _compute_modes(
    waveform: WaveformSettings,
    intrinsic: Mapping[str, ArrayLike],
    frequencies: ArrayLike,
    *,
    workers: int = 1,
    skip_failures: bool = False,
) -> dict[Mode, ComplexArray]:
    """The two modes of lowest degree of every order, each of shape (n, F)."""
    seen = {**{name: intrinsic[name] for name in _BINARY}, "cos_iota": _COSINE}
    waves = Multimode(waveform).series(seen, frequencies, workers=workers, skip_failures=skip_failures)
    found: dict[Mode, ComplexArray] = {}
    for place, m in enumerate(separate(waveform).harmonics):
        pair = [(degree, m) for degree in (max(2, m), max(2, m) + 1)]
        factors = np.array([mode_factors(mode, np.arccos(_COSINE)) for mode in pair]).T
        inverse = np.linalg.inv(factors)
        plus, cross = waves[:, 2 * place], waves[:, 2 * place + 1]
        found |= {mode: row[0] * plus + row[1] * cross for mode, row in zip(pair, inverse, strict=True)}
    return found


def _refuse(waveform: WaveformSettings) -> InputError:
    return InputError(
        f"expected an approximant of the frequency domain that is a sum of modes, such as IMRPhenomXHM; got "
        f"{waveform.approximant}: choose another"
    )
