"""Figures are drawn in a second process where that is safe, and in this one elsewhere."""

import os
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import certified_posterior, network_posterior
from PIL import Image

from chirpleaf.plots import canvas
from chirpleaf.report import draw, drawing, pictures
from chirpleaf.result.trust import Finding, Level, Trust
from chirpleaf.strain.segment import Segment

PROGRAM = """
import os, sys
from chirpleaf.report.drawing import drawing_process
from chirpleaf.errors import InputError

def refuse(): raise InputError("expected this")

with drawing_process(os.getpid) as executor:
    sys.stdout.write(f"{executor.submit(os.getpid).result() != os.getpid()} {'torch' in sys.modules} ")
    try:
        executor.submit(refuse).result()
    except InputError as error:
        sys.stdout.write(str(error))
"""

CORNER = """
import os, sys
import numpy as np
from chirpleaf.errors import InputError
from chirpleaf.report import draw
from chirpleaf.report.drawing import drawing_process

samples = {name: np.random.default_rng(n).normal(size=300) for n, name in enumerate(("chirp_mass", "mass_ratio"))}

def where():
    return draw._beside.submit(os.getpid).result(), os.getpid()

with drawing_process(draw.prepare_processes) as executor:
    places = {os.getpid(), *executor.submit(where).result()}
    executor.submit(draw.draw_corner, samples, ("a note",)).result()
    images = executor.submit(draw.finish_pictures, ["corner"], "REFUSED", ("verdict",), 1).result()
    executor.submit(draw.draw_corner, samples, others={"chirp_mass": None}).result()
    try:
        executor.submit(draw.finish_pictures, ["corner"], None).result()
    except InputError as error:
        places.add(str(error))
assert len(places) == 4, places
draw.draw_corner(samples, ("a note",))
assert draw.finish_pictures(["corner"], "REFUSED", ("verdict",), 1) == images
sys.stdout.write("same")
"""


def run(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_functions_run_in_a_second_process_and_their_errors_come_back() -> None:
    two_cores = sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1
    assert run(PROGRAM) == f"{two_cores} False expected this"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
def test_the_corner_plot_is_drawn_in_a_third_process_and_is_the_same_picture() -> None:
    assert run("import os\nos.sched_getaffinity = lambda _: {0, 1}\n" + CORNER) == "same"


@pytest.mark.parametrize(
    "before",
    ["import torch", "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])", "sys.platform = 'darwin'"],
)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
def test_functions_run_in_this_process_where_a_fork_is_not_safe(before: str) -> None:
    assert run(f"import sys\n{before}\n{PROGRAM}").split(" ", 1)[0] == "False"


def test_an_error_ends_the_second_process_without_waiting() -> None:
    program = (
        "import time\nfrom chirpleaf.report.drawing import drawing_process\n"
        "with drawing_process(int) as executor:\n"
        "    waiting = [executor.submit(time.sleep, 0.2) for _ in range(600)]\n"
        "    raise SystemExit(0)\n"
    )
    run(program)


def test_a_function_in_this_process_raises_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_can_fork", lambda: False)
    with drawing.drawing_process(lambda: 1 / 0) as executor:
        assert executor.submit(divmod, 7, 2).result() == (3, 1)
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 7, 0)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Counts how often each picture is drawn; the data of the analysis are not needed."""
    counts: dict[str, int] = {}
    make = canvas.Canvas.__init__

    def count(self: canvas.Canvas, figure: Any) -> None:
        counts[type(figure).__name__] = counts.get(type(figure).__name__, 0) + 1
        make(self, figure)

    view = (np.linspace(-0.2, 0.1, 300), np.zeros((2, 300)), None)
    monkeypatch.setattr(canvas.Canvas, "__init__", count)
    monkeypatch.setattr(pictures, "_view_strain", lambda *_: (0.0, ("H1", "L1"), view))
    monkeypatch.setattr(draw, "_CANVASES", {})
    monkeypatch.setattr(draw, "_IMAGES", {})
    return counts


def begin_drawing() -> pictures.FigureDrawing:
    """A drawing whose time-frequency map is drawn."""
    stages = pictures.FigureDrawing(drawing.SameProcess())
    frequencies = np.arange(20.0, 500.0, 0.25)
    ones = np.ones((2, len(frequencies)))
    segment = Segment(("H1", "L1"), ones.astype(complex), ones, frequencies, 4.0, 0.0)
    stages.drawn.append(stages.executor.submit(draw.draw_time_frequency, segment, (-0.2, 0.1), 0.0))
    return stages


@pytest.mark.parametrize("level", [Level.NOTE, Level.REFUSE])
def test_pictures_that_were_begun_before_the_verdict_carry_it(
    level: Level, drawn: dict[str, int], tmp_path: Path
) -> None:
    nothing: Any = None
    stages = begin_drawing()
    stages.begin(nothing, certified_posterior(trust=Trust.unknown()))
    begun = sum(drawn.values())
    trust = Trust("trusted", 20.0, {"H1": 20.0}, ()).add(Finding("signal.noise", level, "word"))
    result = certified_posterior(trust=trust)
    writers = stages.finish(nothing, result)
    assert sum(drawn.values()) == begun  # nothing is drawn twice
    for name, write in writers.items():
        write(tmp_path / name)
    assert set(writers) == {"corner.png", "strain.png", "report.html"}
    html = (tmp_path / "report.html").read_text()
    assert f"<strong>{trust.verdict.capitalize()}</strong>" in html
    assert html.count("<img") == 6
    shown = {name: np.asarray(Image.open(tmp_path / name)) for name in ("corner.png", "strain.png")}
    plain = begin_drawing().finish(nothing, certified_posterior(trust=Trust.unknown()))
    plain["strain.png"](tmp_path / "plain.png")
    same = np.array_equal(np.asarray(Image.open(tmp_path / "plain.png")), shown["strain.png"])
    assert same == (level is not Level.REFUSE)  # the stamp
    plain["corner.png"](tmp_path / "plain.png")
    assert not np.array_equal(np.asarray(Image.open(tmp_path / "plain.png")), shown["corner.png"])  # the verdict


def test_pictures_of_a_result_without_certification_are_drawn_at_the_end(drawn: dict[str, int]) -> None:
    nothing: Any = None
    writers = begin_drawing().finish(nothing, network_posterior())
    assert sum(drawn.values()) == 4
    assert set(writers) == {"corner.png", "strain.png", "report.html"}


@pytest.mark.usefixtures("drawn")
def test_an_error_of_a_picture_is_raised_when_the_report_is_written(tmp_path: Path) -> None:
    stages = begin_drawing()
    failed: Future[None] = Future()
    failed.set_exception(ValueError("no map"))
    nothing: Any = None
    writers = stages.finish(nothing, network_posterior())
    stages.drawn.append(failed)
    with pytest.raises(ValueError, match="no map"):
        writers["report.html"](tmp_path / "report.html")
