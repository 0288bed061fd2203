"""Noise sources: the noise of simulated data, and the power spectral densities with which the data are whitened.

| source | power spectral densities | noise |
|---|---|---|
| `EnsembleNoise` | drawn from a distribution (`strain.ensemble`), independently for each detector | Gaussian |
| `MeasuredNoise` | measured near events, those of all detectors from the same event | Gaussian |
| `RecordedNoise` | estimated from recorded strain | the recorded strain itself |

The simulator of the training and the injections of the diagnostics use the same sources: training tabulates a source on
the bins of its multiband grid (`NoiseSource.tabulate`), injections draw from it on the native frequencies of a segment
(`NoiseSource.sample`). A new source is a new class beside these three.
"""

from chirpleaf.strain.noise.ensemble import EnsembleNoise
from chirpleaf.strain.noise.measured import MeasuredNoise
from chirpleaf.strain.noise.recorded import RecordedNoise, mask_signal
from chirpleaf.strain.noise.source import Bins, NoiseDraw, NoiseSource, NoiseTable

__all__ = [
    "Bins",
    "EnsembleNoise",
    "MeasuredNoise",
    "NoiseDraw",
    "NoiseSource",
    "NoiseTable",
    "RecordedNoise",
    "mask_signal",
]
