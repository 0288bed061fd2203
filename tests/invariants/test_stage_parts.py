"""Parts of the stages: certification as a stage, the retry with longer strain, draws of each kind of estimator."""

import importlib
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tiny import TinySignal

from chirpleaf.errors import InputError, ShortStrainError
from chirpleaf.inference import PreparedData, Request, analysis, certify_draws, plan_certification, prepare
from chirpleaf.inference.amortised import sample_posterior
from chirpleaf.inference.kinds import KINDS, sample_quantities
from chirpleaf.inference.observation import UntriedModel
from chirpleaf.inference.preparation import retry_with_longer_strain
from chirpleaf.inference.reference_time import refine_reference_time
from chirpleaf.inference.sources import Source
from chirpleaf.inference.systematics.options import Systematics
from chirpleaf.models import Architecture, Model
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings
from chirpleaf.physics.signals import make_signal_model
from chirpleaf.system.deadline import Deadline


def test_certification_gets_the_choices_of_the_plan(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    package = importlib.import_module("chirpleaf.inference.certify")
    monkeypatch.setattr(package, "certify", lambda *arguments, **further: calls.append((arguments, further)))
    data = prepare([model], "GW150914")
    plan = plan_certification(model, budget=7.0, workers=3)
    assert plan is not None
    target = plan.make_target(data)
    certify_draws(data, target, plan, samples=50, seed=4)
    certify_draws(data, target, replace(plan, effective_samples=9))
    (observation, segment, trigger, asked, settings), further = calls[0]
    assert (observation, segment, asked) == (data.observation, data.cut_network_segment(), target)
    assert trigger == data.source.trigger_time
    assert (settings.minimum_draws, settings.effective_samples, settings.budget) == (50, 25, 7.0)
    assert (further.pop("rules_out")(1e3), further) == (False, {"seed": 4, "workers": 3, "deadline": None})
    assert (calls[1][0][4].minimum_draws, calls[1][0][4].effective_samples) == (10_000, 9)
    silent = replace(data, observation=replace(data.observation, snr_by_detector={"H1": 5.9}))
    certify_draws(silent, target, plan, samples=10_000)
    few, further = calls[2][0][4], calls[2][1]
    assert (few.minimum_draws, few.reference_time.attempts, few.sampling.coverage_share) == (512, 0, 0.0)
    assert further["rules_out"](1e3)


def test_the_budget_begins_with_the_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading and preparing data take seven of ten seconds; certification has the rest, and less if more follows."""
    now, ends = [50.0], []

    def prepare_in_time(self: Request, *arguments: Any) -> PreparedData:
        now[0] += 7.0
        return prepare_now(self, *arguments)

    def stop(*_: object, deadline: Deadline, **__: object) -> None:
        ends.append(deadline.end)
        raise ZeroDivisionError

    prepare_now = Request.prepare
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(Request, "prepare", prepare_in_time)
    monkeypatch.setattr(analysis, "certify_draws", stop)
    for systematics in (Systematics(), Systematics(psd_uncertainty=True)):
        with pytest.raises(ZeroDivisionError):
            analysis.analyse_event(Request("GW150914", model="bbh", budget=10.0, systematics=systematics))
    assert ends == pytest.approx([60.0, 57.0 + 10.0 - 0.2 * 3.0])


def observed(*untried: UntriedModel) -> PreparedData:
    """Prepared data with nothing but the models that could not be tried."""
    data = object.__new__(PreparedData)
    object.__setattr__(data, "observation", SimpleNamespace(untried=untried))
    return data


STRAIN, LONG_STRAIN = Source("x", 0.0, {}), Source("longer", 0.0, {})
SHORT, OTHER = UntriedModel("a", "strain ends", short=True), UntriedModel("b", "no V1", short=False)


@pytest.mark.parametrize(
    ("first", "sources"),
    [
        (observed(), [STRAIN]),
        (observed(OTHER), [STRAIN]),
        (observed(OTHER, SHORT), [STRAIN, LONG_STRAIN]),
        (ShortStrainError("too short"), [STRAIN, LONG_STRAIN]),
    ],
)
def test_strain_is_fetched_only_where_a_model_needs_more(
    first: PreparedData | ShortStrainError, sources: list[Source]
) -> None:
    tried, second = [], observed()

    def observe(source: Source) -> PreparedData:
        tried.append(source)
        if source is LONG_STRAIN:
            return second
        if isinstance(first, ShortStrainError):
            raise first
        return first

    found = retry_with_longer_strain(observe, STRAIN, lambda: LONG_STRAIN)
    assert tried == sources
    assert found is (first if sources == [STRAIN] else second)


def test_other_mistakes_are_not_tried_again() -> None:
    def observe(source: Source) -> PreparedData:
        raise InputError("wrong")

    with pytest.raises(InputError, match="wrong"):
        retry_with_longer_strain(observe, STRAIN, lambda: pytest.fail("fetched"))


@pytest.fixture(params=KINDS)
def one(request: pytest.FixtureRequest, model: Model, architecture: Architecture) -> Iterator[Model]:
    """An untrained model of each kind."""
    heads = {"leaves": LeafSettings(names=("mass_1",)), "bayesian-leaves": BayesianLeafSettings(names=("mass_1",))}
    if request.param not in heads:
        yield model
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        some = replace(architecture, head=heads[request.param])
        yield Model(request.param, some, some.build().eval(), {})


def test_each_kind_draws_its_quantities(one: Model) -> None:
    segment = prepare([one], "GW150914").observation.segment
    observation = refine_reference_time(one, segment)
    values = sample_quantities(observation, 40, seed=2)
    kind = one.estimator.kind
    assert set(one.estimator.quantities) <= set(values)
    assert {len(own) for own in values.values()} == {1 if kind == "leaves" else 40}
    assert one.estimator.has_interval_widths == (kind == "bayesian-leaves")
    if kind == "posterior":
        np.testing.assert_array_equal(values["mass_1"], sample_posterior(observation, 40, 2)[0]["mass_1"])


def test_signal_models_say_whether_they_have_all_modes() -> None:
    assert make_signal_model("IMRPhenomXAS").has_all_modes()
    assert not make_signal_model("IMRPhenomXHM").has_all_modes()
    assert TinySignal().has_all_modes()
