"""Presets: the shipped ones are complete, their defaults are those of the library, and mistakes are reported."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chirpleaf import training
from chirpleaf.config import (
    Preset,
    read_preset,
    write_preset,
)
from chirpleaf.errors import InputError
from chirpleaf.models import Architecture
from chirpleaf.networks.convolutional import PUBLISHED
from chirpleaf.networks.encoders import ConcatenationSettings, EncoderSettings, PooledSettings
from chirpleaf.networks.flow import FlowSettings
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings
from chirpleaf.training.parallel import threads
from chirpleaf.training.parallel.communication import DEFAULT_COMMUNICATION
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation

PRESETS = sorted((Path(training.__file__).parent / "presets").glob("*.yaml"))


def write(folder: Path, text: str) -> Path:
    path = folder / "preset.yaml"
    path.write_text(text)
    return path


def test_defaults_are_those_of_the_library() -> None:
    preset = Preset(name="default")
    assert preset.schedule == Schedule()
    assert preset.simulation == Simulation()
    assert preset.communication == DEFAULT_COMMUNICATION
    assert preset.architecture() == Architecture()


def test_a_base_gives_what_is_not_said(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "name: base\nseed: 7\nhead: {kind: leaves, names: [mass_1], dropout: 0.3}\nschedule: {epochs: 3, warmup: 9}"
    )
    (tmp_path / "middle.yaml").write_text("base: base.yaml\nname: middle\nhead: {names: [mass_2]}")
    preset = read_preset(write(tmp_path, "base: middle.yaml\nname: x\nschedule: {epochs: 4}"))
    assert (preset.name, preset.seed) == ("x", 7)
    assert (preset.schedule.epochs, preset.schedule.warmup) == (4, 9)
    assert preset.head == LeafSettings(("mass_2",), dropout=0.3)
    other = read_preset(write(tmp_path, "base: base.yaml\nhead: {kind: bayesian-leaves, names: [mass_1]}"))
    assert other.head == BayesianLeafSettings(("mass_1",))
    plain = read_preset(write(tmp_path, "base: base.yaml\nhead: {kind: mixture}"))
    assert plain.head == MixtureSettings()


def test_a_base_without_end_or_without_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("base: preset.yaml\nname: other")
    with pytest.raises(InputError, match=r"got .*preset\.yaml, which is its own base: leave it out of .*other\.yaml"):
        read_preset(write(tmp_path, "base: other.yaml\nname: x"))
    with pytest.raises(InputError, match=r"got no file .*nowhere\.yaml"):
        read_preset(write(tmp_path, "base: nowhere.yaml\nname: x"))


def test_a_preset_is_written_whole(tmp_path: Path) -> None:
    for path in PRESETS:
        preset = read_preset(path)
        write_preset(preset, tmp_path / "whole.yaml")
        assert read_preset(tmp_path / "whole.yaml") == preset


@pytest.mark.parametrize(
    ("older", "expected"),
    [
        ("encoder: pooled\npooling: {width: 16, heads: 2}", PooledSettings(width=16, heads=2)),
        ("encoder: pooled", PooledSettings()),
        ("encoder: concatenation\npooling: {width: 16, n_blocks: 1, heads: 8}", ConcatenationSettings()),
        ("pooling: {width: 16, n_blocks: 1, heads: 8}", ConcatenationSettings()),
    ],
)
def test_a_preset_that_names_its_encoder_is_read(older: str, expected: EncoderSettings, tmp_path: Path) -> None:
    preset = read_preset(write(tmp_path, f"name: x\n{older}"))
    assert preset.encoder == preset.architecture().encoder == expected
    write_preset(preset, tmp_path / "whole.yaml")
    assert "pooling" not in (tmp_path / "whole.yaml").read_text()
    assert read_preset(tmp_path / "whole.yaml") == preset


def test_a_bank_is_part_of_a_preset(tmp_path: Path) -> None:
    preset = read_preset(write(tmp_path, "name: x\nsimulation: {bank: /data/bank.h5, waveforms: 7}"))
    assert preset.simulation.bank == Path("/data/bank.h5")
    assert preset.simulation == Simulation(waveforms=7, bank=Path("/data/bank.h5"))
    write_preset(preset, tmp_path / "whole.yaml")
    assert read_preset(tmp_path / "whole.yaml") == preset


def test_the_published_recipe_is_in_the_presets() -> None:
    names = "paper paper-remnant canonical remnant masses-bayesian remnant-bayesian convolutional convolutional-remnant"
    for name in names.split():
        preset = read_preset(PRESETS[0].parent / f"{name}.yaml")
        masses = "mass_1" in preset.head.names
        assert preset.simulation.batch_size == 64
        assert preset.schedule.learning_rate == 0.0008
        iterations = preset.schedule.epochs * preset.schedule.batches
        assert iterations == 120_000 if name.startswith("paper") else iterations <= 120_000
        assert preset.schedule.stop_below == (0.026 if masses else 0.0016)
        assert preset.head.dropout == 0.1


def test_the_paper_preset_is_the_published_network() -> None:
    preset = read_preset(PRESETS[0].parent / "paper.yaml")
    assert preset.root.layers == PUBLISHED
    assert preset.series is not None
    assert (preset.series.n_samples, preset.series.rate, preset.detectors) == (8192, 8192, ("H1",))


@pytest.mark.parametrize("name", ["bbh", "bbh-long"])
def test_shipped_presets_make_an_architecture(name: str, shipped: Callable[[str], Architecture]) -> None:
    architecture = shipped(name)
    lowest, highest = architecture.prior.chirp_mass_range
    assert {"bbh": 12.0, "bbh-long": pytest.approx(4.353, abs=0.001)}[name] == lowest
    assert {"bbh": 200.0, "bbh-long": 16.0}[name] == highest


def test_settings_reach_where_they_belong(tmp_path: Path) -> None:
    text = (
        "name: x\nduration: 16\nfold: 8\nhead: {kind: flow, n_bins: 6}\nschedule: {epochs: 3}\nsimulation: {spectra: 9}"
    )
    preset = read_preset(write(tmp_path, text))
    architecture = preset.architecture()
    assert (architecture.grid.duration, architecture.grid.fold) == (16.0, 8)
    assert architecture.head == FlowSettings(n_transforms=3, n_hidden=128, n_bins=6)
    assert (preset.schedule.epochs, preset.simulation.spectra) == (3, 9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\ncolour: blue", "got colour in"),
        ("name: x\nschedule: {epoch: 3}", r"got schedule\.epoch in"),
        ("name: x\nschedule: {epochs: -3}", r"got schedule\.epochs in .*greater than 0"),
        ("duration: 8", "got name in .*Field required"),
        ("name: x\nhead: {kind: tail}", "got head in"),
        ("name: x\nencoder: sum", "got encoder in"),
        ("name: x\nencoder: 3", "got encoder in"),
        ("name: x\nencoder: {kind: pooled, width: 0}", r"got encoder\.pooled\.width in"),
        ("name: x\nencoder: {kind: concatenation, width: 3}", r"got encoder\.concatenation\.width in"),
        ("name: x\nencoder: {kind: pooled}\npooling: {width: 3}", "settings of the encoder belong in its section"),
        ("name: x\nencoder: pooled\npooling: 3", "settings of the encoder belong in its section"),
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


def test_bfloat16_is_measured() -> None:
    assert isinstance(threads.bfloat16_pays(width=16, rows=8, repeats=2), bool)
