"""Real events: estimates of leaves with uncertainty components, Bayesian intervals, and the certified posterior.

    OMP_NUM_THREADS=1 python benchmarks/leaf_events.py

Masses are in the detector frame. Published values are medians of GWTC-1 (arXiv:1811.12907), with masses multiplied by
one plus the median redshift.
"""

import argparse
import logging
from itertools import product

import chirpleaf
from chirpleaf.result import LeafEstimates, Posterior

LOGGER = logging.getLogger("leaf_events")
PUBLISHED = {
    "GW150914": {"mass_1": 35.6 * 1.09, "mass_2": 30.6 * 1.09, "final_spin": 0.69},
    "GW170814": {"mass_1": 30.6 * 1.12, "mass_2": 25.2 * 1.12, "final_spin": 0.72},
}
ROOTS = {"canonical": "", "convolutional": "convolutional-"}
KINDS = {"masses": ("mass_1", "mass_2"), "remnant": ("final_spin", "omega_r", "omega_i")}


def format_interval(posterior: Posterior | LeafEstimates, name: str) -> str:
    """Format median and 90 % interval."""
    row = posterior.summary((name,))[name]
    digits = 1 if name.startswith("mass") else 3
    return f"{row['median']:.{digits}f} ({row['lower']:.{digits}f}, {row['upper']:.{digits}f})"


def main() -> None:
    """Analyse both events with all models."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    LOGGER.info(
        "| event | quantity | root | deterministic | Bayesian | aleatoric | epistemic | certified | published |"
    )
    LOGGER.info("|---|---|---|---|---|---|---|---|---|")
    for event, published in PUBLISHED.items():
        certified = chirpleaf.infer(event, seed=1)
        for (root, prefix), (kind, names) in product(ROOTS.items(), KINDS.items()):
            point = chirpleaf.infer(event, model=f"{prefix}{kind}", seed=1)
            bayesian = chirpleaf.infer(event, model=f"{prefix}{kind}-bayesian", seed=1)
            assert isinstance(point, LeafEstimates)
            assert isinstance(bayesian, LeafEstimates)
            for name in names:
                digits = 1 if name.startswith("mass") else 3
                parts = {**point.uncertainty_components[name], **bayesian.uncertainty_components[name]}
                value = {part: f"{number:.{digits}f}" for part, number in parts.items()}
                known = f"{published[name]:.{digits}f}" if name in published else ""
                LOGGER.info(
                    f"| {event} | {name} | {root} | {value['estimate']} +- {value['noise_spectrum']} "
                    f"| {format_interval(bayesian, name)} | {value['aleatoric']} | {value['epistemic']} "
                    f"| {format_interval(certified, name)} | {known} |"
                )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
