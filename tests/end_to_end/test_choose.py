"""Choice between two models for light and heavy signals in coloured noise."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from chirpleaf.errors import ShortStrainError
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.observe import ChoiceSettings, choose_model
from chirpleaf.inference.trust import assess
from chirpleaf.models import Model, load_model
from chirpleaf.models.shipped import ShippedModel, posteriors
from chirpleaf.strain import PowerSpectralDensity, Strain

Simulated = Callable[..., tuple[dict[str, Strain], dict[str, PowerSpectralDensity], float]]


@pytest.fixture(scope="module")
def models() -> list[Model]:
    return [load_model(name) for name in ("bbh", "bbh-long")]


@pytest.mark.parametrize(
    ("chirp_mass", "expected"), [(6.5, "bbh-long"), (9.7, "bbh-long"), (20.0, "bbh"), (35.0, "bbh")]
)
def test_the_model_that_covers_the_chirp_mass_is_chosen(
    models: list[Model], simulated: Simulated, chirp_mass: float, expected: str
) -> None:
    found = choose_model(models, *simulated(chirp_mass))
    assert found.model.name == expected
    assert found.chirp_mass == pytest.approx(chirp_mass, rel=0.12)
    assert found.snr > 15.0


@pytest.mark.parametrize(
    ("chirp_mass", "seconds", "expected"),
    [(5.8, 64, "bbh-long"), (9.7, 64, "bbh-middle"), (9.7, 32, "bbh-middle"), (20.0, 32, "bbh")],
)
def test_the_shortest_shipped_model_that_covers_the_chirp_mass_is_chosen(
    simulated: Simulated, chirp_mass: float, seconds: int, expected: str
) -> None:
    found = choose_model(posteriors(), *simulated(chirp_mass, seconds=seconds))
    assert found.model.name == expected
    assert found.chirp_mass == pytest.approx(chirp_mass, rel=0.12)
    assert found.untried == ()


@pytest.mark.usefixtures("unchecked_types")
def test_a_light_signal_of_unequal_masses_is_not_taken_for_a_heavy_one(simulated: Simulated) -> None:
    binary = {"mass_ratio": 0.17, "chi_1": -0.68, "chi_2": -0.92}
    found = choose_model(posteriors(), *simulated(10.9, snr=31.0, **binary))
    assert found.chirp_mass > 14.0  # no template is like it
    assert found.model.name == "bbh-middle"


@pytest.mark.usefixtures("unchecked_types")
def test_a_signal_just_below_the_model_is_seen_by_draws_at_its_edge(simulated: Simulated) -> None:
    binary = {"mass_ratio": 0.18, "chi_1": -0.65, "chi_2": -0.9}
    data = simulated(11.8, snr=36.0, **binary)
    assert choose_model(posteriors(), *data).model.name == "bbh-middle"
    blind = ChoiceSettings(wall=1.0)
    found = choose_model(posteriors(), *data, settings=blind)
    assert found.model.name == "bbh"
    assert found.chirp_mass > blind.edge * 12.0


def test_a_light_signal_in_short_strain_raises_an_error(models: list[Model], simulated: Simulated) -> None:
    with pytest.raises(ShortStrainError, match="needs a longer segment, of bbh-long"):
        choose_model(models, *simulated(9.7, seconds=32))


def test_a_faint_signal_needs_no_longer_strain(models: list[Model], simulated: Simulated) -> None:
    strain, densities, trigger = simulated(9.7, seconds=32)
    faint = {name: Strain(name, 1e-3 * one.values, one.start_time, one.sample_rate) for name, one in strain.items()}
    found = choose_model(models, faint, densities, trigger)
    assert found.model.name == "bbh"
    assert [(one.name, one.short) for one in found.untried] == [("bbh-long", True)]
    assert assess(found).notes[0].startswith("the signal may be lighter than its model assumes, but bbh-long could not")


def test_a_heavy_signal_needs_no_longer_strain(models: list[Model], simulated: Simulated) -> None:
    found = choose_model(models, *simulated(30.0, seconds=32))
    assert (found.model.name, found.untried) == ("bbh", ())


def test_a_model_is_loaded_only_if_the_signal_may_be_its_own(simulated: Simulated) -> None:
    loaded = []

    @dataclass(frozen=True)
    class Recorded(ShippedModel):
        def load(self) -> Model:
            loaded.append(self.name)
            return super().load()

    candidates = [Recorded(model.name, model.duration) for model in posteriors()]
    assert [one.name for one in candidates] == ["bbh", "bbh-middle", "bbh-long"]
    choose_model(candidates[::-1], *simulated(30.0, snr=40.0))
    assert loaded == ["bbh"]
    choose_model(candidates, *simulated(30.0, snr=10.0))  # what is in the data may be a light signal
    assert loaded == ["bbh", "bbh", "bbh-long"]
    loaded[1:] = []
    choose_model(candidates, *simulated(9.7))
    assert loaded == ["bbh", "bbh", "bbh-long", "bbh-middle", "bbh-middle"]
    loaded.clear()
    choose_model(candidates, *simulated(9.7, seconds=32))  # too short for the longest one, which is not read
    assert loaded == ["bbh", "bbh-middle"]


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize(
    ("mass", "seconds", "expected"),
    [(13.0, 64, "middle"), (13.0, 32, "middle"), (5.0, 64, "bbh-long"), (5.0, 32, None)],
)
def test_the_shortest_model_that_suits_is_used_whatever_the_strain_allows(
    monkeypatch: pytest.MonkeyPatch, mass: float, seconds: int, expected: str | None
) -> None:
    """A copy of the heavy model for segments of 16 s and the templates of the light one stand for a middle model."""
    heavy, light = load_model("bbh"), load_model("bbh-long")
    prior = replace(light.architecture.prior, chirp_mass_min=8.0)
    middle = replace(light, name="middle", architecture=replace(light.architecture, duration=16.0, prior=prior))

    def observe_as(model: Model, strain: Any, *_: Any) -> Observation:
        """The template nearest to the chirp mass, without a search."""
        if seconds / 2 < model.duration - 2:
            raise ShortStrainError("outside the file")
        template = int((model.estimator.canonical.chirp_mass - mass).abs().argmin())
        canonical: Any = SimpleNamespace(template=torch.tensor([template]))
        return Observation(model, cast(Any, None), canonical, {"H1": 20.0})

    monkeypatch.setattr("chirpleaf.inference.observe.observe", observe_as)
    monkeypatch.setattr("chirpleaf.inference.observe._is_at_wall", lambda *_: False)
    if expected:
        assert choose_model([light, heavy, middle], {}, {}, 0.0).model.name == expected
        return
    with pytest.raises(ShortStrainError, match="needs a longer segment, of bbh-long: outside the file"):
        choose_model([light, heavy, middle], {}, {}, 0.0)
