"""What `chirpleaf scale` runs on every rank: `python -m chirpleaf.cli.pace PRESET OUT.json`, under a launcher."""

import argparse
import json
import warnings
from dataclasses import asdict, replace
from pathlib import Path

from chirpleaf.cli.train import silence_lightning
from chirpleaf.config import read_preset
from chirpleaf.system.files import write_atomically
from chirpleaf.training.pace import measure_pace
from chirpleaf.training.parallel.ranks import Ranks


def main() -> None:
    """Measures, and writes what rank 0 has found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("preset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--communication", type=json.loads, default={}, help="JSON, over the preset's own")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    silence_lightning()
    settings, ranks = read_preset(arguments.preset), Ranks.from_environment()
    simulation = settings.simulation
    found = measure_pace(
        settings.architecture(),
        replace(simulation, batch_size=arguments.batch_size or simulation.batch_size),
        settings.schedule,
        ranks=ranks,
        communication=replace(settings.communication, **arguments.communication),
        steps=arguments.steps,
        seed=settings.seed,
    )
    if ranks.first:
        with write_atomically(arguments.out) as scratch:
            scratch.write_text(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
