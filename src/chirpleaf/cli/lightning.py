"""Messages of Lightning, the training library."""

import logging


def silence_lightning() -> None:
    """Suppresses Lightning's messages about accelerators and its vendor's products."""
    for name in ("lightning.pytorch", "lightning.fabric", "torch.distributed"):
        logging.getLogger(name).setLevel(logging.ERROR)
