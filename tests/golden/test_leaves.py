"""Shipped leaves on the embedded events: their estimates do not change.

Seeds fix the draws; rounding differs between processors, hence a tolerance of a twentieth of the interval.
"""

import numpy as np
import pytest

import chirpleaf

GOLDEN: dict[tuple[str, str], dict[str, tuple[float, float, float]]] = {
    # 5 %, 50 % and 95 % quantiles, seed 1
    ("GW150914", "masses"): {
        "mass_1": (37.1, 38.42, 39.79),
        "mass_2": (29.99, 31.28, 32.55),
    },
    ("GW150914", "masses-bayesian"): {
        "mass_1": (32.89, 38.36, 44.7),
        "mass_2": (26.83, 31.18, 36.26),
    },
    ("GW150914", "remnant"): {
        "final_spin": (0.6612, 0.6861, 0.7071),
        "omega_r": (0.5174, 0.5277, 0.5372),
        "omega_i": (0.08044, 0.08124, 0.08201),
    },
    ("GW150914", "remnant-bayesian"): {
        "final_spin": (0.6246, 0.6737, 0.7236),
        "omega_r": (0.5006, 0.521, 0.5416),
        "omega_i": (0.07999, 0.08169, 0.08344),
    },
    ("GW170814", "masses"): {
        "mass_1": (33.41, 35, 37.4),
        "mass_2": (25.63, 26.79, 27.38),
    },
    ("GW170814", "masses-bayesian"): {
        "mass_1": (28.44, 34, 40.61),
        "mass_2": (23.61, 27.31, 31.61),
    },
    ("GW170814", "remnant"): {
        "final_spin": (0.6737, 0.698, 0.7154),
        "omega_r": (0.5234, 0.5331, 0.5406),
        "omega_i": (0.08003, 0.08067, 0.08156),
    },
    ("GW170814", "remnant-bayesian"): {
        "final_spin": (0.6453, 0.7044, 0.7645),
        "omega_r": (0.5091, 0.5352, 0.5617),
        "omega_i": (0.07818, 0.08044, 0.08277),
    },
    ("GW150914", "compact-masses"): {
        "mass_1": (37.83, 38.65, 39.6),
        "mass_2": (27.95, 28.95, 30.28),
    },
    ("GW150914", "compact-remnant"): {
        "final_spin": (0.5884, 0.6095, 0.6369),
        "omega_r": (0.4957, 0.5034, 0.5123),
        "omega_i": (0.08218, 0.08285, 0.08344),
    },
    ("GW170814", "compact-masses"): {
        "mass_1": (42.56, 46.32, 51.15),
        "mass_2": (21.05, 22.84, 24.43),
    },
    ("GW170814", "compact-remnant"): {
        "final_spin": (0.6805, 0.7271, 0.7594),
        "omega_r": (0.5357, 0.5583, 0.5764),
        "omega_i": (0.07594, 0.07783, 0.07985),
    },
}
PUBLISHED = {"GW150914": (38.8, 33.4, 0.69), "GW170814": (34.3, 28.2, 0.72)}
"""mass_1, mass_2 (detector frame, solar masses) and final_spin of GWTC-1 (arXiv:1811.12907), medians."""


@pytest.mark.parametrize(("event", "model"), GOLDEN)
def test_estimates_do_not_change(event: str, model: str) -> None:
    rows = chirpleaf.infer(event, model=model, seed=1).summary()
    for name, (lower, median, upper) in GOLDEN[event, model].items():
        found = [rows[name][key] for key in ("lower", "median", "upper")]
        assert found == pytest.approx([lower, median, upper], abs=(upper - lower) / 20), name


@pytest.mark.parametrize("event", PUBLISHED)
def test_bayesian_intervals_contain_the_published_values(event: str) -> None:
    rows = {
        **chirpleaf.infer(event, model="masses-bayesian", seed=1).summary(),
        **chirpleaf.infer(event, model="remnant-bayesian", seed=1).summary(),
    }
    for name, published in zip(("mass_1", "mass_2", "final_spin"), PUBLISHED[event], strict=True):
        assert rows[name]["lower"] < published < rows[name]["upper"], name


def test_deterministic_and_bayesian_leaves_agree_within_their_uncertainties() -> None:
    for kind, names in {"masses": ("mass_1", "mass_2"), "remnant": ("final_spin", "omega_r", "omega_i")}.items():
        point = chirpleaf.infer("GW150914", model=kind, seed=1).summary()
        wide = chirpleaf.infer("GW150914", model=f"{kind}-bayesian", seed=1).summary()
        for name in names:
            width = wide[name]["upper"] - wide[name]["lower"]
            assert np.abs(point[name]["median"] - wide[name]["median"]) < width / 4, name
