"""Settings of the checks: thresholds, and the numbers that trade accuracy for time.

Thresholds are set on one set of simulations and reported on another (`benchmarks/trust_roc.py`).
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SignalSettings:
    """Whether there is a signal.

    Attributes:
        least_snr: peak network signal-to-noise ratio below which there is no signal. Training begins at an optimal
            ratio of 7: a higher limit would refuse events that the model knows, a lower one would accept noise.
        greatest_snr: peak network signal-to-noise ratio above which the model was not trained. Training ends at an
            optimal ratio of 60.
    """

    least_snr: float = 6.0
    greatest_snr: float = 65.0


@dataclass(frozen=True)
class TrustSettings:
    """All settings of the checks.

    Attributes:
        signal: whether there is a signal.
    """

    signal: SignalSettings = field(default_factory=SignalSettings)


DEFAULT_TRUST = TrustSettings()
"""Default settings."""
