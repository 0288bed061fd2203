"""The shell completes verbs, options and the names of what they take, by the protocol that it uses."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from chirpleaf.cli import completion, main
from chirpleaf.cli.completion import complete_event
from chirpleaf.cli.presets import find_preset, find_presets
from chirpleaf.inference.certify.target import PRESETS
from chirpleaf.physics.approximants import resolve_approximant
from chirpleaf.strain.events import events
from chirpleaf.strain.noise_spectrum import METHODS


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
        ("chirpleaf export bbh-l", ["bbh-long"]),
        ("chirpleaf stream --model bbh-l", ["bbh-long"]),
        ("chirpleaf infer gw17", ["gw170814"]),
        ("chirpleaf infer GW19", ["GW190521", "GW191109_010717"]),
        (
            "chirpleaf infer --prior ",
            ["isotropic", "uniform", "model", "standard", "comoving", "own.prior", "spectra/"],
        ),
        ("chirpleaf infer --prior co", ["comoving"]),
        ("chirpleaf catalog --prior own", ["own.prior"]),
        ("chirpleaf infer --approximant IMRPhenomXP", ["IMRPhenomXP", "IMRPhenomXPHM", "IMRPhenomXPNR"]),
        ("chirpleaf inject --approximant SEOBNRv5P", ["SEOBNRv5PHM"]),
        ("chirpleaf inject --noise O", ["O1", "O2", "O3", "O4"]),
        ("chirpleaf inject --detector V", ["V1"]),
        ("chirpleaf evaluate bbh --detectors K", ["K1"]),
        ("chirpleaf stream --replay H1=mine.t", ["H1=mine.txt"]),
        ("chirpleaf infer --calibration-envelope L", ["L1="]),
        ("chirpleaf infer --certify-psd L1=mine.t", ["L1=mine.txt"]),
        ("chirpleaf infer --psd-method m", ["median"]),
        ("chirpleaf infer --calibration-correction-type t", ["template"]),
        ("chirpleaf catalog GWTC-2", ["GWTC-2.1", "GWTC-2.1-confident"]),
        ("chirpleaf catalog mi", ["mine.txt"]),
        ("chirpleaf convert out --to sky", ["skymap"]),
    ],
)
def test_names_are_completed(line: str, offered: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "spectra").mkdir()
    for name in ("mine.yaml", "mine.txt", "own.safetensors", "spectra/h.txt", "spectra/.hidden", "own.prior"):
        (tmp_path / name).touch()
    cache = tmp_path / ".cache"
    (cache / "gwosc" / "GW190521").mkdir(parents=True)
    (cache / "gwosc-catalogues").mkdir()
    (cache / "gwosc-catalogues" / "GWTC-2.1-confident.json").write_text('[{"name": "GW191109_010717"}]')
    (cache / "gwosc-catalogues" / "broken.json").write_text("[{")
    monkeypatch.setenv("CHIRPLEAF_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    assert complete(line, monkeypatch) == offered


def test_what_is_offered_is_known() -> None:
    assert tuple(PRESETS) == completion.PRIORS
    assert tuple(map(resolve_approximant, completion.APPROXIMANTS)) == completion.APPROXIMANTS
    assert set(complete_event("")) >= set(events())
    assert METHODS == ("regularised", "median")


def test_nothing_heavy_is_imported() -> None:
    program = "import sys, chirpleaf.cli.completion as c; c.complete_event(''); c.complete_detectors('')"
    heavy = "print({'numpy', 'torch', 'lal', 'h5py', 'scipy'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", f"{program}; {heavy}"], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


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
