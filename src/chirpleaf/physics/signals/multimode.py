"""The signal with all modes: plus and cross polarisation of each harmonic of the orbital phase, precessing or not.

For precessing spins and higher modes the inclination is no factor of a series, so it belongs to the intrinsic
parameters: the nine numbers of `physics.spin_angles`. The series are h_m,plus and h_m,cross at one inclination, with
the spins fixed with respect to the observer (`harmonics`), and the responses of a detector are

    R_m,plus = F_plus exp(i m phase),        R_m,cross = F_cross exp(i m phase).

The inclination that a caller states as `theta_jn` is not read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.physics.approximants import DEFAULT_APPROXIMANT
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.inspiral import chirp_phase
from chirpleaf.physics.signals.harmonics import Separation, separate
from chirpleaf.physics.signals.model import ComplexArray
from chirpleaf.physics.signals.quadrupole import face_on
from chirpleaf.physics.spin_angles import to_components
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.physics.waveforms import polarizations

DEFAULT_PRECESSING = WaveformSettings("IMRPhenomXPHM")


@dataclass(frozen=True)
class Multimode:
    """Two series for each harmonic: plus and cross.

    Attributes:
        waveform: approximant, reference frequency and arguments.
        complete: whether they are the approximant of the likelihood; if not, they stand for one whose modes cannot be
            separated.

    Raises:
        InputError: the approximant is unknown, or its phase does not turn harmonics of the orbit.

    Example:
        >>> signal = Multimode(WaveformSettings("IMRPhenomXPHM"))
        >>> binary = {"chirp_mass": 30.0, "mass_ratio": 0.8, "chi_1": 0.0, "chi_2": 0.0, "cos_iota": 0.3}
        >>> signal.harmonics, signal.series(binary, [20.0, 30.0]).shape
        ((1, 1, 2, 2, 3, 3, 4, 4), (1, 8, 2))
    """

    waveform: WaveformSettings = DEFAULT_PRECESSING
    complete: bool = True

    def __post_init__(self) -> None:
        separate(self.waveform)

    @property
    def approximant(self) -> str:
        """Name of the waveform approximant."""
        return self.waveform.approximant

    @property
    def harmonics(self) -> tuple[int, ...]:
        """Harmonic of the orbital phase of each series: each one twice, for plus and cross."""
        return tuple(m for m in separate(self.waveform).harmonics for _ in range(2))

    @property
    def dominant(self) -> int:
        """Index of the plus polarisation of m = 2, or of the first harmonic if there is no such."""
        return self.harmonics.index(2) if 2 in self.harmonics else 0

    def series(
        self,
        intrinsic: Mapping[str, ArrayLike],
        frequencies: ArrayLike,
        *,
        workers: int = 1,
        skip_failures: bool = False,
    ) -> ComplexArray:
        """The polarisations of each harmonic at 1 Mpc and phase zero; see `SignalModel.series`.

        Args:
            intrinsic: the nine numbers of `physics.spin_angles` by name, (n,) or floats. In-plane spins that are
                missing are zero, and without `cos_iota` the binary is seen along its orbital angular momentum.
            frequencies: increasing and positive (F,), Hz.
            workers: number of processes.
            skip_failures: as for `polarizations`.

        Returns:
            (n, 2 H, F) complex128, strain/Hz, for H harmonics.

        Raises:
            InputError: as `polarizations`.
        """
        separation = separate(self.waveform)
        binaries = {"cos_iota": 1.0, **intrinsic}

        def compute(waveform: WaveformSettings, phase: float) -> ComplexArray:
            masses = component_masses(*(np.asarray(binaries[name], float) for name in ("chirp_mass", "mass_ratio")))
            place = {"mass_1": masses[0], "mass_2": masses[1], "luminosity_distance": 1.0, "phase": phase}
            parameters = {**to_components(binaries, phase), **place}
            waves = polarizations(parameters, frequencies, waveform, workers=workers, skip_failures=skip_failures)
            return np.stack(waves, axis=1)

        if separation.by_mode:
            return np.concatenate([compute(separation.by_mode[m], 0.0) for m in separation.harmonics], axis=1)
        return _transform(separation, compute)

    def reference_series(self, intrinsic: Mapping[str, ArrayLike], frequencies: ArrayLike) -> ComplexArray:
        """Series without precession and without zeros, by which those of similar binaries are divided.

        Harmonic m has m / 2 times the phase of the quadrupole at 2 f / m, and its amplitude there.

        Args:
            intrinsic: parameters of one binary, as for `series`.
            frequencies: increasing and positive (F,), Hz.

        Returns:
            (2 H, F) complex128, strain/Hz.

        Raises:
            InputError: the waveform cannot be computed.
        """
        frequencies = np.asarray(frequencies, dtype=np.float64)
        aligned = {name: np.ravel(intrinsic[name])[:1] for name in ("chirp_mass", "mass_ratio", "chi_1", "chi_2")}
        return np.stack([stretch_quadrupole(aligned, m, frequencies) for m in self.harmonics])

    def has_all_modes(self) -> bool:
        """The series hold all modes of the approximant that they stand for."""
        return self.complete

    def response(self, fp: ArrayLike, fc: ArrayLike, theta_jn: ArrayLike, phase: ArrayLike = 0.0) -> ComplexArray:
        """Factors of the series in a detector; see `SignalModel.response`.

        Args:
            fp: antenna pattern of the plus polarisation, any shape; the other arguments broadcast with it.
            fc: antenna pattern of the cross polarisation.
            theta_jn: not read but for its shape.
            phase: orbital phase at the reference frequency, rad.

        Returns:
            (..., 2 H) complex128.
        """
        fp, fc, phase, _ = np.broadcast_arrays(fp, fc, np.asarray(phase, dtype=np.float64), theta_jn)
        harmonics = np.array(self.harmonics)
        patterns = np.stack([fp, fc] * (len(harmonics) // 2), axis=-1)
        return np.asarray(patterns * np.exp(1j * phase[..., None] * harmonics))


def _transform(separation: Separation, compute: Callable[[WaveformSettings, float], ComplexArray]) -> ComplexArray:
    """The series from waveforms at evenly spaced phases, shape (n, 2 H, F)."""
    n = separation.n_phases
    phases = 2 * np.pi * np.arange(n) / n
    waves = [compute(separation.waveform, float(phase)) for phase in phases]
    turned = [
        sum(wave * np.exp(-1j * m * phase) for wave, phase in zip(waves, phases, strict=True)) / n
        for m in separation.harmonics
    ]
    return np.concatenate(turned, axis=1)


def stretch_quadrupole(
    aligned: Mapping[str, NDArray[np.float64]], m: int, frequencies: NDArray[np.float64]
) -> ComplexArray:
    """The quadrupole at 2 f / m with m / 2 times its phase.

    The phase of the inspiral is taken out before the phase is unwrapped, as it turns fast at low frequencies.

    Args:
        aligned: masses and aligned spins of one binary, each (1,).
        m: harmonic of the orbital phase.
        frequencies: increasing and positive (F,), Hz.

    Returns:
        (F,) complex128, strain/Hz.

    Raises:
        InputError: the waveform cannot be computed.
    """
    stretched = 2 * frequencies / m
    wave = face_on(aligned, stretched, DEFAULT_APPROXIMANT)[0]
    inspiral = chirp_phase(aligned["chirp_mass"], stretched)
    phase = np.unwrap(np.angle(wave * np.exp(1j * inspiral))) - inspiral
    return np.asarray(np.abs(wave) * np.exp(0.5j * m * phase))
