"""Corrupted files of every kind: refused in one line or read; where there is a checksum, never read with other content.

`benchmarks/fuzz.py` reads many more, with limits of memory and time.
"""

from pathlib import Path

import numpy as np
import pytest
from corrupt_files import Kind, corrupt, make_kinds, outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chirpleaf.errors import InputError
from chirpleaf.physics.prior_kinds import find_kind

NAMES = ("strain", "spectrum", "preset", "result", "prior", "envelope", "posterior of others")


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kind]:
    return make_kinds(tmp_path_factory.mktemp("valid"))


def test_valid_files_are_read(kinds: dict[str, Kind]) -> None:
    found = {path.name: outcome(kind, path) for kind in kinds.values() for path in kind.files}
    assert set(found.values()) == {"accepted"}, found


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
@pytest.mark.filterwarnings("ignore")
def test_corrupted_files_are_refused_in_one_line(name: str, seed: int, kinds: dict[str, Kind], tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    valid = kinds[name].files[rng.integers(len(kinds[name].files))]
    path = tmp_path / f"case{valid.suffix}"
    way = corrupt(valid, path, rng)
    found = outcome(kinds[name], path)
    assert found in ("refused", "accepted"), f"{valid.name}, {way}: {found}"


@pytest.mark.parametrize("kind", [[], {}, 3, None])
def test_a_kind_of_a_prior_that_is_no_name_is_refused(kind: object) -> None:
    with pytest.raises(InputError, match="expected a prior of "):
        find_kind({"kind": kind})
