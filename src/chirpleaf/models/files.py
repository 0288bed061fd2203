"""Model files: safetensors with one JSON document in the header. Nothing is ever unpickled.

The tensors are the weights (`density.*`, float16 at rest) and the templates (`templates.*`); the JSON document holds
the format's version, the model's name, its architecture and its provenance. A checksum of document and tensors stands
in the document, so that a file with a changed bit is refused. Files of former versions have none.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from chirpleaf.errors import InputError
from chirpleaf.models.architecture_checks import check_architecture
from chirpleaf.models.architecture_json import decode_architecture, encode_architecture
from chirpleaf.models.model import Model
from chirpleaf.representation.templates import TemplateBank
from chirpleaf.system.files import write_atomically
from chirpleaf.system.limits import find_fault

FORMAT = 1
"""Version of the format; files of a greater one are refused."""

MOST_BYTES = 500_000_000
"""Largest model file. The shipped ones have some megabytes; weights take twice their size at rest in memory."""

_KEY = "chirpleaf"
_CHECKSUM = "sha256"
_DENSITY = "density."


def save(model: Model, path: Path) -> None:
    """Writes a model file, whole or not at all.

    Args:
        model: the model.
        path: file name, `.safetensors` by custom.
    """
    document = {
        "format": FORMAT,
        "name": model.name,
        "architecture": encode_architecture(model.architecture),
        "provenance": model.provenance,
    }
    weights = model.estimator.network.state_dict()
    tensors = {f"{_DENSITY}{name}": weight.half().contiguous() for name, weight in weights.items()}
    tensors |= {f"templates.{name}": value for name, value in _bank_tensors(model.estimator.canonical.bank).items()}
    write_tensors(document, tensors, path)


def write_tensors(document: Mapping[str, Any], tensors: Mapping[str, Tensor], path: Path) -> None:
    """Writes document, tensors and their checksum, whole or not at all.

    Args:
        document: JSON values.
        tensors: contiguous tensors by name.
        path: file name.
    """
    marked = {**document, _CHECKSUM: compute_checksum(document, tensors)}
    with write_atomically(path) as scratch:
        save_file(dict(tensors), scratch, metadata={_KEY: json.dumps(marked)})
        scratch.chmod(0o644)  # because safetensors writes files that only their owner can read


def compute_checksum(document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of the document, and of name, type, shape and bytes of every tensor in the order of their names.

    Args:
        document: JSON values; a checksum among them does not count.
        tensors: contiguous tensors by name.

    Returns:
        Hexadecimal digits.

    Example:
        >>> compute_checksum({}, {"a": torch.zeros(2)}) == compute_checksum({}, {"a": torch.zeros(1, 2)})
        False
    """
    values = {name: value for name, value in document.items() if name != _CHECKSUM}
    digest = hashlib.sha256(json.dumps(values).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.numpy().data)
    return digest.hexdigest()


def load(path: Path) -> Model:
    """Reads a model file.

    Args:
        path: the file.

    Returns:
        The model, in evaluation mode.

    Raises:
        InputError: the file is missing, truncated, changed, not from chirpleaf, or from a newer version.
    """
    document, tensors = _read(path)
    try:
        architecture = decode_architecture(document["architecture"])
        check_architecture(architecture)
        estimator = architecture.build(_bank(tensors))
        density = {name: tensor.float() for name, tensor in tensors.items() if name.startswith(_DENSITY)}
        estimator.network.load_state_dict({name.removeprefix(_DENSITY): weight for name, weight in density.items()})
        model = Model(document["name"], architecture, estimator.eval(), document["provenance"])
    except InputError:
        raise
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"expected a whole model file; got {path}, whose parts do not fit ({reason}): fetch it again"
        ) from error
    return model


def describe(path: Path) -> dict[str, Any]:
    """The JSON document of a model file: format, name, architecture, provenance.

    Args:
        path: the file.

    Raises:
        InputError: as `load`.
    """
    return _read(path, tensors=False)[0]


def _read(path: Path, *, tensors: bool = True) -> tuple[dict[str, Any], dict[str, Tensor]]:
    fault = find_fault(path, MOST_BYTES)
    if fault == "does not exist":
        raise InputError(f"expected a model file; got no file {path}: see `chirpleaf models` for the shipped ones")
    if fault:
        raise InputError(f"expected a model file; got {path}, which {fault}: see `chirpleaf models`")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            found = {name: file.get_tensor(name) for name in file.keys()} if tensors else {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"expected a safetensors model file; got {path}, which is cut short or something else ({error}): "
            "fetch it again"
        ) from error
    if _KEY not in metadata:
        raise InputError(
            f"expected a chirpleaf model; got {path}, a safetensors file of another program: name another file"
        )
    document = _document(metadata[_KEY], path)
    if tensors and document.get(_CHECKSUM, "") not in ("", compute_checksum(document, found)):
        raise InputError(
            f"expected a model file as it was written; got {path}, whose checksum differs, so that weights or header "
            "have changed: fetch it again"
        )
    return document, found


def _document(text: str, path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(text)
        version = int(document["format"])
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"expected a chirpleaf model; got {path}, whose header is damaged: fetch it again") from error
    if version > FORMAT:
        raise InputError(
            f"expected a model file of format {FORMAT} or older; got format {version} in {path}: update chirpleaf"
        )
    return document


def _bank_tensors(bank: TemplateBank) -> dict[str, Tensor]:
    return {
        "chirp_mass": torch.from_numpy(bank.chirp_mass),
        "chi_eff": torch.from_numpy(bank.chi_eff),
        "anchors": torch.view_as_real(torch.from_numpy(bank.anchors)).float(),
        "ratios": torch.view_as_real(torch.from_numpy(bank.ratios)).float(),
    }


def _bank(tensors: dict[str, Tensor]) -> TemplateBank:
    anchors, ratios = (torch.view_as_complex(tensors[f"templates.{name}"].double()) for name in ("anchors", "ratios"))
    return TemplateBank(
        chirp_mass=tensors["templates.chirp_mass"].numpy(),
        chi_eff=tensors["templates.chi_eff"].numpy(),
        anchors=anchors.numpy(),
        ratios=ratios.numpy(),
    )
