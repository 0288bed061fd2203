"""Figures: no warnings, no pyplot, no change of the caller's settings, and correct content."""

import io
import subprocess
import sys
from collections.abc import Callable

import matplotlib
import numpy as np
import pytest
from made_pictures import corner_with_notes, planes, sky, sky_of_a_large_region, spin_disks, time_frequency
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import binom, chi2

from chirpleaf.errors import InputError
from chirpleaf.plots.calibration import binomial_band, plot_coverage, plot_pp
from chirpleaf.plots.corner import plot_corner
from chirpleaf.plots.density import (
    Axis,
    estimate_density_1d,
    estimate_density_2d,
    find_credible_levels,
    make_reflecting_smoother,
)
from chirpleaf.plots.errors import plot_errors
from chirpleaf.plots.filters import plot_filter_importance
from chirpleaf.plots.panels import make_panels
from chirpleaf.plots.psd import plot_spectra
from chirpleaf.plots.relativity import DeviationDensity, plot_relativity
from chirpleaf.plots.strain import plot_whitened_strain
from chirpleaf.plots.style import axis_label, format_interval
from chirpleaf.plots.training import plot_losses

Array = NDArray[np.float64]

NINE = ["chirp_mass", "mass_1", "mass_2", "mass_ratio", "chi_eff", "final_mass", "final_spin", "f_220", "tau_220"]
TRIGGER = 1126259462.4


def samples(count: int = 4000, seed: int = 0) -> dict[str, Array]:
    """Correlated samples of the nine parameters, and a GPS time."""
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(len(NINE), count))
    centres = (31.0, 38.0, 33.0, 0.7, 0.0, 68.0, 0.68, 250.0, 4.0)
    shifts = 0.03 * (spread + np.roll(spread, 1, axis=0))
    found = {name: centre + shift for name, centre, shift in zip(NINE, centres, shifts, strict=True)}
    return {**found, "geocent_time": TRIGGER + 0.003 * spread[0], "mass_ratio": 1.0 - 0.2 * rng.uniform(size=count)}


def corner_of_nine() -> Figure:
    return plot_corner(
        samples(), NINE, references={"reference": samples(seed=1)}, truths={"chirp_mass": 31.0, "mass_1": 38.0}
    )


def corner_of_one() -> Figure:
    return plot_corner(samples(), ["geocent_time"], weights=np.linspace(0, 5, 4000), truths={"geocent_time": TRIGGER})


def strain() -> Figure:
    times = TRIGGER + np.arange(-1.0, 1.0, 1 / 1024)
    data = {name: np.sin(20 * times) for name in ("H1", "L1", "X1")}
    interval = {name: np.stack([value - 1, value + 1]) for name, value in data.items()}
    return plot_whitened_strain(times, data, trigger_time=TRIGGER, model=data, model_interval=interval, band=(20, 300))


def pp() -> Figure:
    ranks = {name: np.random.default_rng(2).uniform(size=50) for name in NINE}
    return plot_pp(ranks, p_values=dict.fromkeys(NINE, 0.5), combined_p_value=0.25)


def coverage() -> Figure:
    return plot_coverage(["8-12", ">12"], {"mass_1": [[0.9, 0.8, 0.95], [0.8, 0.7, 0.9]], "q": np.ones((2, 3))})


def spectra() -> Figure:
    frequencies = np.linspace(10, 2000, 500)
    psd = (frequencies, 1e-46 * (1 + (50 / frequencies) ** 4))
    return plot_spectra({"H1": psd, "V1": psd}, reference={"a": psd, "b": psd})


def losses() -> Figure:
    minutes = np.arange(1.0, 20.0)
    return plot_losses({f"run {k}": (minutes, k + 1 / minutes) for k in range(9)}, logarithmic=True)


def errors() -> Figure:
    medians = {"mass_1": [0.09, None, 0.02], "final_spin": [0.3, 0.1, 0.05]}
    return plot_errors(["8-12", "12-20", ">20"], medians, levels={"published (mean)": 0.026})


def filters() -> Figure:
    rng = np.random.default_rng(3)
    return plot_filter_importance({name: [rng.exponential(size=n) for n in (60, 20)] for name in ("mass_1", "mass_2")})


def relativity() -> Figure:
    x = np.linspace(-1.0, 1.0, 41)
    density = np.exp(-0.5 * ((x / 0.2) ** 2 + (x[:, None] / 0.3) ** 2))
    parts = {name: samples(seed=seed) for seed, name in enumerate(("whole", "inspiral", "post-inspiral"))}
    return plot_relativity(parts, DeviationDensity((x, x), density / density.sum(), 0.4), title="GW150914")


FIGURES = [
    relativity,
    *(corner_of_nine, corner_of_one, corner_with_notes, strain, pp, coverage, spectra, losses, errors, filters),
    *(time_frequency, sky, sky_of_a_large_region, planes, spin_disks),
]


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
@pytest.mark.filterwarnings("error")
def test_figure_is_drawn_without_side_effects(draw: Callable[[], Figure]) -> None:
    before = dict(matplotlib.rcParams)
    figure = draw()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=50)
    assert buffer.getvalue().startswith(b"\x89PNG")
    assert dict(matplotlib.rcParams) == before


HOSTILE = {"font.size": 30.0, "font.family": "monospace", "text.usetex": True, "axes.grid": True, "figure.dpi": 300.0}


@pytest.mark.parametrize("draw", [corner_of_one, strain, spectra, sky, time_frequency], ids=lambda draw: draw.__name__)
def test_figure_does_not_depend_on_the_callers_settings(draw: Callable[[], Figure]) -> None:
    ours, theirs = io.BytesIO(), io.BytesIO()
    draw().savefig(ours, format="png", dpi=50)
    with matplotlib.rc_context(HOSTILE):
        draw().savefig(theirs, format="png", dpi=50)
    assert ours.getvalue() == theirs.getvalue()


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_text_stays_within_the_figure(draw: Callable[[], Figure]) -> None:
    figure = draw()
    figure.savefig(io.BytesIO(), format="png", dpi=100)
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert min(box.x0, box.y0) > -0.02
    assert max(box.x1 - width, box.y1 - height) < 0.02


def test_pyplot_is_not_imported() -> None:
    modules = ", ".join(f"chirpleaf.plots.{name}" for name in ("corner", "strain", "calibration", "psd", "training"))
    code = f"import sys, {modules}; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_corner_has_a_panel_per_pair_and_a_title_per_parameter() -> None:
    figure = plot_corner(samples(), NINE)
    assert len(figure.axes) == 45
    assert sum(bool(axes.get_title()) for axes in figure.axes) == 9
    assert figure.axes[0].get_title().startswith(r"$\mathcal{M}$ = $31.00")
    assert {axes.get_xlabel() for axes in figure.axes} == {"", *map(axis_label, NINE)}
    assert not figure.legends
    assert len(corner_of_nine().legends[0].get_texts()) == 3


@pytest.mark.parametrize("names", [NINE, ["geocent_time"], ["mass_ratio", "geocent_time", "chirp_mass"]])
def test_a_corner_plot_in_panels_made_beforehand_is_the_same(names: list[str]) -> None:
    images = []
    for empty in (make_panels(names), None):
        if empty is not None:
            empty.figure.savefig(io.BytesIO(), format="png")  # the panels may have been drawn while they were empty
        plot_corner(samples(), names, empty=empty).savefig(image := io.BytesIO(), format="png")
        images.append(image.getvalue())
    assert images[0] == images[1]


def test_corner_titles_follow_the_weights() -> None:
    values = np.linspace(0.0, 10.0, 1001)
    figure = plot_corner({"chirp_mass": values}, ["chirp_mass"], weights=(values >= 6.0).astype(float))
    assert figure.axes[0].get_title().endswith("$8.0^{+1.8}_{-1.8}$")


def test_gps_time_is_counted_from_an_offset() -> None:
    axes = corner_of_one().axes[0]
    assert "1126259462" in axes.get_xlabel()
    low, high = axes.get_xlim()
    assert 0.3 < low < 0.4 < high < 0.5


def test_corner_refuses_invalid_samples() -> None:
    for bad in ({}, {"chirp_mass": []}, {"chirp_mass": [1.0, np.nan]}, {"chirp_mass": [[1.0, 2.0]]}):
        with pytest.raises(InputError, match="expected"):
            plot_corner(bad, ["chirp_mass"])
    with pytest.raises(InputError, match="weights"):
        plot_corner({"chirp_mass": [1.0, 2.0]}, ["chirp_mass"], weights=[-1.0, 2.0])
    with pytest.raises(InputError, match="at least one parameter"):
        plot_corner({}, [])


@pytest.mark.parametrize("count", [1, 2, 40])
def test_corner_of_equal_samples_is_drawn(count: int) -> None:
    """A posterior of one effective sample is drawn, and names its parameters as any other does."""
    values = {"chirp_mass": 30.7, "mass_ratio": 1.0, "chi_eff": 0.0, "geocent_time": TRIGGER}
    equal = {name: np.full(count, value) for name, value in values.items()}
    reference = {"chirp_mass": samples()["chirp_mass"]}
    figure = plot_corner(equal, list(values), references={"reference": reference}, truths={"chirp_mass": 31.0})
    figure.savefig(io.BytesIO(), format="png")
    first = figure.axes[0]
    assert "M" in first.get_title()
    assert "30.7" in first.get_title()
    low, high = first.get_xlim()
    assert low < 30.7 < high < 32.0


def test_corner_of_one_constant_parameter_is_drawn() -> None:
    figure = plot_corner({**samples(), "chi_eff": np.zeros(4000)}, ["chirp_mass", "chi_eff"])
    figure.savefig(io.BytesIO(), format="png")
    low, high = figure.axes[-1].get_xlim()
    assert low < 0.0 < high


def test_contours_hold_their_probability() -> None:
    x, y = np.random.default_rng(3).normal(size=(2, 100_000))
    weights = np.full(100_000, 1e-5)
    density = estimate_density_2d(Axis(x, weights, (-4.5, 4.5), 60), Axis(y, weights, (-4.5, 4.5), 60))
    peak = 1 / (2 * np.pi) * (9 / 60) ** 2
    for level, probability in zip(find_credible_levels(density, (0.5, 0.9)), (0.5, 0.9), strict=True):
        radius = np.sqrt(-2 * np.log(level / peak))
        assert chi2.cdf(radius**2, 2) == pytest.approx(probability, abs=0.02)


def test_density_orients_x_along_columns() -> None:
    weights = np.full(1000, 1e-3)
    x, y = np.full(1000, 0.9), np.full(1000, 0.1)
    density = estimate_density_2d(Axis(x, weights, (0, 1), 10), Axis(y, weights, (0, 1), 10))
    assert np.unravel_index(density.argmax(), density.shape) == (1, 9)


def test_density_keeps_its_height_at_an_edge() -> None:
    values = (np.arange(50_000) + 0.5) / 50_000
    np.testing.assert_allclose(estimate_density_1d(Axis(values, np.full(50_000, 2e-5), (0.0, 1.0))), 1.0, rtol=1e-3)
    np.testing.assert_allclose(make_reflecting_smoother(30, 4.0).sum(axis=0), 1.0)


def test_band_is_the_binomial_quantile() -> None:
    lower, upper = binomial_band([0.3], 1000, 2.0)
    assert binom.cdf(round(1000 * upper[0]), 1000, 0.3) == pytest.approx(0.977, abs=0.005)
    assert binom.cdf(round(1000 * lower[0]), 1000, 0.3) == pytest.approx(0.023, abs=0.005)


def test_pp_curve_is_the_cumulative_distribution() -> None:
    figure = plot_pp({"mass_1": [0.2, 0.1, 0.7, 0.9]})
    (line,) = figure.axes[0].lines
    np.testing.assert_allclose(line.get_xdata(), [0.0, 0.1, 0.2, 0.7, 0.9, 1.0])
    np.testing.assert_allclose(line.get_ydata(), [0.0, 0.25, 0.5, 0.75, 1.0, 1.0])


def test_spectrum_is_drawn_as_amplitude() -> None:
    figure = plot_spectra({"H1": ([10.0, 100.0, 200.0], [1.0, 4e-46, 9e-46])})
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), [2e-23, 3e-23])


def test_strain_counts_time_from_the_trigger() -> None:
    figure = strain()
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["H1", "L1", "X1"]
    times = figure.axes[0].lines[0].get_xdata()
    assert -0.25 <= times[0] < times[-1] <= 0.1
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), np.sin(20 * (times + TRIGGER)), atol=1e-5)
    with pytest.raises(InputError, match="trigger_time"):
        plot_whitened_strain([1.0, 2.0], {"H1": [0.0, 0.0]}, trigger_time=50.0)
    with pytest.raises(InputError, match="H1"):
        plot_whitened_strain([1.0, 2.0], {"H1": [0.0]}, trigger_time=1.0)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((38.53, 35.21, 44.28), "$38.5^{+5.8}_{-3.3}$"),
        ((0.853, 0.651, 0.984), "$0.85^{+0.13}_{-0.20}$"),
        ((466.0, 276.0, 659.0), "$466^{+193}_{-190}$"),
        ((-0.039, -0.163, 0.086), "$-0.04^{+0.12}_{-0.12}$"),
        ((1.0, 1.0, 1.0), "$1.00^{+0.00}_{-0.00}$"),
    ],
)
def test_intervals_keep_two_digits_of_the_smaller_error(numbers: tuple[float, float, float], text: str) -> None:
    assert format_interval(*numbers) == text


def test_empty_bins_are_not_drawn() -> None:
    lines = {line.get_label(): line for line in errors().axes[0].lines}
    np.testing.assert_array_equal(np.asarray(lines["$m_1$"].get_ydata()), [0.09, np.nan, 0.02])
    assert np.asarray(lines["published (mean)"].get_ydata()).tolist() == [0.026, 0.026]
    with pytest.raises(InputError, match="expected errors for each of 2 bins"):
        plot_errors(["a", "b"], {"mass_1": [0.1]})


def test_filters_are_sorted_and_each_leaf_is_on_its_own_scale() -> None:
    figure = plot_filter_importance({"mass_1": [[1.0, 4.0, 2.0], [8.0]], "mass_2": [[10.0, 40.0, 20.0], [0.0]]})
    first, second = (np.asarray(axes.images[0].get_array()) for axes in figure.axes[:2])
    np.testing.assert_allclose(first, [[0.5, 0.25, 0.125], [1.0, 0.5, 0.25]])
    np.testing.assert_allclose(second, [[1.0], [0.0]])
    with pytest.raises(InputError, match="same filters"):
        plot_filter_importance({"mass_1": [[1.0]], "mass_2": [[1.0, 2.0]]})
