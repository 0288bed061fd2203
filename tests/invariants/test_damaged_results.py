"""Files of results with damages: each is refused in one line, and no damage is read as if nothing had happened."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from made_results import INTRINSIC, MAKERS, N, certified_posterior, leaf_estimates, network_posterior

from chirpleaf.errors import InputError
from chirpleaf.result import read
from chirpleaf.result.hdf5 import CHECKSUMS, FILE_NAME
from chirpleaf.result.posterior import IMPOSSIBLE

pytestmark = pytest.mark.usefixtures("unchecked_types")

Damage = Callable[[h5py.File], None]


def replace_dataset(place: str, values: Any) -> Damage:
    def change(file: h5py.File) -> None:
        del file[place]
        if place.startswith("proposal/log_"):
            del file[place.removeprefix("proposal/")]
        if values is not None:
            file[place] = values

    return change


def set_attribute(name: str, value: Any) -> Damage:
    def change(file: h5py.File) -> None:
        if value is None:
            del file.attrs[name]
        else:
            file.attrs[name] = value

    return change


def change_document(name: str, **changes: Any) -> Damage:
    def change(file: h5py.File) -> None:
        file.attrs[name] = json.dumps({**json.loads(file.attrs[name]), **changes})

    return change


def damage(folder: Path, change: Damage, maker: Any = certified_posterior) -> Path:
    """A file whose checksums compare nothing, with a damage."""
    path = folder / FILE_NAME
    maker().save(path)
    with h5py.File(path, "a") as file:
        file.attrs[CHECKSUMS] = "{}"
        change(file)
    return path


def assert_one_line(path: Path, reason: str = "expected") -> None:
    with pytest.raises(InputError, match=reason) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith("expected ")
    assert "\n" not in message
    assert str(path) in message


with_nan = np.append(np.ones(N - 1), np.nan)
DAMAGES = {
    "weight NaN": (replace_dataset("proposal/log_weight", with_nan), "log_weight to be a number or -inf"),
    "weight inf": (replace_dataset("proposal/log_weight", np.full(N, np.inf)), "log_weight to be a number or -inf"),
    "weights too few": (replace_dataset("proposal/log_weight", np.zeros(N - 1)), f"{N} values of log_weight"),
    "weight is one number": (replace_dataset("proposal/log_weight", 1.0), f"{N} values of log_weight"),
    "weights missing": (replace_dataset("proposal/log_weight", None), "log_weight"),
    "weights are text": (replace_dataset("proposal/log_weight", ["a"] * N), "real numbers"),
    "density NaN": (replace_dataset("proposal/log_prob", with_nan), "log_prob to be a number or -inf"),
    "draws empty": (replace_dataset("proposal/log_prob", np.zeros(0)), "some values of chirp_mass"),
    "sample NaN": (replace_dataset("proposal/mass_1", with_nan), "finite samples of mass_1; got nan for 1 of"),
    "samples too many": (replace_dataset("proposal/mass_1", np.ones(N + 1)), f"{N} values of mass_1"),
    "samples are text": (replace_dataset("proposal/mass_1", ["1"] * N), "real numbers"),
    "samples are a table": (replace_dataset("proposal/mass_1", np.ones((N, 2))), f"{N} values of mass_1"),
    "parameter missing": (replace_dataset("proposal/mass_1", None), "mass_1"),
    "intrinsic missing": (set_attribute("intrinsic", [*INTRINSIC, "eccentricity"]), "samples of eccentricity"),
    "no parameters": (set_attribute("parameters", ["x"]), "at least one parameter"),
    "parameters a number": (set_attribute("parameters", 3), "cannot be read"),
    "kind of leaves": (set_attribute("kind", "leaf-estimates"), "kind leaf-estimates; got that of another"),
    "kind a number": (set_attribute("kind", 3), "got 3 in"),
    "sky of 11 pixels": (replace_dataset("sky", np.full(11, 1 / 11)), "12 nside"),
    "sky missing": (replace_dataset("sky", None), "a certificate with a sky map"),
    "sky negative": (replace_dataset("sky", np.append(np.full(11, 0.1), -0.1)), "sum one"),
    "no table": (lambda file: file.__delitem__("proposal"), "no attribute|log_prob"),
    "seed a text": (set_attribute("seed", "three"), "expected seed to be int; got 'three'"),
    "seed a fraction": (set_attribute("seed", 1.5), "expected seed to be int"),
    "seed missing": (set_attribute("seed", None), "seed"),
    "event a number": (set_attribute("event", 3), "expected event to be str"),
    "trigger time a text": (set_attribute("trigger_time", "noon"), "expected trigger_time to be float"),
    "trigger time NaN": (set_attribute("trigger_time", np.nan), "trigger_time"),
    "detectors a number": (set_attribute("detectors", 3), "cannot be read"),
    "notes a number": (set_attribute("notes", "3"), "cannot be read"),
    "trust a list": (set_attribute("trust", "[1]"), "cannot be read"),
    "trust a number": (set_attribute("trust", "3"), "cannot be read"),
    "trust is no JSON": (set_attribute("trust", "{"), "cannot be read"),
    "verdict a number": (change_document("trust", verdict=3), "expected verdict to be str"),
    "verdict unknown": (change_document("trust", verdict="trustworthy"), "expected a verdict among"),
    "timing a list": (set_attribute("timing", "[1]"), "cannot be read"),
    "timing a text": (change_document("timing", load_s="x"), "expected timing"),
    "prior without name": (set_attribute("prior", "{}"), "name"),
    "prior of texts": (change_document("prior", arrival=["a", "b"]), "expected arrival"),
    "prior cut": (change_document("prior", arrival=[1.0]), "cannot be read"),
    "prior unknown": (change_document("prior", distance={"kind": "Flat"}), "Flat"),
    "prior of other fields": (change_document("prior", distance={"kind": "PowerLaw", "x": 1}), "cannot be read"),
    "certificate without numbers": (change_document("certificate", efficiency="x"), "expected efficiency to be float"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_every_damage_is_one_line(kind: str, tmp_path: Path) -> None:
    change, reason = DAMAGES[kind]
    assert_one_line(damage(tmp_path, change), reason)


def test_a_posterior_is_no_estimate_of_leaves(tmp_path: Path) -> None:
    assert_one_line(damage(tmp_path, set_attribute("kind", "posterior"), leaf_estimates), "got that of another")
    unknown = json.dumps({"mass_2": {"aleatoric": 1.0}})
    assert_one_line(damage(tmp_path, set_attribute("uncertainty_components", unknown), leaf_estimates), "mass_2")


@pytest.mark.parametrize("maker", MAKERS.values())
def test_a_file_that_lost_its_checksums_is_refused(maker: Any, tmp_path: Path) -> None:
    path = damage(tmp_path, lambda _: None, maker)
    assert read(path) == maker()
    with h5py.File(path, "a") as file:
        del file.attrs[CHECKSUMS]
    assert_one_line(path, "expected checksums of the content; got none")


def test_impossible_draws_in_a_file_are_not_trusted(tmp_path: Path) -> None:
    impossible = replace_dataset("proposal/log_weight", np.full(N, -np.inf))
    found = read(damage(tmp_path, impossible, network_posterior))
    assert not found.trust.trusted
    assert IMPOSSIBLE in found.trust.reasons


def test_parameters_of_a_later_version_are_left_out_and_named(tmp_path: Path) -> None:
    def add(file: h5py.File) -> None:
        file["proposal/eccentricity"] = np.full(N, np.nan)
        file.attrs["parameters"] = ["eccentricity", *file.attrs["parameters"]]

    found = read(damage(tmp_path, add))
    assert list(found) == list(certified_posterior())
    assert found.provenance.notes == ("the file holds eccentricity, which this version of chirpleaf does not know",)
    found.save(tmp_path / "again.hdf5")
    assert read(tmp_path / "again.hdf5") == found


@pytest.mark.parametrize("maker", MAKERS)
def test_a_changed_number_or_attribute_does_not_match_its_checksum(maker: str, tmp_path: Path) -> None:
    result = MAKERS[maker]()
    path = tmp_path / FILE_NAME
    changes: list[tuple[str, Damage]] = [
        ("proposal/mass_1", lambda file: file["proposal/mass_1"].write_direct(np.ones(N) / 3)),
        ("proposal/log_weight", lambda file: file["log_weight"].write_direct(np.ones(N) / 3)),
        ("@seed", set_attribute("seed", 4)),
        ("@trust", change_document("trust", verdict="trusted")),
        ("@event", set_attribute("event", None)),
    ]
    for place, change in changes:
        result.save(path)
        with h5py.File(path, "a") as file:
            change(file)
        assert_one_line(path, f"got another in {place}")


def test_what_a_user_adds_to_a_file_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    certified_posterior().save(path)
    with h5py.File(path, "a") as file:
        file.attrs["comment"] = "for the paper"
        file["mine"] = np.zeros(3)
    assert read(path) == certified_posterior()


def test_flipped_bits_are_found_anywhere(tmp_path: Path) -> None:
    """What is read of a file with a flipped bit is either refused or the same as before."""
    path = tmp_path / FILE_NAME
    saved = leaf_estimates()
    saved.save(path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    structure = [place for place in range(len(content)) if content[place]][:4000]
    refused = 0
    for place in [*rng.choice(structure, 80), *rng.integers(0, len(content), 20)]:
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        with suppress(InputError):
            assert read(path) == saved
            continue
        refused += 1
    assert refused > 20


@pytest.mark.parametrize("length", [0, 1, 8, 100, 3000, 20_000])
def test_a_file_that_is_cut_short_is_refused(length: int, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    network_posterior().save(path)
    path.write_bytes(path.read_bytes()[:length])
    assert_one_line(path)


@pytest.mark.parametrize("path", [None, 3, "", b"posterior.hdf5"])
def test_a_path_is_a_path(path: Any) -> None:
    with pytest.raises(InputError, match=r"expected a posterior\.hdf5 or its folder; got"):
        read(path)


def test_a_device_is_no_result() -> None:
    with pytest.raises(InputError, match="got /dev/null, which is a device"):
        read("/dev/null")
