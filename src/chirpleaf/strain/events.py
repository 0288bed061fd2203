"""Events whose strain is embedded in the package, so that they can be analysed without internet access.

| event | detectors | samples |
|---|---|---|
| GW150914 | H1, L1 | 32 s at 4096 Hz from GPS 1126259447 |
| GW170814 | H1, L1, V1 | 32 s at 4096 Hz from GPS 1186741846 |

The strain is the public release R1 of the Gravitational Wave Open Science Center (https://gwosc.org), a service of the
LIGO Laboratory, the LIGO Scientific Collaboration, the Virgo Collaboration and KAGRA, under the Creative Commons
Attribution 4.0 licence (https://creativecommons.org/licenses/by/4.0/); the data are described in arXiv:1912.11716. It
is stored as float32, which halves the file size. The rounding is negligible: its amplitude spectral density is at most
2.2e-4 of the detectors' noise at any frequency in 20-1024 Hz (measured for the five series: H1 3.7e-5, L1 2.2e-4;
H1 1.2e-4, L1 1.5e-5, V1 3.7e-5). `scripts/make_events.py` writes the files and measures the rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.strain import Strain

SOURCE = "Gravitational Wave Open Science Center (https://gwosc.org), strain release R1, CC BY 4.0"


@dataclass(frozen=True)
class Event:
    """An event and where its strain comes from.

    Attributes:
        name: name of the event.
        trigger_time: GPS time of the merger at the geocentre in s, as reported by the searches.
        detectors: prefixes of the detectors that observed the event.
        source: origin and licence of the strain.
        full_name: name with the time of day in UTC, as in the catalogues since GWTC-2; empty if it has none.
    """

    name: str
    trigger_time: float
    detectors: tuple[str, ...]
    source: str = SOURCE
    full_name: str = ""


_EVENTS = MappingProxyType(
    {
        event.name: event
        for event in (
            Event("GW150914", 1126259462.4, ("H1", "L1"), full_name="GW150914_095045"),
            Event("GW170814", 1186741861.5, ("H1", "L1", "V1"), full_name="GW170814_103043"),
        )
    }
)


def events() -> Mapping[str, Event]:
    """List the embedded events by name.

    Returns:
        Read-only mapping from name to event.

    Example:
        >>> list(events())
        ['GW150914', 'GW170814']
    """
    return _EVENTS


def find_event(name: str) -> Event | None:
    """Find an embedded event.

    Args:
        name: its name in any case, also with the time of day.

    Returns:
        The event; None if it is not embedded.

    Example:
        >>> find_event("gw150914_095045").name
        'GW150914'
    """
    for event in _EVENTS.values():
        if name and name.casefold() in (event.name.casefold(), event.full_name.casefold()):
            return event
    return None


def load_event(name: str) -> dict[str, Strain]:
    """Load the strain of an embedded event.

    Args:
        name: name of an embedded event, as for `find_event`.

    Returns:
        Strain by detector: 32 s at 4096 Hz around the event.

    Raises:
        InputError: if the event is not embedded.

    Source:
        Gravitational Wave Open Science Center, arXiv:1912.11716.

    Example:
        >>> load_event("GW150914")["H1"].duration
        32.0
    """
    event = find_event(name)
    if event is None:
        raise InputError(f"expected an embedded event ({', '.join(_EVENTS)}); got {name!r}; give the files by --strain")
    folder = resources.files("chirpleaf.strain") / "data" / "events"
    with resources.as_file(folder / f"{event.name}.hdf5") as path, h5py.File(path, "r") as file:
        return {
            detector: Strain(
                detector,
                file[detector][()].astype(np.float64),
                start_time=float(file[detector].attrs["start_time"]),
                sample_rate=float(file[detector].attrs["sample_rate"]),
            )
            for detector in event.detectors
        }
