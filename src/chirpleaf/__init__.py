"""Neural parameter estimation for binary black hole mergers that trains and runs on a laptop.

The front door: `infer` goes from a detected signal to its posterior, `load_model` and `available_models` reach the
trained models, `events` lists the strain that the package carries. Each opens its room when first asked for (PEP 562),
so that `import chirpleaf` and `chirpleaf --help` load neither torch nor lalsuite.

Example:
    >>> import chirpleaf
    >>> "GW150914" in chirpleaf.events()
    True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chirpleaf.inference import infer
    from chirpleaf.models import available_models, load_model
    from chirpleaf.strain.events import events

    __version__: str

__all__ = ["__version__", "available_models", "events", "infer", "load_model"]

_ROOM_OF = {
    "available_models": "chirpleaf.models",
    "events": "chirpleaf.strain.events",
    "infer": "chirpleaf.inference",
    "load_model": "chirpleaf.models",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("chirpleaf")
    if name in _ROOM_OF:
        return getattr(import_module(_ROOM_OF[name]), name)
    raise AttributeError(f"module 'chirpleaf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
