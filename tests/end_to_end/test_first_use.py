"""What a new user runs into: wrong options are refused at once, tables fit, and messages say what to do."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import MAKERS, certified_posterior
from refusals import PRESET, assert_refused

from chirpleaf.cli.evaluation import describe_few, draw_evaluation, make_evaluation_table
from chirpleaf.diagnostics.evaluation import Evaluation
from chirpleaf.inference.sources import gather_strain
from chirpleaf.plots.errors import plot_errors
from chirpleaf.plots.scaling import describe_difference, plot_efficiency

Command = Callable[..., Any]
WIDEST = 1500
"""Greatest width of an evaluation picture, pixels."""


def test_a_trigger_of_zero_is_zero() -> None:
    assert gather_strain("GW150914", None, 0).trigger_time == 0.0
    assert gather_strain("GW150914", None, None).trigger_time == 1126259462.4


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("--strain", "H1=a.hdf5"), "trigger time of the strain; got none: add --trigger GPS"),
        (("GW150914", "--strain", "H1=a.hdf5"), "an event or strain; got both"),
        ((), "an event or strain; got both or neither"),
    ],
)
def test_incomplete_input_is_refused_before_anything_is_imported(
    arguments: tuple[str, ...], parts: str, tmp_path: Path
) -> None:
    program = (
        "import sys\nfrom chirpleaf.cli import main\n"
        f"status = main(['infer', *{arguments!r}])\n"
        "assert not {'torch', 'numpy', 'scipy'} & set(sys.modules), 'imports come first'\nsys.exit(status)"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert_refused(ran.returncode, ran.stdout, ran.stderr, parts)
    assert not list(tmp_path.iterdir())


def test_a_result_and_its_parts_are_named_in_a_line() -> None:
    for make in MAKERS.values():
        assert len(repr(make())) < 200
    posterior = certified_posterior()
    assert repr(posterior.proposal) == f"Proposal(4000 draws of {len(posterior.proposal.samples)} parameters)"
    assert repr(posterior.sky).startswith("SkyMap(nside 16, ")


def test_a_single_draw_is_refused_in_words() -> None:
    from dataclasses import replace

    from made_results import CERTIFICATE

    reasons = replace(CERTIFICATE, draws=1, stopped="draws", largest_weight=1.0).reasons
    assert "1 draws are too few to judge their weights: 10000 are usual" in reasons


def test_a_mistyped_bank_leaves_no_folder(chirpleaf: Command, tmp_path: Path) -> None:
    preset = tmp_path / "short.yaml"
    preset.write_text(PRESET)
    ran = chirpleaf("train", preset, "--out", tmp_path / "run", "--bank", tmp_path / "no.h5")
    assert_refused(ran.status, ran.stdout, ran.stderr, "no.h5")
    assert {path.name for path in tmp_path.iterdir()} == {"short.yaml"}


def test_an_interrupted_bank_says_how_to_go_on(
    chirpleaf: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    preset, file = tmp_path / "short.yaml", tmp_path / "a bank.h5"
    preset.write_text(PRESET)
    verb = import_module("chirpleaf.cli.bank")
    monkeypatch.setattr(verb, "_show_progress", stop)
    monkeypatch.setattr(verb, "_compute", lambda *_: iter(()))
    ran = chirpleaf("bank", preset, "--out", file, "--waveforms", 64, "--piece", 32)
    assert ran.status == 130
    assert ran.stderr.startswith("stopped: go on with `chirpleaf bank ")
    assert f"--out '{file}' --waveforms 64 --piece 32 --resume" in ran.stderr


def made_evaluation(injections: int, names: tuple[str, ...]) -> Evaluation:
    rng = np.random.default_rng(0)
    columns = {name: rng.uniform(0.1, 0.9, injections) for name in names}
    snr = rng.uniform(8, 40, injections)
    families = np.array([f"family {index % 4}" for index in range(injections)])
    truths = {**columns, "chirp_mass": rng.uniform(15, 80, injections)}
    medians = {name: 1.05 * values for name, values in truths.items()}
    return Evaluation(columns, medians, truths, snr, families)


def test_few_injections_are_called_few() -> None:
    few, many = (make_evaluation_table(made_evaluation(n, ("chirp_mass",)), "bbh") for n in (20, 100))
    assert "20 injections are too few" in str(few.caption)
    assert many.caption is None
    assert describe_few(99)
    assert not describe_few(100)


def test_evaluation_pictures_are_no_wider_than_a_screen() -> None:
    names = ("chirp_mass", "mass_ratio", "chi_eff", "chi_1", "chi_2", "final_spin")
    for name, figure in draw_evaluation(made_evaluation(200, names)).items():
        assert figure.get_figwidth() * figure.get_dpi() <= WIDEST, name


def test_errors_of_masses_and_spins_have_their_own_axes() -> None:
    medians = {"chirp_mass": [0.1, 0.02], "chi_eff": [0.3, 0.1], "chi_1": [0.4, 0.2]}
    kinds = {"chirp_mass": "relative", "chi_eff": "absolute", "chi_1": "absolute"}
    relative, absolute = plot_errors(["8-12", ">12"], medians, kinds=kinds).axes
    assert relative.get_ylabel() == "median relative error"
    assert absolute.get_ylabel() == "median absolute error"
    assert (len(relative.lines), len(absolute.lines)) == (1, 2)
    assert len({line.get_color() for axes in (relative, absolute) for line in axes.lines}) == 3
    assert len(plot_errors(["8-12", ">12"], medians).axes) == 1


def test_a_measurement_far_below_the_prediction_has_a_comment() -> None:
    predicted = {"a": {1: 1.0, 2: 0.99, 1024: 0.8}}
    figure = plot_efficiency(predicted, {"here": {1: 1.0, 2: 0.47}})
    assert figure.axes[0].get_title("left").startswith("measured 47 % where 99 % are predicted (2 ranks)")
    assert describe_difference(predicted, {"here": {1: 1.0, 2: 0.95}}) == ""
    assert describe_difference(predicted, {"here": {3: 0.1}}) == ""


def test_models_fit_on_80_columns() -> None:
    command = [sys.executable, "-m", "chirpleaf", "models"]
    environment = {**os.environ, "COLUMNS": "80"}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    lines = said.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "…" not in said
    assert any("IMRPhenomXAS" in line and "H1 L1" in line for line in lines)


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (("X1",), ("expected detectors among H1, L1", "got X1", "leave it out")),
        (("H1", "h1"), ("expected each detector once for --detectors", "got H1 twice")),
        (("H1",), ("expected strain of H1, L1 for model random", "got H1", "add --detectors L1 or choose another")),
    ],
)
def test_detectors_that_an_evaluation_cannot_have(
    refused: Callable[..., None], names: tuple[str, ...], parts: tuple[str, ...], model_file: Path, tmp_path: Path
) -> None:
    given = [word for name in names for word in ("--detectors", name)]
    refused(("evaluate", model_file, "--injections", 2, *given, "--out", tmp_path / "out"), *parts)
