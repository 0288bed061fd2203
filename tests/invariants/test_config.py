"""Presets: the shipped ones are whole, their defaults are those of the library, and mistakes are named."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from chirpleaf.config import Preset, read_preset
from chirpleaf.errors import InputError
from chirpleaf.models import Architecture
from chirpleaf.training import threads
from chirpleaf.training.engine import Schedule
from chirpleaf.training.recipe import Simulation


def write(folder: Path, text: str) -> Path:
    path = folder / "preset.yaml"
    path.write_text(text)
    return path


def test_defaults_are_those_of_the_library() -> None:
    preset = Preset(name="default")
    assert preset.plan() == Schedule()
    assert preset.data() == Simulation()
    mine, library = asdict(preset.architecture()), asdict(Architecture())
    for section in ("templates", "root", "head"):
        assert library.pop(section).items() <= mine.pop(section).items()
    assert mine == library


@pytest.mark.parametrize("name", ["bbh", "bbh-long"])
def test_shipped_presets_make_an_architecture(name: str, shipped: Callable[[str], Architecture]) -> None:
    architecture = shipped(name)
    lowest, highest = architecture.prior.chirp_mass_range
    assert {"bbh": 12.0, "bbh-long": pytest.approx(4.353, abs=0.001)}[name] == lowest
    assert {"bbh": pytest.approx(87.055, abs=0.001), "bbh-long": 16.0}[name] == highest


def test_settings_reach_where_they_belong(tmp_path: Path) -> None:
    text = (
        "name: x\nduration: 16\nfold: 8\nhead: {kind: flow, n_bins: 6}\nschedule: {epochs: 3}\nsimulation: {spectra: 9}"
    )
    preset = read_preset(write(tmp_path, text))
    architecture = preset.architecture()
    assert (architecture.grid.duration, architecture.grid.fold) == (16.0, 8)
    assert architecture.head == {"kind": "flow", "n_transforms": 3, "n_hidden": 128, "n_bins": 6}
    assert (preset.plan().epochs, preset.data().spectra) == (3, 9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\ncolour: blue", "got colour in"),
        ("name: x\nschedule: {epoch: 3}", r"got schedule\.epoch in"),
        ("name: x\nschedule: {epochs: -3}", r"got schedule\.epochs in .*greater than 0"),
        ("duration: 8", "got name in .*Field required"),
        ("name: x\nhead: {kind: tail}", "got head in"),
        ("", "got the file in"),
        ("- 1", "got the file in"),
        ("name: [", "does not parse"),
    ],
)
def test_mistakes_are_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_preset(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_missing_preset_and_an_empty_prior(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a preset file; got no file .*preset\.yaml"):
        read_preset(tmp_path / "preset.yaml")
    with pytest.raises(InputError, match="expected a range of chirp masses"):
        read_preset(write(tmp_path, "name: x\nprior: {chirp_mass_min: 90}")).architecture()


@pytest.mark.parametrize(
    ("available", "load", "free"), [(8, 0.2, 8), (8, 3.6, 4), (2, 1.9, 1), (1, 5.0, 1), (4, 9.0, 1)]
)
def test_only_free_cores_count(available: int, load: float, free: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: set(range(available)), raising=False)
    monkeypatch.setattr(threads.os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert threads.free_cores() == free


def test_bfloat16_is_measured() -> None:
    assert isinstance(threads.bfloat16_pays(width=16, rows=8, repeats=2), bool)
