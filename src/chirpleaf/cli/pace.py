"""Program that `chirpleaf scale` runs on each rank: `python -m chirpleaf.cli.pace PRESET OUT.json` in a launcher."""

import argparse
import json
import warnings
from dataclasses import asdict, replace
from pathlib import Path

from chirpleaf.cli.lightning import silence_lightning
from chirpleaf.config import read_preset
from chirpleaf.system.files import write_atomically
from chirpleaf.system.processes import follow_parent
from chirpleaf.training.parallel.ranks import Ranks
from chirpleaf.training.timing import measure_pace


def main() -> None:
    """Times training steps, and writes the times of rank 0."""
    follow_parent()
    parser = argparse.ArgumentParser()
    parser.add_argument("preset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument(
        "--communication", type=json.loads, default={}, help="JSON that replaces settings of the preset"
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    silence_lightning()
    settings, ranks = read_preset(arguments.preset), Ranks.from_environment()
    simulation = settings.simulation
    pace = measure_pace(
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
            scratch.write_text(json.dumps(asdict(pace)))


if __name__ == "__main__":
    main()
