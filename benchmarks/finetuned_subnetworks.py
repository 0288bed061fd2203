"""Sub-networks of a leaf with and without further training: error by share of the root's filters.

    OMP_NUM_THREADS=1 python benchmarks/finetuned_subnetworks.py --model convolutional-masses --leaf mass_1 \
        --batches 2000 --out out/finetuned

Each share is one row of `rows.json`, so that an interrupted run goes on; all shares are measured on the same simulated
events, as by `chirpleaf decompose --finetune`. Prints the table.
"""

import argparse
import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import torch

from chirpleaf.cli.lightning import silence_lightning
from chirpleaf.diagnostics.decomposition import SHARES, measure_decomposition
from chirpleaf.models import load_model
from chirpleaf.system.defaults import DECOMPOSITION_EVENTS
from chirpleaf.training.finetune import Finetuning, finetune

LOGGER = logging.getLogger("finetuned_subnetworks")


def main() -> None:
    """Measure the shares that have no row yet, and print all rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="convolutional-masses", help="shipped model or model file")
    parser.add_argument("--leaf", default="mass_1")
    parser.add_argument("--shares", type=float, nargs="+", default=list(SHARES))
    parser.add_argument("--batches", type=int, default=2000)
    parser.add_argument("--batch-size", type=int, default=Finetuning.batch_size)
    parser.add_argument("--waveforms", type=int, default=Finetuning.waveforms)
    parser.add_argument("--events", type=int, default=DECOMPOSITION_EVENTS)
    parser.add_argument("--out", type=Path, default=Path("out/finetuned"))
    arguments = parser.parse_args()
    silence_lightning()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    path, model = arguments.out / "rows.json", load_model(arguments.model)
    rows: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    settings = Finetuning(
        batches=arguments.batches, batch_size=arguments.batch_size, waveforms=arguments.waveforms,
        warmup=min(Finetuning.warmup, max(1, arguments.batches // 10)),
    )  # fmt: skip
    for share in arguments.shares:
        key = f"{model.name} {arguments.leaf} {share:g}"
        if key in rows:
            continue
        found = measure_decomposition(
            model, arguments.leaf, [share], events=arguments.events, refine=partial(finetune, settings=settings)
        )
        rows[key] = found.shares[0].to_json() | {"batches": arguments.batches}
        path.write_text(json.dumps(rows, indent=1))
        LOGGER.info(f"{key}: {rows[key]}")
    LOGGER.info("| model and leaf | share | error | fine-tuned | parameters | ms |\n|---|---|---|---|---|---|")
    for key, row in rows.items():
        after = "" if row["finetuned_error"] is None else f"{row['finetuned_error']:.4f}"
        LOGGER.info(
            f"| {key.rpartition(' ')[0]} | {row['keep']:g} | {row['error']:.4f} | {after} | {row['parameters']:,} | "
            f"{row['milliseconds']:.2f} |"
        )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
