"""Gaussian noise with power spectral densities drawn from the ensemble (`chirpleaf.strain.ensemble`)."""

from dataclasses import dataclass, field, replace

import numpy as np

from chirpleaf.strain.ensemble import PsdEnsemble
from chirpleaf.strain.frequencies import check_frequencies
from chirpleaf.strain.noise.source import Bins, NoiseDraw, NoiseTable
from chirpleaf.strain.strain import Spectrum
from chirpleaf.system.checks import check_integer

_CHUNK = 256
"""Densities that are drawn with one generator when a table is made: a larger chunk needs more memory."""


@dataclass(frozen=True)
class EnsembleNoise:
    """Gaussian noise; each detector's power spectral density is drawn independently of the others.

    Attributes:
        ensemble: the distribution of the densities; its own choice of detectors is not used.

    Example:
        >>> frequencies = np.arange(20.0, 1024.0, 0.25)
        >>> draw = EnsembleNoise().sample(("H1", "L1"), frequencies, 4.0, np.random.default_rng(1))
        >>> draw.realise(np.random.default_rng(2)).shape
        (2, 4016)
    """

    ensemble: PsdEnsemble = field(default_factory=PsdEnsemble)

    def sample(
        self, detectors: tuple[str, ...], frequencies: Spectrum, duration: float, rng: np.random.Generator
    ) -> NoiseDraw:
        """Draws the noise of one segment; see `NoiseSource.sample`.

        Args:
            detectors: names of the detectors, in order.
            frequencies: multiples of 1 / duration, increasing, shape (F,), Hz.
            duration: length of the segment, seconds.
            rng: source of randomness.

        Returns:
            The draw; its origin names the families of the densities.

        Raises:
            InputError: a detector is unknown, the ensemble does not cover the frequencies, or they are not those of a
                segment of this duration.
        """
        check_frequencies(frequencies, duration)
        draws = [replace(self.ensemble, detectors=(name,)).sample(1, frequencies, rng) for name in detectors]
        families = sorted({str(draw.family[0]) for draw in draws})
        return NoiseDraw(np.stack([draw.values[0] for draw in draws]), duration, "/".join(families))

    def tabulate(
        self, detectors: tuple[str, ...], bins: Bins, reference_weights: np.ndarray, n: int, *, seed: int
    ) -> NoiseTable:
        """Draws n densities of each detector; see `NoiseSource.tabulate`.

        Args:
            detectors: names of the detectors, in order.
            bins: bins of the whitened data.
            reference_weights: whitening weights of a reference detector, shape (bin,), Hz.
            n: number of densities of each detector.
            seed: seed of the draws.

        Returns:
            The table.

        Raises:
            InputError: as for `sample`, or no density is asked for.
        """
        check_integer("n", n, 1)
        frequencies = bins.native_frequencies
        weights = np.empty((len(detectors), n, len(reference_weights)), dtype=np.float32)
        for place, name in enumerate(detectors):
            ensemble = replace(self.ensemble, detectors=(name,))
            for start in range(0, n, _CHUNK):
                rng = np.random.default_rng([seed, place, start])
                draws = ensemble.sample(min(_CHUNK, n - start), frequencies, rng)
                weights[place, start : start + _CHUNK] = bins.weights(draws.values) / reference_weights
        return NoiseTable(weights)
