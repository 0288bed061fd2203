"""Recipe of a result: written and read back, and what changes a hash."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_results import leaf_estimates, network_posterior

import chirpleaf
from chirpleaf.errors import InputError
from chirpleaf.inference.replay import compare, replay
from chirpleaf.result.posterior import Posterior
from chirpleaf.result.proposal import Proposal
from chirpleaf.result.recipe import Recipe, describe_machine, find_versions, hash_arrays
from chirpleaf.result.trust import Trust
from chirpleaf.system.files import hash_file

RECIPE = Recipe(
    event=None,
    trigger_time="1126259462.4",
    samples=100,
    seed=3,
    strain={"H1": ("/data/h1.gwf", "/data/h1b.gwf"), "L1": ("/data/l1.gwf",)},
    f_min={"H1": 20.0},
    detectors=("H1", "L1"),
    waveform_arguments=("phenomxprecversion=104",),
    calibration={"L1": "/data/envelope.txt"},
    calibration_correction="template",
    psd_uncertainty=True,
    certify_psd={"H1": "/data/psd.txt"},
    hashes={"strain H1": "ab"},
    versions={"numpy": "1"},
    machine="a machine",
)


def _give(result: Posterior, recipe: Recipe | None) -> Posterior:
    return replace(result, provenance=replace(result.provenance, recipe=recipe))


def test_a_recipe_survives_a_file(tmp_path: Path) -> None:
    result = _give(network_posterior(), RECIPE)
    result.save(tmp_path / "posterior.hdf5")
    again = chirpleaf.read(tmp_path / "posterior.hdf5")
    assert again.provenance.recipe == RECIPE
    assert again == result
    assert json.loads(json.dumps(result.summary_document()["recipe"]))["strain"]["H1"] == list(RECIPE.strain["H1"])


def test_every_bit_counts(tmp_path: Path) -> None:
    values = np.linspace(0.0, 1.0, 9)
    other = values.copy()
    other[3] = np.nextafter(other[3], 2.0)
    assert hash_arrays(values, 1.0) == hash_arrays(values.copy(), 1.0)
    assert len({hash_arrays(values, 1.0), hash_arrays(other, 1.0), hash_arrays(values, 2.0)}) == 3
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    assert hash_file(tmp_path / "a") != hash_file(tmp_path / "b")


def test_versions_and_machine_are_named() -> None:
    assert {"python", "chirpleaf", "numpy", "torch", "lalsuite"} <= set(find_versions())
    assert len(describe_machine()) > 10


@pytest.mark.parametrize(
    ("recipe", "message"),
    [(None, "with the recipe of its analysis"), (replace(RECIPE, in_memory=("strain H1",)), "strain H1 in memory")],
)
def test_what_cannot_be_replayed_is_said(recipe: Recipe | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        replay(_give(network_posterior(), recipe))


OF_EVENT = replace(
    RECIPE, event="GW150914", strain={}, calibration={}, certify_psd={}, f_min=None, waveform_arguments=()
)


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        (
            replace(OF_EVENT, waveform_arguments=("PhenomXPrecVersion=104",)),
            "got PhenomXPrecVersion, which changes none",
        ),
        (replace(OF_EVENT, waveform_arguments=("ModeArray=9,9",)), "expected modes such as"),
        (replace(OF_EVENT, approximant="IMRPhenomNoMore"), "expected an approximant; got 'IMRPhenomNoMore'"),
        (replace(OF_EVENT, detectors=("H1", "H1")), "expected at least one detector, each once; got H1, H1"),
        (replace(OF_EVENT, detectors=("H1", "V1")), "expected detectors among H1, L1, .*; got V1"),
    ],
)
def test_recorded_options_that_are_refused_today_are_named(recipe: Recipe, reason: str) -> None:
    recipe = replace(recipe, versions={"chirpleaf": "0.1"}, psd_method="regularised", psd_length=256.0)
    message = f"this version of chirpleaf takes; got one of version 0.1 that it refuses .*{reason}.*: analyse the event"
    with pytest.raises(InputError, match=message):
        replay(_give(network_posterior(), recipe))


def test_recorded_files_that_are_missing_are_no_refused_options() -> None:
    recipe = replace(RECIPE, waveform_arguments=(), psd_method="regularised", psd_length=256.0)
    with pytest.raises(InputError, match=r"^[^(]*got /data/[^(]*, which does not exist"):
        replay(_give(network_posterior(), recipe))


def _shift(result: Posterior, name: str, by: float) -> Posterior:
    proposal = result.proposal
    samples = {**proposal.samples, name: proposal.samples[name] + by}
    return replace(result, proposal=Proposal(samples, proposal.log_prob, proposal.log_weight))


@pytest.mark.parametrize("machine", ["a machine", "another"])
def test_results_are_the_same_to_the_bit_or_within_sampling_error(machine: str) -> None:
    first = _give(network_posterior(), RECIPE)
    there = replace(RECIPE, machine=machine)
    assert compare(first, _give(first, there)).identical
    spread = float(np.std(first["chirp_mass"]))
    near = compare(first, _shift(_give(first, there), "chirp_mass", 1e-9 * spread))
    assert near.differing == ("chirp_mass",)
    assert near.same == (machine == "another")
    far = compare(first, _shift(_give(first, there), "chirp_mass", 0.5 * spread))
    assert not far.same
    assert far.distances["chirp_mass"] > 1 > far.distances["mass_ratio"]


@pytest.mark.parametrize(("shift", "same"), [(1e-9, True), (0.5, False)])
def test_a_time_budget_allows_sampling_error_alone(shift: float, same: bool) -> None:
    """The clock decided how many draws there are, so that no machine makes the same ones again."""
    first = _give(network_posterior(), replace(RECIPE, budget=20.0))
    again = _shift(first, "chirp_mass", shift * float(np.std(first["chirp_mass"])))
    comparison = compare(first, again)
    assert (comparison.identical, comparison.expected, comparison.timed, comparison.same) == (False, False, True, same)


@pytest.mark.parametrize("machine", ["a machine", "another"])
def test_another_verdict_is_told(machine: str) -> None:
    first = _give(network_posterior(), RECIPE)
    again = _give(network_posterior(trust=Trust("trusted", 21.5, {}, ())), replace(RECIPE, machine=machine))
    comparison = compare(first, again)
    assert (comparison.differing, comparison.verdicts) == (("verdict",), ("untrusted", "trusted"))
    assert comparison.same == (machine == "another")


def test_leaf_estimates_are_compared_too() -> None:
    comparison = compare(leaf_estimates(), leaf_estimates())
    assert comparison.identical
    assert not comparison.expected
