"""Neural parameter estimation for binary black hole mergers that trains and runs on a laptop.

`infer` computes the posterior of a detected signal, and `read` reads a saved one. `load_model` loads a trained model,
`available_models` lists the shipped models, and `events` lists the embedded events. A name imports its package when it
is first used (PEP 562), so that `import chirpleaf` and `chirpleaf --help` load neither torch nor lalsuite.

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
    from chirpleaf.result import LeafEstimates, Posterior, read
    from chirpleaf.strain.events import events

    __version__: str

__all__ = [
    "LeafEstimates",
    "Posterior",
    "__version__",
    "available_models",
    "events",
    "infer",
    "load_model",
    "read",
]

_ROOM_OF = {
    "LeafEstimates": "chirpleaf.result",
    "Posterior": "chirpleaf.result",
    "available_models": "chirpleaf.models",
    "events": "chirpleaf.strain.events",
    "infer": "chirpleaf.inference",
    "load_model": "chirpleaf.models",
    "read": "chirpleaf.result",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("chirpleaf")
    if name in _ROOM_OF:
        return getattr(import_module(_ROOM_OF[name]), name)
    raise AttributeError(f"module 'chirpleaf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
