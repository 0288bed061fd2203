r"""Calibration uncertainty of a detector: an envelope of the correction, and curves drawn from it.

Calibrated data d differ from the true strain h by a complex factor that varies slowly with the frequency. There are two
conventions, named as by bilby:

- *"data"*: the envelope is that of eta in h = eta d, which corrects the data. The envelopes of LIGO, Virgo and KAGRA
  are of this kind.
- *"template"*: it is that of alpha = 1 / eta in d = alpha h, which corrects the templates.

The likelihood needs alpha. As in LALInference and bilby (LIGO-T1400682, LIGO-T2300140), amplitude and phase of alpha
are cubic splines A(f) and phi(f) of ln f, with independent normal priors of their values at nodes that are evenly
spaced in ln f over the band, mean and standard deviation being those of the envelope:

    alpha(f) = (1 + A(f)) (2 + i phi(f)) / (2 - i phi(f)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Complex128, Float64

from chirpleaf.errors import InputError
from chirpleaf.strain.strain import Spectrum

CorrectionType = Literal["data", "template"]
"""What an envelope corrects; see above."""

CORRECTION_TYPES: tuple[CorrectionType, ...] = get_args(CorrectionType)

LEAST_NODES = 4
"""Nodes that a cubic spline needs."""

EDGE_TOLERANCE = 0.02
"""Distance beyond the ends of an envelope, over their frequency, at which it is continued: tables round their ends."""

Curves = Complex128[np.ndarray, "curve frequency"]


def parse_correction_type(name: str) -> CorrectionType:
    """The convention of a name.

    Args:
        name: in any case.

    Raises:
        InputError: there is none.
    """
    if name.lower() not in CORRECTION_TYPES:
        raise InputError(
            f"expected a calibration correction of {' or '.join(CORRECTION_TYPES)}; got {name!r}: envelopes of the "
            "observatories correct the data"
        )
    return CORRECTION_TYPES[CORRECTION_TYPES.index(name.lower())]


@dataclass(frozen=True, eq=False)
class CalibrationEnvelope:
    """Envelope of the factor alpha of the templates.

    Attributes:
        frequencies: shape (F,), increasing, Hz.
        amplitude: median of |alpha| - 1, shape (F,).
        amplitude_error: standard deviation of |alpha|, shape (F,).
        phase: median of the phase of alpha, shape (F,), rad.
        phase_error: standard deviation of the phase, shape (F,), rad.

    Example:
        >>> two = np.ones(2)
        >>> flat = CalibrationEnvelope(np.array([10.0, 2048.0]), 0 * two, 0.05 * two, 0 * two, 0.03 * two)
        >>> curves = flat.place_nodes(20.0, 1024.0, 10).draw(4, np.random.default_rng(1), np.array([20.0, 100.0]))
        >>> curves.shape, bool(np.abs(curves - 1).max() < 0.3)
        ((4, 2), True)
    """

    frequencies: Spectrum
    amplitude: Spectrum
    amplitude_error: Spectrum
    phase: Spectrum
    phase_error: Spectrum

    @classmethod
    def from_columns(
        cls, columns: Float64[np.ndarray, "7 frequency"], correction: CorrectionType
    ) -> CalibrationEnvelope:
        """Makes an envelope from the columns of a file, as bilby does.

        Args:
            columns: frequency (Hz); amplitude and phase (rad) of the median, of -1 standard deviation and of +1, in
                this order.
            correction: what the factors correct.

        Source:
            `bilby.gw.prior.CalibrationPriorDict.from_envelope_file`.
        """
        frequencies, amplitude, phase, low_amplitude, low_phase, high_amplitude, high_phase = columns
        if correction == "data":
            amplitude, low_amplitude, high_amplitude = 1 / amplitude, 1 / low_amplitude, 1 / high_amplitude
            phase = -phase
        return cls(
            frequencies,
            amplitude - 1,
            np.abs(high_amplitude - low_amplitude) / 2,
            phase,
            np.abs(high_phase - low_phase) / 2,
        )

    def place_nodes(self, low: float, high: float, nodes: int) -> SplineModel:
        """The normal priors at the nodes of the splines.

        Args:
            low: lowest frequency of the band, Hz.
            high: highest frequency of the band, Hz.
            nodes: number of nodes.

        Raises:
            InputError: the envelope does not cover the band.
        """
        first, last = self.frequencies[0], self.frequencies[-1]
        if low < first * (1 - EDGE_TOLERANCE) or high > last * (1 + EDGE_TOLERANCE):
            raise InputError(
                f"expected a calibration envelope from {low:g} to {high:g} Hz; got one from {first:g} to {last:g} Hz: "
                "take a wider one, or narrow the band by --f-min and --f-max"
            )
        log_nodes = np.linspace(np.log(low), np.log(high), nodes)
        table = np.stack([self.amplitude, self.amplitude_error, self.phase, self.phase_error], axis=1)
        amplitude, amplitude_error, phase, phase_error = _interpolate(np.log(self.frequencies), table, log_nodes).T
        return SplineModel(log_nodes, amplitude, np.abs(amplitude_error), phase, np.abs(phase_error))


@dataclass(frozen=True, eq=False)
class SplineModel:
    """Splines of amplitude and phase with normal priors at their nodes.

    Attributes:
        log_nodes: ln(frequency / Hz) of the nodes, evenly spaced, shape (node,).
        amplitude: mean of A, shape (node,).
        amplitude_error: standard deviation of A, shape (node,).
        phase: mean of phi, shape (node,), rad.
        phase_error: standard deviation of phi, shape (node,), rad.
    """

    log_nodes: Float64[np.ndarray, " node"]
    amplitude: Float64[np.ndarray, " node"]
    amplitude_error: Float64[np.ndarray, " node"]
    phase: Float64[np.ndarray, " node"]
    phase_error: Float64[np.ndarray, " node"]

    def draw(self, n: int, rng: np.random.Generator, frequencies: Spectrum) -> Curves:
        """Draws curves.

        Args:
            n: number of curves.
            rng: source of randomness.
            frequencies: shape (frequency,), within the band, Hz.

        Returns:
            alpha, shape (n, frequency).
        """
        normal = rng.standard_normal((2, n, len(self.log_nodes)))
        return self.evaluate(
            self.amplitude + self.amplitude_error * normal[0], self.phase + self.phase_error * normal[1], frequencies
        )

    def evaluate(
        self,
        amplitude: Float64[np.ndarray, "curve node"],
        phase: Float64[np.ndarray, "curve node"],
        frequencies: Spectrum,
    ) -> Curves:
        """Curves of given values at the nodes.

        Args:
            amplitude: A at the nodes, shape (curve, node).
            phase: phi at the nodes, shape (curve, node), rad.
            frequencies: shape (frequency,), Hz.

        Returns:
            alpha, shape (curve, frequency).
        """
        basis = make_spline_basis(self.log_nodes, np.log(frequencies)).T
        turn = 1j * (phase @ basis)
        curves: Curves = (1 + amplitude @ basis) * (2 + turn) / (2 - turn)
        return curves


def make_spline_basis(
    nodes: Float64[np.ndarray, " node"], places: Float64[np.ndarray, " place"]
) -> Float64[np.ndarray, "place node"]:
    """The cubic spline as a matrix: values at places are its product with values at nodes.

    Args:
        nodes: increasing, at least four.
        places: where the spline is evaluated.

    Returns:
        Shape (place, node). The third derivative is continuous at the second and the last but one node.
    """
    from scipy.interpolate import CubicSpline  # noqa: PLC0415 - slow to import, and rarely needed

    basis: Float64[np.ndarray, "place node"] = CubicSpline(nodes, np.eye(len(nodes)))(places)
    return basis


def _interpolate(
    x: Float64[np.ndarray, " row"], table: Float64[np.ndarray, "row column"], places: Float64[np.ndarray, " place"]
) -> Float64[np.ndarray, "place column"]:
    """Interpolates the columns of a table by cubic splines, or by straight lines where it has fewer than four rows."""
    if len(x) < LEAST_NODES:
        return np.stack([np.interp(places, x, column) for column in table.T], axis=1)
    from scipy.interpolate import CubicSpline  # noqa: PLC0415 - as above

    found: Float64[np.ndarray, "place column"] = CubicSpline(x, table)(places)
    return found
