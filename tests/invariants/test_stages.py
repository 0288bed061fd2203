"""The stages of an analysis, each by itself: prepare, plan, propose, build."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from chirpleaf.errors import InputError, ShortStrainError
from chirpleaf.inference import (
    PreparedData,
    analyse,
    build_result,
    infer,
    load_candidates,
    plan_certification,
    prepare,
    propose,
)
from chirpleaf.inference.amortised import sample_intrinsic, sample_posterior
from chirpleaf.inference.build import describe_prior
from chirpleaf.inference.certify.target import Prior, Target
from chirpleaf.inference.kinds import KINDS, SPECTRA
from chirpleaf.inference.noise_spectra import resample_spectra
from chirpleaf.inference.options import WaveformOptions
from chirpleaf.inference.sources import LONG_DURATION
from chirpleaf.inference.timing import Stopwatch
from chirpleaf.models import Architecture, Model
from chirpleaf.models.architecture_json import decode_head
from chirpleaf.physics.comoving_volume import UniformSourceFrame
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.result import LeafEstimates, Posterior
from chirpleaf.strain import PowerSpectralDensity, Strain, load_event
from chirpleaf.strain.events import events

TRIGGER = events()["GW150914"].trigger_time
HEADS = {
    "posterior": None,
    "leaves": {"kind": "leaves", "names": ["mass_1", "mass_2"]},
    "bayesian-leaves": {"kind": "bayesian-leaves", "names": ["final_spin", "omega_r"]},
}


@pytest.fixture(scope="module")
def models(model: Model, architecture: Architecture) -> dict[str, Model]:
    """An untrained model of each kind."""
    found = {}
    for kind, head in HEADS.items():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            some = architecture if head is None else replace(architecture, head=decode_head(head))
            found[kind] = model if head is None else Model(kind, some, some.build().eval(), {"data_sha256": "ab"})
    return found


@pytest.fixture(scope="module")
def data(models: dict[str, Model]) -> dict[str, PreparedData]:
    return {kind: prepare([one], "GW150914") for kind, one in models.items()}


def test_every_kind_of_estimator_has_its_stages(models: dict[str, Model]) -> None:
    assert {model.estimator.kind for model in models.values()} == set(KINDS)


def test_preparation_gathers_what_the_stages_need(data: dict[str, PreparedData], model: Model) -> None:
    found = data["posterior"]
    assert found.model is model
    assert (found.source.event, found.source.trigger_time) == ("GW150914", TRIGGER)
    assert set(found.source.strain) == set(found.spectra) == {"H1", "L1"}
    assert found.known == frozenset()
    assert abs(found.observation.segment.reference_time - TRIGGER) < 0.1
    assert found.cut_network_segment() is found.observation.segment


def test_the_likelihood_gets_all_detectors(model: Model) -> None:
    found = prepare([model], "GW170814")
    seen, whole = found.observation.segment, found.cut_network_segment()
    assert (seen.detectors, whole.detectors) == (("H1", "L1"), ("H1", "L1", "V1"))
    assert whole.reference_time == seen.reference_time
    np.testing.assert_array_equal(whole.frequencies, seen.frequencies)
    # Strain is cut about the reference time here, and about the trigger there: both windows are flat at the signal.
    difference = np.abs(whole.strain[:2] - seen.strain) ** 2 / seen.psd
    assert difference.sum() < 0.05 * (np.abs(seen.strain) ** 2 / seen.psd).sum()


def test_strain_and_spectra_of_the_user_are_taken(model: Model) -> None:
    flat = PowerSpectralDensity(np.array([10.0, 2048.0]), np.array([1e-46, 1e-46]))
    found = prepare([model], strain=load_event("GW150914"), trigger_time=TRIGGER, psd={"H1": flat})
    assert (found.source.event, found.known) == ("strain", frozenset({"H1"}))
    assert found.spectra["H1"] is flat
    for spectra in resample_spectra(found.noise, found.spectra, found.known, 2, seed=0):
        assert spectra["H1"] is flat
        assert spectra["L1"] is not found.spectra["L1"]


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An open catalogue with strain of 16 s, or of 64 s where longer strain is asked for; which was asked for."""
    asked: list[int] = []

    def fetch(name: str, *, duration: int, offline: bool = False) -> tuple[Any, Mapping[str, Strain]]:
        asked.append(duration)
        rng, seconds = np.random.default_rng(0), 64 if duration == LONG_DURATION else 16
        strain = {
            detector: Strain(detector, rng.normal(scale=1e-21, size=4096 * seconds), TRIGGER - seconds / 2, 4096.0)
            for detector in ("H1", "L1")
        }
        return events()["GW150914"], strain

    monkeypatch.setattr("chirpleaf.strain.gwosc.fetch_event", fetch)
    return asked


def test_short_strain_is_tried_again_with_longer_strain(
    model: Model, data: dict[str, PreparedData], catalogue: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    durations, observation = [], data["posterior"].observation

    def choose(models: Any, strain: Mapping[str, Strain], psd: Any, trigger_time: float, *_: Any, **__: Any) -> Any:
        durations.append(strain["H1"].duration)
        if durations[-1] < 32:
            raise ShortStrainError("the signal needs a segment of 32 s")
        return observation

    monkeypatch.setattr("chirpleaf.inference.preparation.choose_model", choose)
    found = prepare([model], "GW200129_065458")
    assert found.observation is observation
    assert (durations, catalogue) == ([16.0, 64.0], [32, LONG_DURATION])
    short = {name: strain.segment(TRIGGER - 8, 16.0) for name, strain in found.source.strain.items()}
    with pytest.raises(ShortStrainError):
        prepare([model], strain=short, trigger_time=TRIGGER)


def test_an_embedded_event_has_no_longer_strain(
    model: Model, catalogue: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(*_: Any, **__: Any) -> Any:
        raise ShortStrainError("the signal needs a segment of 32 s")

    monkeypatch.setattr("chirpleaf.inference.preparation.choose_model", choose)
    with pytest.raises(ShortStrainError):
        prepare([model], "GW150914")
    assert catalogue == []


def test_candidates_are_the_shipped_posteriors_or_what_is_named() -> None:
    assert {model.name for model in load_candidates()} == {"bbh", "bbh-middle", "bbh-long"}
    assert [model.name for model in load_candidates("masses")] == ["masses"]


@pytest.mark.parametrize("kind", HEADS)
def test_posteriors_alone_are_certified(kind: str, models: dict[str, Model]) -> None:
    assert (plan_certification(models[kind]) is not None) == (kind == "posterior")
    assert plan_certification(models[kind], False) is None
    if kind != "posterior":
        with pytest.raises(InputError, match=r"expected a model of all parameters to certify; got .*: leave certify"):
            plan_certification(models[kind], True)


@pytest.mark.parametrize(
    "asked", [{"prior": "standard"}, {"waveform": WaveformOptions("IMRPhenomD")}, {"effective_samples": 5}]
)
def test_what_certification_takes_is_refused_without_it(asked: dict[str, Any], model: Model) -> None:
    with pytest.raises(InputError, match="with effective samples, a budget, an approximant or a prior"):
        plan_certification(model, False, **asked)


def test_a_plan_makes_the_target(model: Model, data: dict[str, PreparedData]) -> None:
    plan = plan_certification(model, prior="comoving", waveform=WaveformOptions("IMRPhenomD"))
    assert plan is not None
    target = plan.make_target(data["posterior"])
    assert (target.prior, target.waveform.approximant) == ("comoving", "IMRPhenomD")
    assert target.intrinsic == model.architecture.prior
    default = plan_certification(model)
    assert default is not None
    usual = default.make_target(data["posterior"])
    assert usual.waveform.approximant == model.architecture.approximant
    assert (usual.prior, usual.distance) == ("isotropic", UniformSourceFrame(10.0, 15_000.0))


def test_draws_are_the_estimators(data: dict[str, PreparedData]) -> None:
    observation = data["posterior"].observation
    values, log_prob = sample_posterior(observation, 50, seed=3)
    estimator = observation.model.posterior
    theta, expected = estimator.sample(observation.canonical, 50, torch.Generator().manual_seed(3))
    np.testing.assert_array_equal(estimator.space.stack(values), theta[:, 0].numpy())
    np.testing.assert_array_equal(log_prob, expected[:, 0].numpy())
    assert not np.array_equal(sample_intrinsic(observation, 50, seed=4)[0]["chirp_mass"], values["chirp_mass"])


@pytest.mark.parametrize("kind", HEADS)
def test_each_kind_proposes_and_is_built(kind: str, data: dict[str, PreparedData]) -> None:
    one = data[kind]
    output = propose(one, 300, seed=1)
    n = SPECTRA if kind == "leaves" else 300
    assert {len(values) for values in output.samples.values()} == {len(output.log_prob)} == {n}
    assert set(one.model.estimator.quantities) <= set(output.samples)
    assert np.isnan(output.log_prob).all() == (kind == "leaves")
    result = build_result(one, output, 1, {"load_s": 1.0})
    assert isinstance(result, Posterior if kind == "posterior" else LeafEstimates)
    assert (result.provenance.event, result.provenance.model, result.provenance.seed) == ("GW150914", one.model.name, 1)
    assert result.provenance.data_sha256 == ("" if kind == "posterior" else "ab")
    assert result.timing == {"load_s": 1.0}
    assert result.prior is not None
    assert result.prior.intrinsic == one.model.architecture.prior
    again = analyse(one, None, samples=300, seed=1)
    for name in result.samples:
        np.testing.assert_array_equal(again[name], result[name])


def test_the_prior_of_a_target_is_kept_as_data() -> None:
    network = IntrinsicPrior()
    target = Prior.load("comoving").make_target(network, trigger_time=5.0)
    found = describe_prior(target, 5.0)
    assert (found.name, found.intrinsic, found.distance) == ("comoving", network, UniformSourceFrame(100.0, 3000.0))
    assert found.arrival == pytest.approx((4.9, 5.1))
    assert describe_prior(replace(target, centre=7.0), 5.0).arrival == pytest.approx((6.9, 7.1))

    class OnlyBilbyKnows:
        def log_prob(self, samples: Any, /) -> Any:
            raise NotImplementedError

    unknown = describe_prior(Target(OnlyBilbyKnows(), prior="my.prior"), 5.0)
    assert (unknown.name, unknown.intrinsic, unknown.distance) == ("my.prior", None, None)


def test_a_stopwatch_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10.0, 11.0, 13.0, 17.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    watch = Stopwatch()
    for stage in ("load_s", "infer_s", "infer_s"):
        watch.lap(stage)
    assert watch.timing == {"load_s": 1.0, "infer_s": 6.0, "certify_s": None, "trust_s": None, "total_s": 7.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "expected an event or strain; got both or neither"),
        ({"event": "GW150914", "strain": {}}, "expected an event or strain; got both or neither"),
        ({"strain": {"H1": "h1.hdf5"}}, "expected the trigger time of the strain; got none: add --trigger"),
        ({"event": "GW150914", "samples": 0}, "expected samples to be a whole number of at least 1; got 0"),
        ({"event": "GW150914", "model": "nothing"}, "expected a shipped model"),
        ({"event": "GW150914", "psd": {"V1": "v1.txt"}}, "got one of V1, whose strain is missing"),
    ],
)
def test_wrong_questions_are_input_errors(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        infer(**arguments)
    assert "\n" not in str(caught.value)
