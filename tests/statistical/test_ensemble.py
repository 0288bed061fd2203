"""The ensemble of PSDs has the requested scatter, lines and spread, each on its own."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from chirpleaf import training
from chirpleaf.config import read_preset
from chirpleaf.errors import InputError
from chirpleaf.strain.ensemble import PsdEnsemble, design_log_psd
from chirpleaf.strain.spectral_lines import LineGroup, line_groups, sample_lines

Array = NDArray[np.float64]
FREQUENCIES: Array = np.arange(20.0, 1024.0, 0.25, dtype=np.float64)


def bare(detector: str = "L1", /, **settings: object) -> PsdEnsemble:
    """Make an ensemble of one detector with the blend of design curves only, plus `settings`."""
    off: dict[str, object] = {
        "deformation": (0.0, 0.0),
        "wall_slope": (0.0, 0.0),
        "cliff_probability": 0.0,
        "bumps": 0,
        "line_presence": 0.0,
        "scatter": (0.0, 0.0),
    }
    return PsdEnsemble((detector,), **(off | settings))  # type: ignore[arg-type]


def scatter_of(ensemble: PsdEnsemble, n: int, seed: int) -> Array:
    """(n, frequency) ratio of draws to a smooth polynomial fit of ln S, which isolates the scatter."""
    log_psd = np.log(ensemble.sample(n, FREQUENCIES, np.random.default_rng(seed)).values)
    basis = np.polynomial.chebyshev.chebvander(np.linspace(-1.0, 1.0, FREQUENCIES.size), 40)
    smooth = basis @ np.linalg.lstsq(basis, log_psd.T, rcond=None)[0]
    ratio: Array = np.exp(log_psd - smooth.T)
    ratio /= ratio.mean(axis=1, keepdims=True)
    return ratio


def test_draws_are_positive_finite_and_physical() -> None:
    draws = PsdEnsemble().sample(300, FREQUENCIES, np.random.default_rng(0))
    assert draws.values.shape == (300, FREQUENCIES.size)
    assert draws.values.dtype == np.float64
    assert np.all(np.isfinite(draws.values))
    assert np.all(draws.values > 0.0)
    at_100_hz = np.sqrt(np.median(draws.values[:, np.abs(FREQUENCIES - 110.0) < 5.0], axis=1))
    assert np.all((at_100_hz > 5e-25) & (at_100_hz < 1e-21))


def test_same_seed_gives_same_draws_on_any_grid() -> None:
    ensemble = PsdEnsemble()
    coarse = ensemble.sample(150, FREQUENCIES, np.random.default_rng(3)).values
    fine = ensemble.sample(150, np.arange(20.0, 512.0, 0.03125), np.random.default_rng(3)).values
    np.testing.assert_allclose(fine[:, ::8], coarse[:, : fine[:, ::8].shape[1]], rtol=1e-9)
    other = ensemble.sample(150, FREQUENCIES, np.random.default_rng(4)).values
    assert np.median(np.abs(np.log(other / coarse))) > 0.1


def test_log_density_is_linear_between_bins() -> None:
    values = PsdEnsemble().sample(20, [30.0, 30.0625, 30.125, 30.25], np.random.default_rng(3)).values
    start, quarter, half, end = np.log(values).T
    np.testing.assert_allclose(half, 0.5 * (start + end), rtol=1e-12)
    np.testing.assert_allclose(quarter, 0.75 * start + 0.25 * end, rtol=1e-12)


@pytest.mark.parametrize("level", [0.03, 0.1, 0.35, 0.5])
def test_scatter_has_the_requested_level_and_mean_one(level: float) -> None:
    ensemble = bare(scatter=(level, level), scatter_correlation=(0.0, 0.0))
    ratio = scatter_of(ensemble, 40, seed=5)
    assert ratio.std() == pytest.approx(level, rel=0.02)
    doubled = scatter_of(bare(scatter=(1.2 * level, 1.2 * level)), 40, seed=5)
    assert doubled.std() != pytest.approx(level, rel=0.1)


def test_scatter_is_gamma_distributed_with_mean_one() -> None:
    level = 0.3
    draws = PsdEnsemble()._sample_scatter(np.full(200, level), np.random.default_rng(6))
    assert draws.mean() == pytest.approx(1.0, abs=0.002)
    third_moment = np.mean((draws - 1.0) ** 3) / level**3
    assert third_moment == pytest.approx(2.0 * level, rel=0.05)


@pytest.mark.parametrize("correlation", [0.0, 0.25, 4.0 / 9.0])
def test_neighbouring_bins_have_the_requested_correlation(correlation: float) -> None:
    ensemble = PsdEnsemble(scatter_correlation=(correlation, correlation))
    log_scatter = np.log(ensemble._sample_scatter(np.full(100, 0.1), np.random.default_rng(7)))
    log_scatter -= log_scatter.mean()
    lags = [np.mean(log_scatter[:, lag:] * log_scatter[:, : log_scatter.shape[1] - lag]) for lag in (0, 1, 2)]
    assert lags[1] / lags[0] == pytest.approx(correlation, abs=0.01)
    assert lags[2] / lags[0] == pytest.approx(0.0, abs=0.01)


def test_bare_draws_lie_between_the_noise_curves_of_their_family() -> None:
    draws = bare("V1", families=("O3",)).sample(50, FREQUENCIES, np.random.default_rng(8))
    curves = np.stack([design_log_psd(name, FREQUENCIES) for name in ("AdV_early_high", "AdV_mid_high")])
    assert set(draws.family) == {"O3"}
    assert np.all(np.log(draws.values) < curves.max(axis=0) + 0.01)
    assert np.all(np.log(draws.values) > curves.min(axis=0) - 0.01)
    deformed = bare("V1", families=("O3",), deformation=(0.4, 0.4)).sample(50, FREQUENCIES, np.random.default_rng(8))
    assert np.any(np.log(deformed.values) > curves.max(axis=0) + 0.3)


def test_design_curves_keep_published_values() -> None:
    asd = np.exp(0.5 * design_log_psd("aLIGO_design", np.array([20.0, 100.0, 300.0, 1000.0])))
    np.testing.assert_allclose(asd, [2.2851e-23, 4.0770e-24, 3.3509e-24, 5.5017e-24], rtol=0.02)


def test_deformation_has_the_requested_level() -> None:
    plain = np.log(bare(families=("O2",)).sample(2000, FREQUENCIES, np.random.default_rng(9)).values)
    with_g = bare(families=("O2",), deformation=(0.3, 0.3))
    deformed = np.log(with_g.sample(2000, FREQUENCIES, np.random.default_rng(9)).values)
    added = deformed.var(axis=0) - plain.var(axis=0)
    np.testing.assert_allclose(np.sqrt(added.mean()), 0.3, rtol=0.1)


@pytest.mark.parametrize("correlation", [0.3, 0.45])
def test_deformation_has_the_requested_correlation_length(correlation: float) -> None:
    frequencies = np.array([100.0, 100.0 * np.exp(correlation)])
    settings = {"correlation": correlation, "deformation": (0.3, 0.3)}
    draws = [
        bare(**(settings | extra)).sample(4000, frequencies, np.random.default_rng(16)).values
        for extra in ({}, {"deformation": (0.0, 0.0)})
    ]
    added = np.log(draws[0] / draws[1])
    assert np.corrcoef(added.T)[0, 1] == pytest.approx(np.exp(-0.5), abs=0.04)


@pytest.mark.parametrize(("detector", "mains", "absent"), [("H1", 60.0, 50.0), ("V1", 50.0, 73.0)])
def test_mains_lines_are_at_the_frequency_of_the_detector(detector: str, mains: float, absent: float) -> None:
    values = bare(detector, line_presence=1.0).sample(400, FREQUENCIES, np.random.default_rng(10)).values

    def prominence(frequency: float) -> float:
        index = round((frequency - FREQUENCIES[0]) / 0.25)
        around = np.r_[index - 40 : index - 15, index + 16 : index + 41]
        return float(np.mean(values[:, index] > 2.0 * np.median(values[:, around], axis=1)))

    assert prominence(mains) > 0.75
    assert prominence(absent) < 0.35


def test_lines_can_be_switched_off() -> None:
    values = bare("H1").sample(100, FREQUENCIES, np.random.default_rng(11)).values
    assert np.max(np.abs(np.diff(np.log(values), axis=1))) < 0.2
    with_lines = bare("H1", line_presence=1.0).sample(100, FREQUENCIES, np.random.default_rng(11)).values
    assert np.all(np.max(np.abs(np.diff(np.log(with_lines), axis=1)), axis=1) > 0.5)


def test_a_line_has_its_height_at_its_centre_and_half_of_it_one_width_away() -> None:
    group = LineGroup("test", low=100.0, high=100.0, most=1, probability=1.0, height=(50.0, 50.0), width=(1.0, 1.0))
    lines = sample_lines((group,), 3, presence=1.0, steepness=(1.0, 1.0), rng=np.random.default_rng(12))
    excess = np.zeros((3, 401))
    lines.add_to(excess, resolution=0.01, first=9800)
    np.testing.assert_allclose(excess[:, 200], 50.0, rtol=1e-6)
    np.testing.assert_allclose(excess[:, [100, 300]], 25.0, rtol=1e-3)


@pytest.mark.parametrize("instrument", ["LIGO", "Virgo", "KAGRA"])
def test_drawn_lines_stay_in_their_groups(instrument: str) -> None:
    for group in line_groups(instrument):
        lines = sample_lines((group,), 200, presence=1.0, steepness=(1.0, 2.0), rng=np.random.default_rng(13))
        assert np.all((lines.frequency >= 0.9999 * group.low) & (lines.frequency <= 1.0001 * group.high))
        assert np.bincount(lines.spectrum, minlength=200).max() <= group.most
        assert np.mean(np.bincount(lines.spectrum, minlength=200) > 0) == pytest.approx(group.probability, abs=0.13)


def test_every_family_and_detector_is_drawn_about_equally() -> None:
    draws = PsdEnsemble(("H1", "L1")).sample(2000, FREQUENCIES[:8], np.random.default_rng(14))
    for labels, expected in ((draws.detector, ("H1", "L1")), (draws.family, ("O1", "O2", "O3", "O4", "design"))):
        shares = {label: np.mean(labels == label) for label in expected}
        assert sum(shares.values()) == pytest.approx(1.0)
        assert all(share == pytest.approx(1.0 / len(expected), abs=0.05) for share in shares.values())


def test_families_differ_in_sensitivity() -> None:
    draws = PsdEnsemble(("L1",)).sample(400, np.array([100.0]), np.random.default_rng(15))
    level = {name: np.median(np.log(draws.values[draws.family == name])) for name in ("O1", "O2", "O3", "O4")}
    assert level["O1"] > level["O2"] > level["O3"] > level["O4"]


def test_presets_of_the_first_models_keep_their_spectra() -> None:
    """Values of the version that these models were trained with, which knew no later families."""
    folder = Path(training.__file__).parent / "presets"
    expected = [
        [-44.923110765469254, -43.79560044921531, -46.38055333844889, -44.78101918517643],
        [-45.52134141186812, -42.94363570203679, -46.66971594802746, -45.82420617053941],
    ]
    for name in ("canonical", "masses-bayesian", "remnant", "remnant-bayesian", "paper"):
        noise = read_preset(folder / f"{name}.yaml").simulation.make_noise(("H1", "L1"))
        draw = noise.sample(("H1", "L1"), np.array([30.0, 60.0, 100.0, 300.0]), 8.0, np.random.default_rng(5))
        np.testing.assert_allclose(np.log10(draw.psd), expected, rtol=1e-13)
    assert "O4" in read_preset(folder / "bbh.yaml").simulation.families


@pytest.mark.parametrize(
    "settings",
    [
        {"detectors": ("X1",)},
        {"detectors": ()},
        {"detectors": ("V1",), "families": ("O1",)},
        {"families": ("O1", "O9")},
        {"frequency_range": (5.0, 1024.0)},
        {"scatter": (0.1, 0.9)},
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"expected .*; got .*: "):
        PsdEnsemble(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("frequencies", [[5.0, 20.0], [20.0, 2000.0], [30.0, 20.0], [], [[20.0]]])
def test_impossible_frequencies_are_refused(frequencies: list[float]) -> None:
    with pytest.raises(InputError, match=r"expected .*; got .*: "):
        PsdEnsemble().sample(1, frequencies, np.random.default_rng(0))
