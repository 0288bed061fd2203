"""Figures are drawn in a second process where that is safe, and in this one elsewhere."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_results import certified_posterior, network_posterior

from chirpleaf.cli import drawing, pictures
from chirpleaf.result.trust import Finding, Level, Trust

PROGRAM = """
import os, sys
from chirpleaf.cli.drawing import drawing_process
from chirpleaf.errors import InputError

def refuse(): raise InputError("expected this")

with drawing_process(os.getpid) as executor:
    sys.stdout.write(f"{executor.submit(os.getpid).result() != os.getpid()} {'torch' in sys.modules} ")
    try:
        executor.submit(refuse).result()
    except InputError as error:
        sys.stdout.write(str(error))
"""


def run(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_functions_run_in_a_second_process_and_their_errors_come_back() -> None:
    two_cores = sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1
    assert run(PROGRAM) == f"{two_cores} False expected this"


@pytest.mark.parametrize(
    "before",
    ["import torch", "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])", "sys.platform = 'darwin'"],
)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
def test_functions_run_in_this_process_where_a_fork_is_not_safe(before: str) -> None:
    assert run(f"import sys\n{before}\n{PROGRAM}").split(" ", 1)[0] == "False"


def test_an_error_ends_the_second_process_without_waiting() -> None:
    program = (
        "import time\nfrom chirpleaf.cli.drawing import drawing_process\n"
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


@pytest.mark.parametrize(("level", "drawn"), [(Level.NOTE, 1), (Level.WARN, 1), (Level.REFUSE, 2)])
def test_figures_that_were_begun_before_the_verdict_are_drawn_anew_only_if_it_refuses(
    level: Level, drawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(pictures, "draw_result_figures", lambda result, *_: calls.append(result) or {"a.png": result})
    executor: Any = None
    data: Any = None
    drawing_of_figures = pictures.FigureDrawing(executor)
    preview = certified_posterior(trust=Trust.unknown())
    drawing_of_figures.begin(data, preview)
    result = certified_posterior(trust=Trust.unknown().add(Finding("signal.noise", level, "word")))
    figures = drawing_of_figures.finish(data, result)
    assert len(calls) == drawn
    assert figures["a.png"] is (preview if drawn == 1 else result)


def test_figures_of_a_result_without_certification_are_drawn_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "draw_result_figures", lambda result, *_: {"a.png": result})
    nothing: Any = None
    result = network_posterior()
    assert pictures.FigureDrawing(nothing).finish(nothing, result)["a.png"] is result
