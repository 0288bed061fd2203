"""One event with several seeds: time, effective samples, and the scatter of ln B beside its stated error.

    OMP_NUM_THREADS=1 python benchmarks/seeds.py GW150914 --seeds 10
    OMP_NUM_THREADS=1 python benchmarks/seeds.py GW150914 --seeds 3 --approximant IMRPhenomXPHM

The runs follow each other in one process; the first one loads the model.
"""

import argparse
import logging
import time

import numpy as np
import torch

import chirpleaf
from chirpleaf.result import Posterior

LOGGER = logging.getLogger("seeds")


def main() -> None:
    """Runs the seeds, and prints a line for each and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("event")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--approximant")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = []
    for seed in range(arguments.seeds):
        wall, processor = time.perf_counter(), time.process_time()
        posterior = chirpleaf.infer(arguments.event, seed=seed, approximant=arguments.approximant)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        assert isinstance(posterior, Posterior)
        assert posterior.certificate is not None
        one = posterior.certificate
        found.append((one.log_bayes_factor, one.log_bayes_factor_error, np.sqrt((1 / one.efficiency - 1) / one.draws)))
        stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in posterior.timing.items())
        LOGGER.info(
            f"seed {seed}: {wall:.1f} s, {processor:.1f} s of processor time ({stages}); {one.effective_samples:,.0f} "
            f"effective samples of {one.draws:,} draws, ln B {one.log_bayes_factor:.3f} +- "
            f"{one.log_bayes_factor_error:.4f}, {posterior.trust.verdict}"
        )
    value, stated, alone = np.array(found).T
    LOGGER.info(
        f"ln B of {len(found)} seeds: mean {value.mean():.3f}, standard deviation {value.std(ddof=1):.4f}; "
        f"stated error {stated.mean():.4f}, by the draws alone {alone.mean():.4f}"
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
