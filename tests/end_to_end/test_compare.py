"""`chirpleaf compare`."""

import json
from pathlib import Path

import pytest

from chirpleaf.cli import main

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
        ([*FILES, "--reweight"], "expected a file that states its prior"),
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
