"""Progress is reported to whoever watches, and shown on a terminal alone."""

import io

import pytest
from rich.console import Console

from chirpleaf.cli import preparation
from chirpleaf.system.progress import report_progress, watch_progress


def test_nobody_watches_by_default_and_the_last_one_does() -> None:
    outer: list[tuple[str, int, int]] = []
    inner: list[tuple[str, int, int]] = []
    report_progress("waveforms", 1, 2)
    with watch_progress(lambda *one: outer.append(one)):
        with watch_progress(lambda *one: inner.append(one)):
            report_progress("waveforms", 1, 2)
        report_progress("spectra", 2, 2)
    report_progress("spectra", 2, 2)
    assert (inner, outer) == ([("waveforms", 1, 2)], [("spectra", 2, 2)])


@pytest.mark.parametrize(("terminal", "shown"), [(True, True), (True, False), (False, True)])
def test_preparation_is_shown_on_a_terminal_alone(terminal: bool, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(preparation, "errors", Console(file=file, force_terminal=terminal, width=100))
    with preparation.show_preparation(shown=shown):
        report_progress("waveforms", 0, 100)
        report_progress("waveforms", 60, 100)
        report_progress(preparation.TRAINING, 0, 5)
        before = file.getvalue()
        assert ("waveforms" in before and "60/100" in before) == (terminal and shown)
    assert bool(file.getvalue()) == (terminal and shown)
