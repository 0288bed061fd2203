"""The shell completes verbs, options, events, models, detectors and presets, by the protocol that it uses."""

import io
import os
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from chirpleaf.cli import main
from chirpleaf.cli.presets import find_preset, find_presets


def complete(line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What bash offers at the end of a line."""
    words = line.split(" ")
    monkeypatch.setenv("_CHIRPLEAF_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    out = io.StringIO()
    with redirect_stdout(out), pytest.raises(SystemExit) as left:
        main([])
    assert left.value.code == 0
    return out.getvalue().split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("chirpleaf inf", ["infer"]),
        ("chirpleaf infer --calibration-e", ["--calibration-envelope"]),
        ("chirpleaf infer GW1509", ["GW150914"]),
        ("chirpleaf test-gr GW17", ["GW170814"]),
        ("chirpleaf infer --model bbh-l", ["bbh-long"]),
        ("chirpleaf evaluate masses-", ["masses-bayesian"]),
        ("chirpleaf infer GW150914 --detectors H1,", ["H1,L1", "H1,V1", "H1,K1"]),
        ("chirpleaf infer --strain V", ["V1="]),
        ("chirpleaf infer --psd H1=spec", ["H1=spectra/"]),
        ("chirpleaf infer --psd H1=spectra/", ["H1=spectra/h.txt"]),
        ("chirpleaf train mine", ["mine.yaml"]),
        ("chirpleaf infer --model own", ["own.safetensors"]),
    ],
)
def test_names_are_completed(line: str, offered: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "spectra").mkdir()
    for name in ("mine.yaml", "mine.txt", "own.safetensors", "spectra/h.txt", "spectra/.hidden"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert complete(line, monkeypatch) == offered


def test_a_shipped_preset_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert complete("chirpleaf scale bbh-lon", monkeypatch) == ["bbh-long"]
    shipped = find_preset(Path("bbh-long"))
    assert shipped.is_file()
    assert shipped.name == "bbh-long.yaml"
    Path("bbh-long").touch()
    assert find_presets([Path("bbh-long"), Path("none")]) == [Path("bbh-long"), Path("none")]


def test_the_script_of_a_shell_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_CHIRPLEAF_COMPLETE", "source_bash")
    out = io.StringIO()
    with redirect_stdout(out), pytest.raises(SystemExit):
        main([])
    assert "complete -o default -F" in out.getvalue()
    assert "chirpleaf" in out.getvalue()
    assert os.environ["_CHIRPLEAF_COMPLETE"] == "source_bash"
