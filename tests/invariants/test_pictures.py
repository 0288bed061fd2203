"""Pictures of the report: projections conserve areas, regions hold their share, and marks stand where they belong."""

from io import BytesIO

import numpy as np
import pytest
from made_pictures import spot
from matplotlib.path import Path as Outline
from PIL import Image

from chirpleaf.errors import InputError
from chirpleaf.plots.canvas import Canvas
from chirpleaf.plots.corner import plot_corner, write_notes
from chirpleaf.plots.intervals import Interval
from chirpleaf.plots.regions import plot_planes
from chirpleaf.plots.sky import Direction, plot_sky, project_mollweide, unproject_azimuthal
from chirpleaf.plots.strain import plot_whitened_strain
from chirpleaf.plots.style import stamp
from chirpleaf.plots.time_frequency import plot_time_frequency


@pytest.mark.parametrize("dec", [-1.2, 0.0, 0.9])
def test_mollweide_conserves_areas(dec: float) -> None:
    step = 1e-4
    corners = project_mollweide(np.array([0.3, 0.3 + step]), np.array([[dec], [dec + step]]))
    x, y = corners[0], corners[1]
    jacobian = (x[0, 1] - x[0, 0]) * (y[1, 0] - y[0, 0]) / step**2
    assert jacobian == pytest.approx(np.cos(dec + step / 2), rel=1e-3)


@pytest.mark.parametrize("dec", [-np.pi / 2, -1.0, 0.0, 1.3])
def test_mollweide_solves_its_equation(dec: float) -> None:
    x, y = project_mollweide(2.0, np.array(dec))
    theta = np.arcsin(float(y) / np.sqrt(2))
    assert 2 * theta + np.sin(2 * theta) == pytest.approx(np.pi * np.sin(dec), abs=1e-5)
    assert float(x) == pytest.approx(2 * np.sqrt(2) / np.pi * 2.0 * np.cos(theta), abs=1e-6)


def test_the_azimuthal_projection_conserves_areas_and_counts_westwards() -> None:
    centre, step = Direction(1.0, -0.7), 1e-4
    ra, dec = unproject_azimuthal(0.4 + np.array([0.0, step, 0.0]), 0.2 + np.array([0.0, 0.0, step]), centre)
    along_x, along_y = np.array([ra[1] - ra[0], dec[1] - dec[0]]), np.array([ra[2] - ra[0], dec[2] - dec[0]])
    assert abs(np.linalg.det([along_x, along_y])) * np.cos(dec[0]) == pytest.approx(step**2, rel=1e-3)
    ra, dec = unproject_azimuthal(np.array([0.0, 0.1]), np.array([0.0, 0.0]), centre)
    assert (ra[0], dec[0]) == pytest.approx((1.0, -0.7))
    assert ra[1] < ra[0]  # west is to the right, where right ascension falls


def test_contours_of_the_sky_enclose_the_region() -> None:
    """90 % of a narrow Gaussian lie within 2.146 standard deviations, here 12.3 degrees."""
    centre = Direction(6.2, 0.2)
    figure = plot_sky(spot(centre, 0.1), centre, area_50=100.0, area_90=400.0, pixel=0.5)
    part = figure.axes[1]
    outlines: list[Outline] = [path for one in part.collections for path in one.get_paths()]
    widest = max(float(path.vertices[:, 0].max()) for path in outlines if len(path.vertices))
    assert widest == pytest.approx(np.degrees(0.1) * 2.146, rel=0.05)
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["50 %: 100 square degrees", "90 %: 400 square degrees"]


def test_a_uniform_sky_has_no_contours_and_a_large_region_no_enlargement() -> None:
    figure = plot_sky(lambda ra, dec: np.ones_like(ra + dec), Direction(0, 0), area_50=2e4, area_90=4e4, pixel=4.0)
    assert len(figure.axes) == 1


def test_published_values_are_marked_where_both_are_known() -> None:
    rng = np.random.default_rng(0)
    table = {"final_mass": rng.normal(68, 1, 500), "final_spin": rng.normal(0.7, 0.02, 500), "f_220": rng.random(500)}
    known = {"final_mass": Interval(80.0, 3.0, 2.0), "final_spin": Interval(0.7, 0.1, 0.1)}
    pairs = [("final_mass", "final_spin"), ("f_220", "final_mass")]
    figure = plot_planes(table, pairs, published=known, published_name="GWTC-1")
    marked, unmarked = figure.axes
    assert "GWTC-1" in [text.get_text() for text in marked.get_legend().get_texts()]
    assert unmarked.get_legend() is None
    assert marked.get_xlim()[1] > 83.0  # the whole interval is within the panel


def test_text_that_is_written_later_looks_as_the_text_that_is_there() -> None:
    """A canvas with late notes is the picture that would have been drawn with all notes at once."""
    table = {name: np.random.default_rng(7).normal(size=200) for name in ("mass_1", "mass_2", "chirp_mass")}
    notes = ("GW150914", "H1 L1", "trusted")
    late = Canvas(plot_corner(table, tuple(table), notes=notes[:2]))
    for text in write_notes(late.figure, notes[2:], line=2):
        late.write(text)
    late.write(stamp(late.figure, "untrusted"))
    whole = plot_corner(table, tuple(table), notes=notes)
    stamp(whole, "untrusted")
    images = [np.asarray(Image.open(BytesIO(one.encode())), int) for one in (late, Canvas(whole))]
    assert images[0].shape == images[1].shape
    assert (np.abs(images[0] - images[1]).max(axis=-1) > 40).mean() < 1e-3


def test_inclination_is_drawn_in_degrees() -> None:
    table = {"luminosity_distance": np.linspace(300, 500, 400), "theta_jn": np.linspace(0.1, 3.0, 400)}
    (panel,) = plot_planes(table, [("luminosity_distance", "theta_jn")]).axes
    assert panel.get_ylim() == (0.0, 180.0)
    assert "degrees" in panel.get_ylabel()


def test_pairs_without_samples_are_refused() -> None:
    with pytest.raises(InputError, match="at least one pair"):
        plot_planes({}, [])
    with pytest.raises(InputError, match="samples of final_spin"):
        plot_planes({"final_mass": [1.0]}, [("final_mass", "final_spin")])


def test_a_map_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="transpose"):
        plot_time_frequency(np.arange(5.0), np.geomspace(20, 200, 4), np.ones((1, 5, 4)), ["H1"], trigger_time=0.0)


def test_the_strain_has_a_legend_where_it_has_a_signal() -> None:
    times = np.arange(-0.3, 0.2, 0.01)
    data = {"H1": np.sin(times), "L1": np.cos(times)}
    interval = {name: np.stack([value - 1, value + 1]) for name, value in data.items()}
    figure = plot_whitened_strain(times, data, trigger_time=0.0, model=data, model_interval=interval)
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["data", "90 % interval", "median signal"]
    assert plot_whitened_strain(times, data, trigger_time=0.0).axes[0].get_legend() is None
