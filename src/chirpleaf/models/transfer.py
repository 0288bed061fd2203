"""Beginning a training with the weights of a trained model."""

import json
from dataclasses import replace

from chirpleaf.errors import InputError
from chirpleaf.models.architecture import Architecture
from chirpleaf.models.architecture_json import encode_architecture
from chirpleaf.models.estimator import Estimator
from chirpleaf.models.model import Model
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings

ANSWER = ("parameter_space", "prior", "signal", "approximant")
"""Settings of an architecture that say what is inferred; the others describe input and networks."""
SHARED_PARTS = ("encoder", "root")
"""Parts of a network that do not depend on the answer."""


def begin_with(start: Model, architecture: Architecture) -> tuple[Architecture, Estimator]:
    """What is trained when a training begins with a trained model.

    If the model infers what the architecture infers, by leaves of the same kind if by leaves, it is trained further as
    it is. Otherwise the network is new, but for encoder and root, which are those of the model.

    Args:
        start: the trained model.
        architecture: what a preset asks for. Its root, head and background count only for a new network.

    Returns:
        Architecture and estimator to train.

    Raises:
        InputError: the input of the model is another, or its encoder or root have other sizes.
    """
    _check_input(start, architecture)
    same_answer = not _differences(start.architecture, architecture, ANSWER)
    if same_answer and _have_same_leaves(start.architecture, architecture):
        return start.architecture, start.estimator
    estimator = architecture.build()
    for part in SHARED_PARTS:
        theirs = getattr(start.estimator.network, part)
        try:
            getattr(estimator.network, part).load_state_dict(theirs.state_dict())
        except RuntimeError as error:
            raise InputError(
                f"expected the {part} of {start.name} in a preset that begins with it; got another: copy the settings "
                f"of its {part}"
            ) from error
    return architecture, estimator


def _have_same_leaves(first: Architecture, second: Architecture) -> bool:
    """Whether the heads are leaves of one kind for the same quantities, or neither is one of leaves."""
    found = [
        (one.head.kind, one.head.names) if isinstance(one.head, LeafSettings | BayesianLeafSettings) else None
        for one in (first, second)
    ]
    return found[0] == found[1]


def _check_input(start: Model, architecture: Architecture) -> None:
    """Refuses a preset whose input is not that of the model."""
    own = start.architecture
    expected = replace(architecture, root=own.root, n_context=own.n_context, head=own.head, background=own.background)
    names = [name for name in encode_architecture(own) if name not in ANSWER]
    different = _differences(own, expected, names)
    if different:
        raise InputError(
            f"expected a preset with the input of {start.name}; got another {', '.join(different)}: train with the "
            "preset that made it, changed in simulation, schedule and what is inferred alone"
        )


def _differences(first: Architecture, second: Architecture, names: tuple[str, ...] | list[str]) -> list[str]:
    """The settings, among `names`, in which two architectures differ."""
    ours, theirs = encode_architecture(first), encode_architecture(second)
    return [name for name in names if _plain(ours.get(name)) != _plain(theirs.get(name))]


def _plain(value: object) -> str:
    """A setting as JSON, in which tuples and lists are the same."""
    return json.dumps(value, sort_keys=True)
