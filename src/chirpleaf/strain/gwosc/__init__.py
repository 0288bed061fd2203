"""Open data: strain of events and times of the Gravitational Wave Open Science Center, with a cache."""

from chirpleaf.strain.gwosc.catalogues import fetch_catalogue
from chirpleaf.strain.gwosc.events import fetch_event

__all__ = ["fetch_catalogue", "fetch_event"]
