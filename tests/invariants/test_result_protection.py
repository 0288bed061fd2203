"""Results cannot be changed by accident, are used as mappings, and refuse weights that say nothing."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from made_results import INTRINSIC, MAKERS, TRUST, N, certified_posterior, leaf_estimates, network_posterior, table

from chirpleaf.errors import InputError
from chirpleaf.result import LeafEstimates, Posterior, Proposal
from chirpleaf.result.frozen import FrozenMapping, freeze_array
from chirpleaf.result.posterior import IMPOSSIBLE
from chirpleaf.result.sky import SkyMap
from chirpleaf.result.trust import Trust
from chirpleaf.result.weights import relative_weights

TRUSTED = Trust("trusted", 21.5, {"H1": 17.1}, ())


@pytest.fixture(params=MAKERS)
def result(request: pytest.FixtureRequest) -> Posterior | LeafEstimates:
    return MAKERS[request.param]()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("density", ["log_prob", "log_weight"])
def test_a_weight_that_is_no_number_is_refused(wrong: float, density: str) -> None:
    fields: dict[str, Any] = {"log_prob": np.zeros(N), "log_weight": np.zeros(N)}
    fields[density][7] = wrong
    with pytest.raises(InputError, match=rf"expected {density} to be a number or -inf.*got {wrong} for 1 of {N}"):
        Proposal(table(INTRINSIC), **fields)
    with pytest.raises(InputError, match="expected ln of importance weights"):
        relative_weights(fields[density])


@pytest.mark.parametrize(
    ("samples", "log_prob", "log_weight"),
    [
        (N, N, N - 1),
        (N, N - 1, N),
        (N - 1, N, N),
        (N, N, (N, 1)),
        (0, 0, 0),
    ],
)
def test_arrays_of_different_lengths_are_refused(samples: int, log_prob: int, log_weight: Any) -> None:
    with pytest.raises(InputError, match=r"expected \w+ values of \w+, one for each draw; got"):
        Proposal({"mass_1": np.ones(samples)}, np.zeros(log_prob), np.zeros(log_weight))


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ({}, "at least one parameter"),
        ({"mass": np.ones(2)}, "names of parameters; got 'mass'"),
        ({"mass_1": np.array([1.0, np.nan])}, "finite samples of mass_1; got nan for 1 of 2"),
        ({"mass_1": np.array([1.0, -np.inf])}, "finite samples of mass_1; got -inf"),
        ({"mass_1": np.array(["1", "2"])}, "an array of real numbers"),
        ({"mass_1": np.array([1j, 2])}, "an array of real numbers"),
    ],
)
def test_samples_are_finite_numbers_of_parameters(samples: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Proposal(samples, np.zeros(2), np.zeros(2))
    with pytest.raises(InputError, match=message):
        leaf_estimates(samples=samples, log_prob=np.zeros(2))


def test_impossible_draws_are_never_trusted() -> None:
    proposal = Proposal(table(INTRINSIC), np.zeros(N), np.full(N, -np.inf))
    posterior = network_posterior(proposal=proposal, trust=TRUSTED)
    assert (posterior.trust.trusted, posterior.trust.reasons) == (False, (IMPOSSIBLE,))
    assert posterior.summary_document()["trust"]["verdict"] == "untrusted"
    assert Posterior.from_record(posterior.to_record()).trust == posterior.trust
    one = np.where(np.arange(N) == 5, -800.0, -np.inf)
    posterior = network_posterior(proposal=Proposal(table(INTRINSIC), np.zeros(N), one), trust=TRUSTED)
    assert posterior.trust == TRUSTED
    assert len(posterior) == 1


def test_the_density_of_missing_parameters_is_refused() -> None:
    with pytest.raises(InputError, match="expected samples of mass_ratio; got chirp_mass, chi_1 alone"):
        network_posterior(
            proposal=Proposal(table(("chirp_mass", "chi_1")), np.zeros(N), np.zeros(N)), intrinsic=INTRINSIC[:3]
        )


@pytest.mark.parametrize(
    "copied", [lambda result: result, copy.deepcopy, lambda result: pickle.loads(pickle.dumps(result))]
)
def test_arrays_and_mappings_of_a_result_are_read_only(result: Posterior | LeafEstimates, copied: Any) -> None:
    result = copied(result)
    before = result["mass_1"].copy()
    held = [result.samples]
    if isinstance(result, Posterior):
        held.append(result.proposal.samples)
    for samples in held:
        with pytest.raises(ValueError, match="read-only"):
            samples["mass_1"][:] = 0
        with pytest.raises(TypeError, match="item assignment"):
            samples["mass_1"] = before
    values = result["mass_1"]
    with pytest.raises(ValueError, match="read-only"):
        values *= 2
    for mapping in (result.timing, result.trust.snr, result.provenance.data_quality):
        with pytest.raises(TypeError, match="item assignment"):
            mapping["x"] = 0
    np.testing.assert_array_equal(result["mass_1"], before)


def test_the_arrays_of_the_maker_do_not_reach_into_a_result() -> None:
    """The maker may go on with its arrays, and a read-only view of writeable memory is no protection."""
    samples, log_weight = table(INTRINSIC), np.zeros(N)
    view = samples["chi_1"].view()
    view.flags.writeable = False
    proposal = Proposal({**samples, "chi_1": view}, np.zeros(N), log_weight)
    before = {name: values.copy() for name, values in samples.items()}
    log_weight[:] = 3.0
    for name in samples:
        samples[name] *= 2
    assert not proposal.log_weight.any()
    for name, values in before.items():
        np.testing.assert_array_equal(proposal.samples[name], values)
    assert freeze_array(proposal.log_weight) is proposal.log_weight


def test_resampled_values_belong_to_the_user() -> None:
    few = network_posterior().resample(3)
    few["mass_1"] *= 2
    few["mine"] = few["mass_1"]


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize("n", [-1, 0, 1.5, "a", None, True, np.nan])
def test_a_number_of_samples_is_a_whole_number(n: Any) -> None:
    with pytest.raises(InputError, match="expected n to be a whole number of at least 1; got"):
        certified_posterior().resample(n)


def test_a_result_is_used_as_a_mapping(result: Posterior | LeafEstimates) -> None:
    assert "mass_1" in result
    assert "mass" not in result
    assert 0 not in result
    assert ["mass_1"] not in result
    assert list(result) == list(result.keys()) == list(result.samples)
    assert len(result) == len(result["mass_1"])
    assert dict(result) == dict(result.items()) or all(dict(result)[name] is result[name] for name in result)
    assert len(list(result.values())) == len(result.samples)


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize("name", ["mass1", 0, ["mass_1"], None])
def test_an_unknown_name_is_an_input_error_and_a_key_error(result: Posterior | LeafEstimates, name: Any) -> None:
    with pytest.raises(KeyError) as caught:
        result[name]
    assert isinstance(caught.value, InputError)
    assert str(caught.value).startswith("expected a parameter of ")
    if name == "mass1":
        assert str(caught.value).endswith("got 'mass1': did you mean mass_1?")


def test_one_name_is_enough(result: Posterior | LeafEstimates) -> None:
    assert list(result.summary("mass_1")) == ["mass_1"]
    assert len(result.plot_corner("mass_1").axes) == 1


def test_results_of_the_same_content_are_equal(result: Posterior | LeafEstimates) -> None:
    again, other = (MAKERS[name]() for name in _two_kinds(result))
    assert result == again
    assert hash(result) == hash(again)
    assert result != other
    assert result != "result"


def _two_kinds(result: Posterior | LeafEstimates) -> tuple[str, str]:
    """Name of the maker of a result, and of another."""
    own = "leaves" if isinstance(result, LeafEstimates) else "certified" if result.certificate else "network"
    return own, next(name for name in MAKERS if name != own)


@pytest.mark.parametrize("field", ["samples", "weights", "trust", "timing", "sky"])
def test_every_part_counts_for_equality(field: str) -> None:
    one = certified_posterior()
    draws = one.proposal
    changed = {
        "samples": {
            "proposal": Proposal({**draws.samples, "psi": draws.samples["phase"]}, draws.log_prob, draws.log_weight)
        },
        "weights": {"proposal": Proposal(draws.samples, draws.log_prob, np.append(draws.log_weight[:-1], -9.0))},
        "trust": {"trust": TRUSTED},
        "timing": {"timing": {}},
        "sky": {"sky": SkyMap(np.full(12 * 32**2, 1 / (12 * 32**2)))},
    }
    assert one != certified_posterior(**changed[field])
    assert (draws == certified_posterior(**changed[field]).proposal) == (field not in ("samples", "weights"))


def test_frozen_mappings_compare_by_content() -> None:
    one = FrozenMapping({"a": np.array([1.0, np.nan]), "b": {"c": 1}, "d": np.nan})
    assert one == {"a": np.array([1.0, np.nan]), "b": {"c": 1}, "d": np.nan}
    assert one != {"a": np.array([1.0, 2.0]), "b": {"c": 1}, "d": np.nan}
    assert one != 3
    with pytest.raises(TypeError, match="item assignment"):
        one["b"]["c"] = 2  # type: ignore[index]


@pytest.mark.parametrize(
    ("probability", "message"),
    [
        (np.full(12 * 15**2, 1 / (12 * 15**2)), "12 nside"),
        (np.full(3071, 1 / 3071), "12 nside"),
        (np.ones((12, 1)) / 12, "12 nside"),
        (np.full(12, 1.0), "sum one"),
        (np.append(np.full(11, 1 / 10), -0.1), "sum one"),
        (np.append(np.full(11, 1 / 11), np.nan), "sum one"),
    ],
)
def test_a_sky_map_is_a_distribution_on_a_grid(probability: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SkyMap(probability)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"timing": {"load_s": np.nan}}, "timing.load_s = nan"),
        ({"trust": Trust("untrusted", 1.0, {"H1": np.inf}, TRUST.reasons)}, "trust.snr.H1 = inf"),
    ],
)
def test_numbers_that_are_not_finite_are_not_written(change: dict[str, Any], place: str, tmp_path: Any) -> None:
    with pytest.raises(InputError, match=f"expected finite numbers in a result; got {place}: correct it"):
        network_posterior(**change).write(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize("path", ["", "new/", None, 3])
def test_saving_needs_a_name(path: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"expected .*to save to; got"):
        network_posterior().save(path)
    assert not list(tmp_path.iterdir())
