"""`chirpleaf compare`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_results import TRUST, network_posterior
from matplotlib.figure import Figure

from chirpleaf.cli import console, main
from chirpleaf.cli.infer import _read_others
from chirpleaf.plots.corner import plot_corner
from chirpleaf.result.external import read_posterior

FILES = [str(Path(__file__).parents[1] / "files" / name) for name in ("posterior_pesummary.h5", "posterior_pycbc.hdf")]


def test_table_definitions_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parameters = ["--parameter", "chirp_mass", "--parameter", "luminosity_distance"]
    assert main(["compare", *FILES, *parameters, "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "chirp_mass" in printed
    assert "approximant differs" in printed
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"comparison.json", "corner.png"}
    document = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert document["names"] == ["posterior_pesummary.h5#C01:Mixed", "posterior_pycbc.hdf"]
    assert set(document["intervals"]) == {"chirp_mass", "luminosity_distance"}


@pytest.fixture
def own(tmp_path: Path) -> dict[str, Path]:
    """Folders of results by their verdicts."""
    folders = {}
    for verdict in ("trusted", "doubtful", "not certified", "untrusted"):
        folders[verdict] = tmp_path / f"GW-{verdict.replace(' ', '-')}"
        folders[verdict].mkdir()
        reasons = () if verdict == "trusted" else TRUST.reasons
        network_posterior(trust=replace(TRUST, verdict=verdict, reasons=reasons)).write(folders[verdict])
    return folders


PARAMETER = ["--parameter", "chirp_mass"]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(("verdict", "code"), [("trusted", 0), ("doubtful", 0), ("not certified", 0), ("untrusted", 3)])
def test_a_verdict_is_told_wherever_samples_are_shown(
    own: dict[str, Path],
    verdict: str,
    code: int,
    place: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stamps: list[str] = []
    names: list[str] = []

    def draw(samples: Any, parameters: Any, *, name: str, references: dict[str, Any]) -> Figure:
        names.extend([name, *references])
        return plot_corner(samples, parameters, name=name, references=references)

    monkeypatch.setattr("chirpleaf.plots.corner.plot_corner", draw)
    monkeypatch.setattr("chirpleaf.plots.style.stamp", lambda _figure, word: stamps.append(word))
    monkeypatch.setattr(console, "width", 200)
    files = [str(own[verdict]), FILES[1]]
    files = files if place == 0 else files[::-1]
    assert main(["compare", *files, *PARAMETER, "--out", str(tmp_path / "out")]) == code
    found = capsys.readouterr()
    title = f"{own[verdict].name} ({verdict})"
    assert title in found.out
    assert (f"{own[verdict].name} is {verdict}: no signal; heavy tail" in found.out) == (verdict != "trusted")
    assert ("not trusted: " in found.err) == (code == 3)
    assert title in names
    assert stamps == ["untrusted"] * (code == 3)
    document = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert document["verdicts"][place] == verdict
    assert document["verdicts"][1 - place] is None
    assert document["reasons"][place] == ([] if verdict == "trusted" else list(TRUST.reasons))
    assert main(["compare", *files, *PARAMETER, "--json"]) == code
    assert json.loads(capsys.readouterr().out) == document


@pytest.mark.parametrize("form", ["bilby", "pesummary", "itself"])
def test_a_verdict_survives_a_conversion(
    form: str, own: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verdict, code in (("trusted", 0), ("doubtful", 0), ("untrusted", 3)):
        file = own[verdict] / "posterior.hdf5"
        if form != "itself":
            file = tmp_path / f"{verdict}.{'json' if form == 'bilby' else 'h5'}"
            assert main(["convert", str(own[verdict]), "--to", form, "--out", str(file)]) == code
            assert (verdict == "trusted") == (capsys.readouterr().err == "")
        assert read_posterior(file).trust is not None
        assert main(["compare", str(own["trusted"]), str(file), *PARAMETER]) == code
        assert (verdict != "trusted") == ("no signal; heavy tail" in capsys.readouterr().out)


def test_json_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *FILES, "--parameter", "mass_ratio", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    first, second = document["intervals"]["mass_ratio"]
    assert first["median"] == pytest.approx(second["median"])
    assert document["divergences"]["mass_ratio"][0]["value"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (FILES[:1], "expected at least two posteriors"),
        ([*FILES, "--parameter", "mass_3"], "expected a parameter among"),
        ([*FILES, *PARAMETER, *PARAMETER], "expected each parameter once; got"),
        ([*FILES, "--reweight"], "expected a file that states its prior"),
        ([*FILES, "--overwrite"], "expected --out with --overwrite; got none"),
        ([FILES[0], "nowhere.h5"], "does not exist"),
        ([f"{FILES[0]}#other", FILES[1]], "expected an analysis among"),
        ([FILES[0], f"{FILES[1]}#other"], "without a label, because it holds one posterior; got #other: leave it out"),
    ],
)
def test_wrong_input_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *arguments]) == 2
    found = capsys.readouterr().err
    assert message in found
    assert found.count("\n") == 1


def test_the_samples_beside_a_new_analysis_keep_their_verdict(own: dict[str, Path]) -> None:
    """Those of `chirpleaf infer --compare FILE`, whose name stands in legend and report."""
    assert _read_others(own["untrusted"] / "posterior.hdf5")[1] == "posterior.hdf5 (untrusted)"
    samples, name = _read_others(Path(FILES[1]))
    assert name == "posterior_pycbc.hdf"
    assert "chirp_mass" in samples


def test_posteriors_of_one_name_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By their places, and the same file twice by numbers; all of them are drawn."""
    places = [FILES[1], str(tmp_path / Path(FILES[1]).name)]
    Path(places[1]).write_bytes(Path(places[0]).read_bytes())
    arguments = [*places, places[1], *PARAMETER, "--out", str(tmp_path / "out"), "--json"]
    assert main(["compare", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["names"] == [*places, f"{places[1]} (2)"]
