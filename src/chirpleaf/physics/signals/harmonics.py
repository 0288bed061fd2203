"""Harmonics of the orbital phase in an approximant, and how its waveforms are separated into them.

With the spins fixed in space, an orbital phase phi turns the bodies alone, so that either polarisation is

    h(phi) = sum_m h_m exp(i m phi).

LALSimulation computes one h_m at a time where the approximant takes a choice of modes (IMRPhenomXHM, IMRPhenomXPHM):
those of degree l and order +-m in the frame that precesses with the binary. Otherwise N waveforms at the phases
phi_k = 2 pi k / N give h_m = sum_k h(phi_k) exp(-i m phi_k) / N, where N is the least number that keeps the harmonics
apart. Which of both works, and which harmonics there are, is tried once with one binary.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.approximants import can_precess, lal_approximants, resolve_approximant
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.spin_angles import to_components
from chirpleaf.physics.waveform_settings import MODE_ARRAY, WaveformSettings
from chirpleaf.physics.waveforms import polarizations

_HIGHEST = 5
"""Highest harmonic that is looked for."""
_PROBES = 2 * _HIGHEST + 1
_PRESENT = 1e-6
"""Least amplitude of a harmonic that is present, over the greatest."""
_TAKE_MODES = ("IMRPhenomXHM", "IMRPhenomXPHM")
"""Approximants that take a choice of modes."""
_DEGREES = {1: (2,), 2: (2, 3), 3: (3,), 4: (4,)}
"""Degrees of their modes, by order."""
_INTEGRATED = (310, 311, 320, 321, 330)
"""Versions of the precession angles of IMRPhenomXPHM that are integrated numerically (SpinTaylor)."""
_AGREEMENT = 1e-4
"""Largest difference, over the greatest amplitude, of waveforms that count as equal."""
_BINARY = {
    **{"chirp_mass": 30.0, "mass_ratio": 0.4, "chi_1": 0.3, "chi_2": -0.2, "cos_iota": 0.45},
    **{"chi_1_in_plane": 0.4, "azimuth_1": 0.7, "chi_2_in_plane": 0.3, "azimuth_2": 2.9},
}


@dataclass(frozen=True)
class Separation:
    """How the waveforms of an approximant are separated into harmonics.

    Attributes:
        waveform: approximant, reference frequency and arguments.
        harmonics: the harmonics m, increasing.
        by_mode: settings whose waveform is h_m alone, by m; empty if the approximant takes no choice of modes.
    """

    waveform: WaveformSettings
    harmonics: tuple[int, ...]
    by_mode: Mapping[int, WaveformSettings]

    @property
    def n_phases(self) -> int:
        """The least number of phases that keeps the harmonics apart."""
        return next(n for n in count(1) if len({m % n for m in self.harmonics}) == len(self.harmonics))


@lru_cache
def separate(waveform: WaveformSettings) -> Separation:
    """Finds the harmonics of an approximant and the way to them.

    Args:
        waveform: approximant, reference frequency and arguments.

    Raises:
        InputError: the approximant is unknown or one of the time domain, or its waveforms are no sum of such harmonics.

    Example:
        >>> separate(WaveformSettings("IMRPhenomXPHM")).harmonics, separate(WaveformSettings("IMRPhenomPv2")).harmonics
        ((1, 2, 3, 4), (2,))
    """
    if resolve_approximant(waveform.approximant) not in lal_approximants(frequency_domain=True):
        raise _refuse(waveform)
    grid = waveform.reference_frequency * np.geomspace(1.0, 6.0, 8)
    phases = 2 * np.pi * np.arange(_PROBES) / _PROBES
    found = _transform(waveform, grid, phases, tuple(range(-_HIGHEST, _HIGHEST + 1)))
    scale = max(np.abs(h).max() for h in found.values())
    harmonics = tuple(m for m in range(1, _HIGHEST + 1) if np.abs(found[m]).max() > _PRESENT * scale)
    expected = sum(found[m] * np.exp(1j * m) for m in harmonics)
    if not harmonics or np.abs(_compute(waveform, grid, 1.0) - expected).max() > _AGREEMENT * scale:
        raise _refuse(waveform)
    by_mode = _choose_modes(waveform)
    agree = set(by_mode) == set(harmonics) and all(
        np.abs(_compute(one, grid, 0.0) - found[m]).max() < _AGREEMENT * scale for m, one in by_mode.items()
    )
    return Separation(waveform, harmonics, MappingProxyType(by_mode if agree else {}))


def is_separable(waveform: WaveformSettings) -> bool:
    """Whether the waveforms of an approximant are a sum of harmonics.

    Args:
        waveform: approximant, reference frequency and arguments.

    Raises:
        InputError: the approximant is unknown.

    Example:
        >>> is_separable(WaveformSettings("IMRPhenomXPHM")), is_separable(WaveformSettings("IMRPhenomTPHM"))
        (True, False)
    """
    if resolve_approximant(waveform.approximant) not in lal_approximants(frequency_domain=True):
        return False
    try:
        separate(waveform)
    except InputError:
        return False
    return True


def _refuse(waveform: WaveformSettings) -> InputError:
    return InputError(
        f"expected an approximant whose phase turns harmonics of the orbit, such as IMRPhenomXPHM; got "
        f"{waveform.approximant}: choose another"
    )


def _choose_modes(waveform: WaveformSettings) -> dict[int, WaveformSettings]:
    """Settings with the modes of one order each; empty if they cannot be chosen, or the user chose them.

    They are not tried out: LALSimulation corrupts memory when it refuses modes.
    """
    arguments = dict(waveform.arguments)
    # Angles from numerical integration begin at 2 f / m, and must not begin above the reference frequency.
    integrated = arguments.get("PhenomXPrecVersion") in _INTEGRATED
    if MODE_ARRAY in arguments or integrated or resolve_approximant(waveform.approximant) not in _TAKE_MODES:
        return {}
    return {m: _with_modes(waveform, m, degrees) for m, degrees in _DEGREES.items()}


def _with_modes(waveform: WaveformSettings, m: int, degrees: tuple[int, ...]) -> WaveformSettings:
    modes = " ".join(f"{degree},{m} {degree},{-m}" for degree in degrees)
    return replace(waveform, arguments=(*waveform.arguments, (MODE_ARRAY, modes)))


def _compute(waveform: WaveformSettings, grid: NDArray[np.float64], phase: float) -> NDArray[np.complex128]:
    """Both polarisations of the binary that is tried, shape (2, F)."""
    binary = dict(_BINARY)
    if not can_precess(waveform.approximant):
        binary |= {"chi_1_in_plane": 0.0, "chi_2_in_plane": 0.0}
    mass_1, mass_2 = component_masses(binary["chirp_mass"], binary["mass_ratio"])
    place = {"mass_1": mass_1, "mass_2": mass_2, "luminosity_distance": 1.0, "phase": phase}
    waves = polarizations({**to_components(binary, phase), **place}, grid, waveform)
    return np.stack(waves)[:, 0]


def _transform(
    waveform: WaveformSettings, grid: NDArray[np.float64], phases: NDArray[np.float64], harmonics: tuple[int, ...]
) -> dict[int, NDArray[np.complex128]]:
    """Amplitudes of harmonics from waveforms at evenly spaced phases, by harmonic, shape (2, F)."""
    waves = np.stack([_compute(waveform, grid, float(phase)) for phase in phases])
    return {m: np.asarray(np.tensordot(np.exp(-1j * m * phases), waves, 1) / len(phases)) for m in harmonics}
