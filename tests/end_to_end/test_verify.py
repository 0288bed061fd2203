"""`chirpleaf verify`: the same numbers, changed numbers, changed and missing input."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import chirpleaf as package
from chirpleaf.result.proposal import Proposal
from chirpleaf.strain import events, load_event

Command = Callable[..., Any]


@pytest.fixture
def folder(chirpleaf: Command, model_file: Path, gwosc_file: Callable[..., Path], tmp_path: Path) -> Path:
    """The folder of an analysis of files, by the network alone."""
    files = [f"{name}={gwosc_file(series)}" for name, series in load_event("GW150914").items()]
    strain = [argument for file in files for argument in ("--strain", file)]
    trigger = ("--trigger", events()["GW150914"].trigger_time, "--samples", 300, "--seed", 5, "--no-certify")
    out = tmp_path / "out"
    chirpleaf("infer", *strain, *trigger, "--model", model_file, "--out", out)
    return out


def test_a_result_is_reproduced_until_it_or_its_input_changes(chirpleaf: Command, folder: Path) -> None:
    ran = chirpleaf("verify", folder)
    assert (ran.status, ran.stderr) == (0, "")
    assert "reproduced to the bit" in ran.stdout
    assert f"the result is {package.read(folder).trust.explain()}" in ran.stdout

    result = package.read(folder)
    samples = {**result.proposal.samples}
    samples["mass_ratio"] = np.nextafter(samples["mass_ratio"], 0.0)
    proposal = Proposal(samples, result.proposal.log_prob, result.proposal.log_weight)
    replace(result, proposal=proposal).save(folder)
    ran = chirpleaf("verify", folder)
    assert ran.status == 3
    assert "differs:" in ran.stderr
    assert "mass_ratio" in ran.stderr

    better = replace(result.trust, verdict="trusted", reasons=())
    replace(result, trust=better).save(folder)
    ran = chirpleaf("verify", folder)
    assert ran.status == 3
    assert "differs:" in ran.stderr
    assert f"trusted then, {result.trust.verdict} now" in ran.stderr
    result.save(folder)

    strain = folder.parent / "L1.hdf5"
    with h5py.File(strain, "r+") as file:
        file["strain/Strain"][0] *= 1 + 1e-9
    ran = chirpleaf("verify", folder)
    assert ran.status == 2
    assert "another strain L1, whose hash differs" in ran.stderr
    strain.unlink()
    ran = chirpleaf("verify", folder)
    assert ran.status == 2
    assert "L1.hdf5, which does not exist" in ran.stderr
