"""Checkpoints on disk, written so that an interruption or a full disk leaves the previous one intact."""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from chirpleaf.errors import InputError
from chirpleaf.system.files import write_atomically


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints beside the previous one, and replaces it when the new one is complete and on the disk."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Writes a checkpoint.

        Args:
            checkpoint: state of the training.
            path: the file; replaced if it exists.
            storage_options: not used.

        Raises:
            InputError: the disk is full, or refuses the file for another reason.
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
