"""Checkpoints on the disk."""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from chirpleaf.errors import InputError
from chirpleaf.system.files import write_atomically


class Checkpoints(TorchCheckpointIO):
    """Checkpoints that replace the former ones when they are whole and on the disk, and not before."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Writes beside the former one, then over it.

        Raises:
            InputError: the disk is full, or does not take it for another reason.
        """
        whole = Path(path)
        whole.parent.mkdir(parents=True, exist_ok=True)
        try:
            with write_atomically(whole, durable=True) as scratch, scratch.open("wb") as file:
                torch.save(checkpoint, file)  # given a name, torch would write that name into the file
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"expected room for a checkpoint; got `{error}` for {whole}, where the former one still is: free some "
                "and go on with --resume"
            ) from error
