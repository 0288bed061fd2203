"""Shipped leaves on the embedded events: their estimates do not change.

Seeds fix the draws; rounding differs between processors, hence a tolerance of a twentieth of the interval.
"""

import numpy as np
import pytest

import chirpleaf

GOLDEN: dict[tuple[str, str], dict[str, tuple[float, float, float]]] = {
    # 5 %, 50 % and 95 % quantiles, seed 1
    ("GW150914", "masses"): {
        "mass_1": (38.94, 39.18, 39.43),
        "mass_2": (31.08, 31.28, 31.47),
    },
    ("GW150914", "masses-bayesian"): {
        "mass_1": (33.4, 38.86, 45.18),
        "mass_2": (26.84, 31.17, 36.23),
    },
    ("GW150914", "remnant"): {
        "final_spin": (0.6772, 0.681, 0.6841),
        "omega_r": (0.5235, 0.5251, 0.5265),
        "omega_i": (0.08134, 0.08144, 0.08156),
    },
    ("GW150914", "remnant-bayesian"): {
        "final_spin": (0.6242, 0.6713, 0.7192),
        "omega_r": (0.5007, 0.5201, 0.5397),
        "omega_i": (0.08016, 0.08176, 0.08342),
    },
    ("GW170814", "masses"): {
        "mass_1": (34.84, 35.14, 35.33),
        "mass_2": (27.13, 27.23, 27.36),
    },
    ("GW170814", "masses-bayesian"): {
        "mass_1": (28.73, 34.12, 40.51),
        "mass_2": (23.91, 27.53, 31.73),
    },
    ("GW170814", "remnant"): {
        "final_spin": (0.7065, 0.7108, 0.716),
        "omega_r": (0.5369, 0.5388, 0.5412),
        "omega_i": (0.08001, 0.08021, 0.08036),
    },
    ("GW170814", "remnant-bayesian"): {
        "final_spin": (0.664, 0.7138, 0.7646),
        "omega_r": (0.5151, 0.5386, 0.5623),
        "omega_i": (0.07809, 0.08017, 0.08232),
    },
    ("GW150914", "convolutional-masses"): {
        "mass_1": (38.57, 38.81, 39.05),
        "mass_2": (31.89, 32.3, 32.6),
    },
    ("GW150914", "convolutional-remnant"): {
        "final_spin": (0.6627, 0.6698, 0.6756),
        "omega_r": (0.5203, 0.5232, 0.5255),
        "omega_i": (0.08121, 0.0814, 0.08164),
    },
    ("GW170814", "convolutional-masses"): {
        "mass_1": (33.66, 33.87, 34.15),
        "mass_2": (27.32, 27.55, 27.83),
    },
    ("GW170814", "convolutional-remnant"): {
        "final_spin": (0.699, 0.7082, 0.7184),
        "omega_r": (0.5338, 0.5377, 0.5419),
        "omega_i": (0.07975, 0.0801, 0.08044),
    },
    ("GW150914", "convolutional-masses-bayesian"): {
        "mass_1": (33.84, 39.33, 45.69),
        "mass_2": (28.06, 32.57, 37.84),
    },
    ("GW150914", "convolutional-remnant-bayesian"): {
        "final_spin": (0.6341, 0.693, 0.753),
        "omega_r": (0.5047, 0.531, 0.5574),
        "omega_i": (0.07863, 0.08084, 0.08312),
    },
    ("GW170814", "convolutional-masses-bayesian"): {
        "mass_1": (29.2, 35.25, 42.52),
        "mass_2": (23.68, 28.31, 33.9),
    },
    ("GW170814", "convolutional-remnant-bayesian"): {
        "final_spin": (0.6545, 0.7247, 0.7961),
        "omega_r": (0.5093, 0.5455, 0.5819),
        "omega_i": (0.07618, 0.07951, 0.08295),
    },
}
PUBLISHED = {"GW150914": (38.8, 33.4, 0.69), "GW170814": (34.3, 28.2, 0.72)}
"""mass_1, mass_2 (detector frame, solar masses) and final_spin of GWTC-1 (arXiv:1811.12907), medians."""
ROOTS = ("", "convolutional-")
"""What the names of models begin with, by the root of the networks."""


@pytest.mark.parametrize(("event", "model"), GOLDEN)
def test_estimates_do_not_change(event: str, model: str) -> None:
    rows = chirpleaf.infer(event, model=model, seed=1).summary()
    for name, (lower, median, upper) in GOLDEN[event, model].items():
        found = [rows[name][key] for key in ("lower", "median", "upper")]
        assert found == pytest.approx([lower, median, upper], abs=(upper - lower) / 20), name


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("event", PUBLISHED)
def test_bayesian_intervals_contain_the_published_values(event: str, root: str) -> None:
    rows = {
        **chirpleaf.infer(event, model=f"{root}masses-bayesian", seed=1).summary(),
        **chirpleaf.infer(event, model=f"{root}remnant-bayesian", seed=1).summary(),
    }
    for name, published in zip(("mass_1", "mass_2", "final_spin"), PUBLISHED[event], strict=True):
        assert rows[name]["lower"] < published < rows[name]["upper"], name


@pytest.mark.parametrize("root", ROOTS)
def test_deterministic_and_bayesian_leaves_agree_within_their_uncertainties(root: str) -> None:
    for kind, names in {"masses": ("mass_1", "mass_2"), "remnant": ("final_spin", "omega_r", "omega_i")}.items():
        point = chirpleaf.infer("GW150914", model=f"{root}{kind}", seed=1).summary()
        wide = chirpleaf.infer("GW150914", model=f"{root}{kind}-bayesian", seed=1).summary()
        for name in names:
            width = wide[name]["upper"] - wide[name]["lower"]
            assert np.abs(point[name]["median"] - wide[name]["median"]) < width / 4, name
