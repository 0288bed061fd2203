"""Detector strain: file formats, embedded events, open data, power spectral densities and windows."""

from chirpleaf.strain.events import Event, events, load_event
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.psd_estimation import welch
from chirpleaf.strain.psd_files import read_psd
from chirpleaf.strain.readers import read
from chirpleaf.strain.strain import Strain

__all__ = [
    "Event",
    "PowerSpectralDensity",
    "Strain",
    "events",
    "load_event",
    "read",
    "read_psd",
    "welch",
]
