"""Writes the checksum into model files of former versions; tensors and document keep their bits.

python scripts/add_model_checksums.py src/chirpleaf/models/weights/*.safetensors
"""

import json
import sys
from pathlib import Path

from safetensors import safe_open

from chirpleaf.models.files import write_tensors


def add_checksum(path: Path) -> None:
    """Rewrites a model file with a checksum.

    Args:
        path: the file.
    """
    with safe_open(path, framework="pt") as file:
        document = json.loads(file.metadata()["chirpleaf"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    write_tensors(document, tensors, path)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        add_checksum(Path(name))
