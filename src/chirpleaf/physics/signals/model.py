"""The interface of a signal model."""

from collections.abc import Mapping
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

ComplexArray: TypeAlias = NDArray[np.complex128]


@runtime_checkable
class SignalModel(Protocol):
    """What a binary emits, as S frequency series (see the module `physics.signals`).

    Attributes:
        approximant: name of the waveform approximant.
        harmonics: harmonic m_s of the orbital phase of each series: a phase adds the factor exp(i m_s phase).
        dominant: index of the series that searches use as their template.
    """

    @property
    def approximant(self) -> str:
        """Name of the waveform approximant."""
        ...

    @property
    def harmonics(self) -> tuple[int, ...]:
        """Harmonic of the orbital phase of each series, length S."""
        ...

    @property
    def dominant(self) -> int:
        """Index of the series that searches use as their template."""
        ...

    def series(
        self,
        intrinsic: Mapping[str, ArrayLike],
        frequencies: ArrayLike,
        *,
        workers: int = 1,
        skip_failures: bool = False,
    ) -> ComplexArray:
        """The series of binaries at 1 Mpc and phase zero, with the merger near t = 0.

        Args:
            intrinsic: masses (detector frame, solar masses) and spins, each (n,) or a float; a model takes at least
                `chirp_mass`, `mass_ratio`, `chi_1`, `chi_2`, and ignores further keys.
            frequencies: increasing and positive (F,), Hz.
            workers: number of processes that share the work.
            skip_failures: whether a binary whose waveform cannot be computed becomes NaN; otherwise it is an error.

        Returns:
            (n, S, F) complex128, strain/Hz.

        Raises:
            InputError: a parameter or the frequencies are out of range, or a waveform cannot be computed.
        """
        ...

    def reference_series(self, intrinsic: Mapping[str, ArrayLike], frequencies: ArrayLike) -> ComplexArray:
        """Series by which those of similar binaries are divided to become smooth functions of frequency.

        Args:
            intrinsic: parameters of one binary, each (1,) or a float.
            frequencies: increasing and positive (F,), Hz.

        Returns:
            (S, F) complex128, strain/Hz, without zeros below the end of the signal.

        Raises:
            InputError: the waveform cannot be computed.
        """
        ...

    def has_all_modes(self) -> bool:
        """Whether the series hold all modes of the approximant; if not, certified samples are reweighted to them."""
        ...

    def response(self, fp: ArrayLike, fc: ArrayLike, theta_jn: ArrayLike, phase: ArrayLike = 0.0) -> ComplexArray:
        """Factors of the series in a detector.

        Args:
            fp: antenna pattern of the plus polarisation, any shape; the other arguments broadcast with it.
            fc: antenna pattern of the cross polarisation.
            theta_jn: inclination, rad.
            phase: orbital phase at the reference frequency, rad.

        Returns:
            (..., S) complex128: R_s exp(i m_s phase).
        """
        ...
