"""Signal models: what a binary emits, as a few frequency series with one harmonic of the orbital phase each.

A detector d with antenna patterns (F_plus, F_cross) records, from a source at luminosity distance D (Mpc),

    h_d(f) = (1 / D) sum_s R_s(F_plus, F_cross, theta_jn) exp(i m_s phase) h_s(f) exp(-2 pi i f t_d),

where the series h_s depend on the intrinsic parameters, and the responses R_s on the orientation. Templates, waveform
banks, the simulator and the marginal likelihood use a `SignalModel` through this sum alone, so that a new family of
waveforms is a new class here and one line in `SIGNALS`.
"""

from chirpleaf.physics.signals.aligned_modes import AlignedModes
from chirpleaf.physics.signals.model import SignalModel
from chirpleaf.physics.signals.multimode import Multimode
from chirpleaf.physics.signals.quadrupole import Quadrupole, is_quadrupole_only
from chirpleaf.physics.signals.registry import SIGNALS, make_likelihood_model, make_signal_model

__all__ = [
    "SIGNALS",
    "AlignedModes",
    "Multimode",
    "Quadrupole",
    "SignalModel",
    "is_quadrupole_only",
    "make_likelihood_model",
    "make_signal_model",
]
