"""A distribution over the power spectral densities (PSDs) of ground-based detectors, from O1 to design sensitivity.

A network is applied to data that are whitened by their own PSD, so it is trained on many PSDs. Each draw is

    ln S(f) = ln S_design(f) + g(f) + wall(f) + ln[1 + lines(f) + bumps(f)] + ln x(f),

- S_design: log-linear blend of the family's two published noise curves (arXiv:1304.0670, LIGO-T1600593,
  LIGO-T1800044, LIGO-T1800545, LIGO-T2000012);
- g: Gaussian process in ln f with a squared-exponential kernel, which stands for unmodelled noise;
- wall: excess noise below 25-80 Hz (scattered light, controls), at times with a cliff near the lowest usable frequency;
- lines and bumps: narrow lines (`chirpleaf.strain.spectral_lines`) and broad resonances;
- x: statistical scatter of an estimate from finitely many segments, Gamma-distributed with mean 1 and standard
  deviation `scatter`, drawn by the cube-root transformation of E. B. Wilson & M. M. Hilferty, PNAS 17, 684 (1931).

All terms are drawn at the frequency bins of an estimate, spaced by `resolution`; ln S is interpolated linearly between
bins. The value at a given frequency and seed therefore does not depend on the other frequencies that are requested.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chirpleaf.errors import InputError
from chirpleaf.strain.spectral_lines import detector_table, line_groups, sample_lines

Array = NDArray[np.float64]
Range = tuple[float, float]
CHUNK = 128
"""Number of draws that are made at once; it bounds the memory."""


@dataclass(frozen=True)
class PsdDraws:
    """Draws from a `PsdEnsemble`.

    Attributes:
        values: (n, frequency) one-sided PSDs in 1/Hz.
        detector: (n,) name of the detector each draw imitates.
        family: (n,) "O1", "O2", "O3", "O4" or "design": family of the noise curves of each draw.
        scatter: (n,) relative standard deviation of the estimate in each bin.
    """

    values: Array
    detector: NDArray[np.str_]
    family: NDArray[np.str_]
    scatter: Array


@dataclass(frozen=True)
class PsdEnsemble:
    """Distribution of power spectral densities of ground-based detectors.

    Each range gives (lowest, highest) of a uniform or, where stated, log-uniform distribution; each draw has one value.

    Example:
        >>> frequencies = np.arange(20.0, 1024.0, 0.25)
        >>> draws = PsdEnsemble(("H1",)).sample(3, frequencies, np.random.default_rng(1))
        >>> draws.values.shape
        (3, 4016)

    Attributes:
        detectors: Detectors to imitate; each draw selects one with equal probability.
        families: Families of noise curves; each draw selects one of those of its detector with equal probability.
        deformation: Standard deviation of g.
        correlation: Correlation length of g in ln f.
        wall_slope: Excess logarithmic slope of S far below the wall.
        wall_frequency: Highest frequency of the wall in Hz (log-uniform).
        cliff_probability: Probability of a cliff.
        cliff_frequency: Frequency of the cliff in Hz.
        cliff_height: Increase of ln S below the cliff.
        bumps: Largest number of bumps; the number is uniform on 0..bumps.
        bump_height: Excess of a bump over the floor (log-uniform).
        bump_width: Width of a bump in ln f (log-uniform).
        line_presence: Factor on the probability of every group of lines; 0 removes all lines.
        line_steepness: Exponent of the wings of lines, common to all lines of a draw.
        scatter: Relative standard deviation of the estimate (log-uniform): 0.37 for the median of 15 segments.
        scatter_correlation: Correlation between the scatter of neighbouring bins; 4/9 for a Hann window.
        resolution: Spacing of the frequency bins of the estimate in Hz.
        frequency_range: Range of frequencies that `sample` accepts, in Hz; within 10-2048 Hz.
    """

    detectors: tuple[str, ...] = ("H1", "L1", "V1")
    families: tuple[str, ...] = ("O1", "O2", "O3", "O4", "design")
    deformation: Range = (0.1, 0.5)
    correlation: float = 0.45
    wall_slope: Range = (0.0, 5.0)
    wall_frequency: Range = (25.0, 80.0)
    cliff_probability: float = 0.1
    cliff_frequency: Range = (20.0, 32.0)
    cliff_height: Range = (2.0, 11.0)
    bumps: int = 10
    bump_height: Range = (0.2, 10.0)
    bump_width: Range = (0.01, 0.08)
    line_presence: float = 1.0
    line_steepness: Range = (1.3, 3.5)
    scatter: Range = (0.03, 0.5)
    scatter_correlation: Range = (0.0, 4.0 / 9.0)
    resolution: float = 0.25
    frequency_range: Range = (10.0, 1024.0)

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            InputError: An unknown detector or family, a detector without any of the families, a setting out of bounds.
        """
        for detector in self.detectors:
            if detector not in detector_table()["instruments"]:
                known = ", ".join(detector_table()["instruments"])
                raise InputError(f"expected detectors among {known}; got {detector!r}: remove it")
            if not self._select_families(detector):
                raise InputError(f"expected a family that {detector} has; got {self.families}: add 'design'")
        known_families = {family for own in detector_table()["families"].values() for family in own}
        if unknown := set(self.families) - known_families:
            known = ", ".join(sorted(known_families))
            raise InputError(f"expected families of spectra among {known}; got {min(unknown)!r}: remove it")
        if not self.detectors:
            raise InputError("expected at least one detector; got none: name one, such as ('H1',)")
        if not 10.0 <= self.frequency_range[0] < self.frequency_range[1] <= 2048.0:
            raise InputError(f"expected frequency_range within 10-2048 Hz; got {self.frequency_range}: narrow it")
        if not (0.0 < self.scatter[0] <= self.scatter[1] <= 0.6 or self.scatter == (0.0, 0.0)):
            raise InputError(f"expected scatter rising within 0-0.6 or (0.0, 0.0); got {self.scatter}: change it")

    def sample(self, n: int, frequencies: ArrayLike, rng: np.random.Generator) -> PsdDraws:
        """Draw `n` PSDs.

        Args:
            n: Number of draws.
            frequencies: (frequency,) increasing, in Hz, within `frequency_range`.
            rng: Source of randomness; the same seed and `n` give the same draws on every grid of frequencies.

        Returns:
            The draws, `values` of shape (n, frequency) in 1/Hz.

        Raises:
            InputError: Frequencies that are not increasing or lie outside `frequency_range`.
        """
        asked = self._check_frequencies(frequencies)
        left = np.minimum((asked / self.resolution).astype(np.int64) - self._first_bin, self._lattice.size - 2)
        fraction = asked / self.resolution - (left + self._first_bin)
        detector = rng.choice(np.array(self.detectors), n)
        family = np.array([rng.choice(self._select_families(str(name))) for name in detector], dtype=np.str_)
        scatter = _sample_log_uniform(self.scatter, n, rng)
        values = np.empty((n, asked.size))
        for start in range(0, n, CHUNK):
            part = slice(start, start + CHUNK)
            log_psd = self._sample_log_psd(detector[part], family[part], scatter[part], rng)
            lower = log_psd[:, left]
            np.exp(lower + fraction * (log_psd[:, left + 1] - lower), out=values[part])
        return PsdDraws(values, detector, family, scatter)

    def _check_frequencies(self, frequencies: ArrayLike) -> Array:
        asked = np.asarray(frequencies, dtype=np.float64)
        low, high = self.frequency_range
        if asked.ndim != 1 or asked.size == 0 or np.any(np.diff(asked) <= 0.0):
            raise InputError(f"expected frequencies increasing in one dimension; got shape {asked.shape}: sort them")
        if asked[0] < low or asked[-1] > high:
            got = f"{asked[0]:g} to {asked[-1]:g} Hz"
            raise InputError(f"expected frequencies within {low:g} to {high:g} Hz; got {got}: set frequency_range")
        return asked

    def _select_families(self, detector: str) -> list[str]:
        table = detector_table()
        own = table["families"][table["instruments"][detector]]
        return [family for family in self.families if family in own]

    @cached_property
    def _first_bin(self) -> int:
        return int(self.frequency_range[0] / self.resolution)

    @cached_property
    def _lattice(self) -> Array:
        """(lattice,) frequency bins of the estimate in Hz, which cover `frequency_range`."""
        last = int(np.ceil(self.frequency_range[1] / self.resolution))
        return self.resolution * np.arange(self._first_bin, last + 1, dtype=np.float64)

    @cached_property
    def _deformations(self) -> Array:
        """(nodes, lattice) matrix that maps white noise to the Gaussian process of unit variance."""
        log_f = np.log(self._lattice)
        count = int((log_f[-1] - log_f[0]) / (0.5 * self.correlation)) + 2
        nodes: Array = np.linspace(log_f[0], log_f[-1], count, dtype=np.float64)

        def kernel(x: Array) -> Array:
            distance: Array = (x[:, None] - nodes) / self.correlation
            return np.exp(-0.5 * np.square(distance), dtype=np.float64)

        factor = np.linalg.cholesky(kernel(nodes) + 1e-6 * np.eye(nodes.size))
        basis: Array = np.linalg.solve(factor, kernel(log_f).T)
        basis /= np.linalg.norm(basis, axis=0)
        return basis

    def _sample_log_psd(
        self, detector: NDArray[np.str_], family: NDArray[np.str_], scatter: Array, rng: np.random.Generator
    ) -> Array:
        """(n, lattice) ln(S x Hz) of the draws at the frequency bins of the estimate."""
        n = detector.size
        log_psd = _blend_design_curves(detector, family, self._lattice, rng)
        log_psd += rng.uniform(*self.deformation, (n, 1)) * (
            rng.standard_normal((n, self._deformations.shape[0])) @ self._deformations
        )
        log_psd += self._sample_wall(n, rng)
        log_psd += np.log1p(self._sample_lines(detector, rng) + self._sample_bumps(n, rng))
        return log_psd + np.log(self._sample_scatter(scatter, rng))

    def _sample_wall(self, n: int, rng: np.random.Generator) -> Array:
        """(n, lattice) increase of ln S towards low frequencies, including cliffs."""
        slope = rng.uniform(*self.wall_slope, (n, 1))
        corner = np.log(_sample_log_uniform(self.wall_frequency, n, rng))[:, None]
        softness = 0.15
        wall = slope * softness * np.logaddexp(0.0, (corner - np.log(self._lattice)) / softness)
        is_cliff = rng.random((n, 1)) < self.cliff_probability
        edge = rng.uniform(*self.cliff_frequency, (n, 1))
        height = rng.uniform(*self.cliff_height, (n, 1)) * is_cliff
        cliff: Array = 0.5 * height * (1.0 - np.tanh((self._lattice - edge) / rng.uniform(0.1, 1.5, (n, 1))))
        return wall + cliff

    def _sample_lines(self, detector: NDArray[np.str_], rng: np.random.Generator) -> Array:
        """(n, lattice) excess of the lines over the floor."""
        excess = np.zeros((detector.size, self._lattice.size))
        instrument = np.array([detector_table()["instruments"][name] for name in detector])
        for name in np.unique(instrument):
            rows = np.flatnonzero(instrument == name)
            lines = sample_lines(line_groups(str(name)), rows.size, self.line_presence, self.line_steepness, rng)
            own = np.zeros((rows.size, self._lattice.size))
            lines.add_to(own, self.resolution, self._first_bin)
            excess[rows] = own
        return excess

    def _sample_bumps(self, n: int, rng: np.random.Generator) -> Array:
        """(n, lattice) excess of up to `bumps` broad resonances over the floor."""
        log_f = np.log(self._lattice)
        count = rng.integers(0, self.bumps + 1, n)
        excess = np.zeros((n, log_f.size))
        for index in range(self.bumps):
            centre = rng.uniform(log_f[0], log_f[-1], (n, 1))
            width = _sample_log_uniform(self.bump_width, n, rng)[:, None]
            height = (_sample_log_uniform(self.bump_height, n, rng) * (count > index))[:, None]
            excess += height * np.exp(-0.5 * ((log_f - centre) / width) ** 2)
        return excess

    def _sample_scatter(self, level: Array, rng: np.random.Generator) -> Array:
        """(n, lattice) multiplicative scatter, mean 1, standard deviation `level` (n,), correlated between bins."""
        correlation = rng.uniform(*self.scatter_correlation, level.size)
        white = rng.standard_normal((level.size, self._lattice.size + 1))
        # cos and sin of one angle keep the variance at 1 and give neighbours the correlation cos x sin = sin(2a) / 2.
        angle = 0.5 * np.arcsin(2.0 * correlation)[:, None]
        normal = np.cos(angle) * white[:, 1:] + np.sin(angle) * white[:, :-1]
        spread = level[:, None] / 3.0
        cube_root = 1.0 - spread**2 + spread * normal
        return np.maximum(cube_root, 0.05) ** 3


def _blend_design_curves(
    detector: NDArray[np.str_], family: NDArray[np.str_], frequencies: Array, rng: np.random.Generator
) -> Array:
    """(n, frequency) ln(S x Hz): log-linear blend of the two noise curves of each draw's family."""
    table = detector_table()
    blend = rng.random(detector.size)
    log_psd = np.empty((detector.size, frequencies.size))
    for row, (name, member) in enumerate(zip(detector, family, strict=True)):
        first, second = table["families"][table["instruments"][name]][member]
        start, end = design_log_psd(first, frequencies), design_log_psd(second, frequencies)
        log_psd[row] = start + blend[row] * (end - start)
    return log_psd


def design_log_psd(name: str, frequencies: Array) -> Array:
    """Interpolate a published noise curve without its lines.

    Args:
        name: Name of the curve in `data/design/curves.npz`, such as "aLIGO_design".
        frequencies: (frequency,) in Hz.

    Returns:
        (frequency,) ln(S x Hz).
    """
    curves = _read_design_curves()
    result: Array = np.interp(np.log(frequencies), np.log(curves["frequencies"]), curves[name])
    return result


@lru_cache
def _read_design_curves() -> dict[str, Array]:
    path = resources.files("chirpleaf.strain") / "data" / "design" / "curves.npz"
    with path.open("rb") as stream, np.load(stream) as archive:
        return {name: archive[name].astype(np.float64) for name in archive.files}


def _sample_log_uniform(bounds: Range, n: int, rng: np.random.Generator) -> Array:
    """(n,) log-uniform draws between the two bounds."""
    low, high = bounds
    draws: Array = low * np.exp(np.log(high / low) * rng.random(n)) if high > low else np.full(n, low)
    return draws
