"""The quadrupole signal: aligned spins and the (2, +-2) modes alone, hence one frequency series.

With the signs of LALSimulation, inclination and phase are two complex factors of the plus polarisation seen face-on:

    h_plus(f; theta_jn, phase)  = (1 + cos^2 theta_jn) / 2  exp(2 i phase)  h_plus(f; 0, 0),
    h_cross(f; theta_jn, phase) = -i cos theta_jn           exp(2 i phase)  h_plus(f; 0, 0).

This does not hold for approximants with further modes (IMRPhenomXHM, IMRPhenomXPHM); see `is_quadrupole_only`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from chirpleaf.physics.approximants import DEFAULT_APPROXIMANT, resolve_approximant
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.signals.model import ComplexArray
from chirpleaf.physics.waveform_settings import DEFAULT_WAVEFORM, WaveformSettings
from chirpleaf.physics.waveforms import polarizations

_ROUNDING = 1e-3
"""Largest relative difference that conditioning of a waveform makes; further modes make some hundredths."""


@dataclass(frozen=True)
class Quadrupole:
    """One series: the plus polarisation seen face-on.

    Attributes:
        waveform: approximant, reference frequency and arguments. Of an approximant with further modes, the face-on
            series is used as if it had only the (2, +-2) modes.

    Raises:
        InputError: the approximant is unknown.

    Example:
        >>> signal = Quadrupole(WaveformSettings("IMRPhenomXAS"))
        >>> binary = {"chirp_mass": 30.0, "mass_ratio": 0.8, "chi_1": 0.0, "chi_2": 0.0}
        >>> signal.series(binary, [20.0, 30.0]).shape, signal.response(0.5, 0.1, theta_jn=0.0).shape
        ((1, 1, 2), (1,))
    """

    waveform: WaveformSettings = DEFAULT_WAVEFORM
    harmonics: ClassVar[tuple[int, ...]] = (2,)
    dominant: ClassVar[int] = 0

    def __post_init__(self) -> None:
        resolve_approximant(self.approximant)

    @property
    def approximant(self) -> str:
        """Name of the waveform approximant."""
        return self.waveform.approximant

    def series(
        self,
        intrinsic: Mapping[str, ArrayLike],
        frequencies: ArrayLike,
        *,
        workers: int = 1,
        skip_failures: bool = False,
    ) -> ComplexArray:
        """The face-on series of binaries at 1 Mpc; see `SignalModel.series`.

        Args:
            intrinsic: `chirp_mass` (detector frame, solar masses), `mass_ratio`, `chi_1`, `chi_2`, (n,) or floats.
            frequencies: increasing and positive (F,), Hz.
            workers: number of processes.
            skip_failures: as for `polarizations`.

        Returns:
            (n, 1, F) complex128, strain/Hz.

        Raises:
            InputError: as `polarizations`.
        """
        return face_on(intrinsic, frequencies, self.waveform, workers=workers, skip_failures=skip_failures)[:, None]

    def reference_series(self, intrinsic: Mapping[str, ArrayLike], frequencies: ArrayLike) -> ComplexArray:
        """The series itself, which has no zeros; see `SignalModel.reference_series`."""
        found: ComplexArray = self.series(intrinsic, frequencies)[0]
        return found

    def has_all_modes(self) -> bool:
        """Whether the approximant has the (2, +-2) modes alone.

        Raises:
            InputError: the approximant is unknown.
        """
        return is_quadrupole_only(self.waveform)

    def response(self, fp: ArrayLike, fc: ArrayLike, theta_jn: ArrayLike, phase: ArrayLike = 0.0) -> ComplexArray:
        """The factor of the series in a detector; see `SignalModel.response`.

        Args:
            fp: antenna pattern of the plus polarisation, any shape; the other arguments broadcast with it.
            fc: antenna pattern of the cross polarisation.
            theta_jn: inclination, rad.
            phase: orbital phase, rad.

        Returns:
            (..., 1) complex128.
        """
        a_plus, a_cross = inclination_factors(theta_jn, phase)
        return np.asarray(np.asarray(fp) * a_plus + np.asarray(fc) * a_cross)[..., None]


def face_on(
    intrinsic: Mapping[str, ArrayLike],
    frequencies: ArrayLike,
    waveform: str | WaveformSettings = DEFAULT_APPROXIMANT,
    *,
    workers: int = 1,
    skip_failures: bool = False,
) -> ComplexArray:
    """The plus polarisation seen face-on at 1 Mpc with phase zero.

    Args:
        intrinsic: `chirp_mass` (detector frame, solar masses), `mass_ratio`, `chi_1`, `chi_2` (aligned), each (n,) or a
            float; further keys are ignored.
        frequencies: increasing and positive (F,), Hz.
        waveform: as for `polarizations`.
        workers: as for `polarizations`.
        skip_failures: as for `polarizations`.

    Returns:
        (n, F) complex128, strain/Hz.

    Raises:
        InputError: as `polarizations`.
    """
    masses = (np.asarray(intrinsic[name], dtype=np.float64) for name in ("chirp_mass", "mass_ratio"))
    mass_1, mass_2 = component_masses(*masses)
    binary = {"mass_1": mass_1, "mass_2": mass_2, "chi_1": intrinsic["chi_1"], "chi_2": intrinsic["chi_2"]}
    place = {"luminosity_distance": 1.0, "theta_jn": 0.0, "phase": 0.0}
    hp, _ = polarizations({**binary, **place}, frequencies, waveform, workers=workers, skip_failures=skip_failures)
    return hp


def inclination_factors(theta_jn: ArrayLike, phase: ArrayLike) -> tuple[ComplexArray, ComplexArray]:
    """The factors of inclination and phase (equations of the module).

    Args:
        theta_jn: inclination, rad, any shape.
        phase: phase at the reference frequency, rad, broadcasts with it.

    Returns:
        `(a_plus, a_cross)`: hp(theta_jn, phase) = a_plus hp(0, 0) and hc(theta_jn, phase) = a_cross hp(0, 0).
    """
    cosine = np.cos(np.asarray(theta_jn, dtype=np.float64))
    rotation = np.exp(2j * np.asarray(phase, dtype=np.float64))
    return np.asarray(0.5 * (1.0 + cosine**2) * rotation), np.asarray(-1j * cosine * rotation)


@lru_cache
def is_quadrupole_only(waveform: str | WaveformSettings) -> bool:
    """Whether an approximant, with its arguments, has the (2, +-2) modes alone.

    Args:
        waveform: its name, or settings.

    Raises:
        InputError: the approximant is unknown.

    Example:
        >>> is_quadrupole_only("IMRPhenomXAS"), is_quadrupole_only("IMRPhenomXHM")
        (True, False)
    """
    binary = {"mass_1": 40.0, "mass_2": 20.0, "chi_1": 0.3, "chi_2": -0.2, "luminosity_distance": 400.0}
    grid = np.geomspace(20.0, 100.0, 8)
    reference, _ = polarizations({**binary, "theta_jn": 0.0, "phase": 0.0}, grid, waveform)
    plus, cross = inclination_factors(1.1, 0.7)
    hp, hc = polarizations({**binary, "theta_jn": 1.1, "phase": 0.7}, grid, waveform)
    largest = max(np.abs(hp - plus * reference).max(), np.abs(hc - cross * reference).max())
    return bool(largest < _ROUNDING * np.abs(reference).max())
