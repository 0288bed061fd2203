"""Time from the arrival of strain to the answer of `chirpleaf stream`, and the processor time that an answer takes.

    OMP_NUM_THREADS=1 python benchmarks/stream_latency.py [--model bbh] [--repeats 10]

Plays the 32 s of GW150914 several times. The latency is that of a clock, as the command prints it; the processor time
is what it would be on a core of its own.
"""

import argparse
import logging
import time

import numpy as np
import torch

from chirpleaf.inference.stream import DEFAULTS, Stream, replay
from chirpleaf.models import load_model
from chirpleaf.strain import load_event

LOGGER = logging.getLogger("stream_latency")


def describe(seconds: list[float]) -> str:
    """Quantiles in ms."""
    p50, p99 = 1000 * np.quantile(seconds, (0.5, 0.99))
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms"


def main() -> None:
    """Measures and prints."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="bbh")
    parser.add_argument("--repeats", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, strain = load_model(arguments.model), load_event("GW150914")
    clock: list[float] = []
    processor: list[float] = []
    refreshes: list[float] = []
    for _ in range(arguments.repeats):
        stream = Stream(model)
        for chunk in replay(strain, DEFAULTS.step):
            begin = time.process_time()
            answer = stream.push(chunk)
            if answer is not None:
                processor.append(time.process_time() - begin)
                clock.append(answer.latency)
            begin = time.process_time()
            if stream.refresh():
                refreshes.append(time.process_time() - begin)
    LOGGER.info("%d answers by %s", len(clock), model.name)
    LOGGER.info("latency:         %s", describe(clock))
    LOGGER.info("processor time:  %s", describe(processor))
    LOGGER.info("noise spectra, between two answers, every %g s: %s", DEFAULTS.refresh, describe(refreshes))


if __name__ == "__main__":
    main()
