"""Checkpoints on the disk."""

import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from chirpleaf.errors import InputError


class Checkpoints(TorchCheckpointIO):
    """Checkpoints that replace the former ones when they are whole and on the disk, and not before."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Writes beside the former one, then over it.

        Raises:
            InputError: the disk is full, or does not take it for another reason.
        """
        whole, part = Path(path), Path(f"{path}.part")
        whole.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(whole)
        except (OSError, RuntimeError) as error:
            part.unlink(missing_ok=True)
            raise InputError(
                f"expected room for a checkpoint; got `{error}` for {whole}, where the former one still is: free some "
                "and go on with --resume"
            ) from error
