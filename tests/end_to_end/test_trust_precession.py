"""A signal whose spins precess, answered with aligned spins: the verdict names the better explanation.

Signals of IMRPhenomXPHM are added to recorded noise of GW150914's strain, ten seconds before the event.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from chirpleaf.inference import PreparedData, certify_draws, load_candidates, plan_certification, prepare
from chirpleaf.inference.certify import Certified, Target
from chirpleaf.inference.trust import assess_certified
from chirpleaf.inference.trust.misfit import examine_misfit
from chirpleaf.inference.trust.precession import examine_precession
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, TrustSettings
from chirpleaf.physics.detectors import detector, gmst, project
from chirpleaf.physics.precession import precessing_polarizations
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.result.trust import Level, Trust
from chirpleaf.strain import Strain, load_event
from chirpleaf.strain.events import events

EVENT = events()["GW150914"].trigger_time
TRIGGER = EVENT - 6.0
PLACE = {"ra": 1.2, "dec": -1.1, "psi": 0.4}
ALIGNED, TILTED = ((0.0, 0.0, 0.2), (0.0, 0.0, 0.0)), ((0.8, 0.3, 0.2), (0.0, 0.3, 0.0))


def add_signal(mass_2: float, spins: tuple, theta_jn: float, distance: float) -> dict[str, Strain]:
    """Strain with a binary at TRIGGER, whose first mass is 52 solar masses."""
    found = {}
    for name, one in load_event("GW150914").items():
        frequencies = np.fft.rfftfreq(len(one.values), 1 / one.sample_rate)
        band = (frequencies > 18) & (frequencies < 900)
        hp, hc = precessing_polarizations(52.0, mass_2, *spins, frequencies[band], theta_jn=theta_jn, phase=0.3)
        after = TRIGGER - one.start_time
        signal = project(hp, hc, detector(name), **PLACE, gmst=gmst(TRIGGER), frequencies=frequencies[band], time=after)
        spectrum = np.zeros(len(frequencies), dtype=complex)
        spectrum[band] = signal / distance
        wave = np.fft.irfft(spectrum, len(one.values)) * one.sample_rate
        found[name] = replace(one, values=one.values + wave)
    return found


@cache
def answer(precesses: bool) -> tuple[PreparedData, Certified, Target]:
    """Certified draws of aligned spins."""
    models = load_candidates("bbh")
    plan = plan_certification(models[0].load(), effective_samples=300)
    assert plan is not None
    # With a second mass of 20, the aligned answer piles up at the least mass ratio, and is refused for that first.
    strain = add_signal(24.0, TILTED, 1.3, 250.0) if precesses else add_signal(50.0, ALIGNED, 0.2, 900.0)
    data = prepare(models, strain=strain, trigger_time=TRIGGER)
    target = plan.make_target(data)
    return data, certify_draws(data, target, plan, samples=1000, seed=1), target


def judge(precesses: bool, **changed: object) -> Trust:
    settings = replace(DEFAULT_TRUST, precession=replace(DEFAULT_TRUST.precession, **changed))  # type: ignore[arg-type]
    return assess_certified(*answer(precesses), settings)


def values(trust: Trust) -> dict[str, float | None]:
    return {one.check: one.value for one in trust.findings}


def test_spins_that_precess_are_a_better_explanation() -> None:
    found = next(one for one in judge(True).findings if one.check == "model.precession")
    assert found.level is Level.REFUSE
    assert found.message.startswith("a binary whose spins precess explains the data better, by ")
    assert found.message.endswith("answer with --approximant IMRPhenomXPHM")
    assert found.value is not None
    assert found.value > 10


def test_aligned_spins_are_not_doubted() -> None:
    """Where the comparison is made whatever the misfit is, it speaks for aligned spins."""
    found = next(one for one in judge(False, excess=-100.0).findings if one.check == "model.precession")
    assert found.level is Level.NOTE
    assert found.value is not None
    assert -6 < found.value < 2
    assert "the data do not ask for spins that precess" in found.message


def test_it_is_asked_where_the_misfit_is_large() -> None:
    data, draws, target = answer(True)
    assert "model.precession" not in values(judge(True, excess=1000.0))
    assert examine_precession(data, draws, target)[0].value == values(judge(True))["model.precession"]


def test_a_misfit_that_precession_does_not_explain_is_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    def examine(*given: object) -> object:
        return tuple(replace(one, level=Level.WARN, value=2.5) for one in examine_misfit(*given))  # type: ignore[arg-type]

    monkeypatch.setattr("chirpleaf.inference.trust.after.examine_misfit", examine)
    assert values(judge(False, excess=1000.0))["model.misfit"] == 2.5
    explained = values(judge(False))
    assert "model.misfit" not in explained
    assert "model.precession" in explained
    assert values(judge(False, explained=2.0))["model.misfit"] == 2.5
    # The same misfit stays beside a binary that is more likely.
    assert {"model.misfit", "model.precession"} <= set(values(judge(True)))


def test_priors_that_no_model_has_are_not_compared() -> None:
    data, draws, target = answer(False)
    flat = IntrinsicPrior(mass_min=5.0, mass_max=250.0, mass_ratio_min=0.1, chirp_mass_min=12.0, chirp_mass_max=200.0)
    assert examine_precession(data, draws, target)
    assert examine_precession(data, draws, replace(target, intrinsic=flat)) == ()
    assert examine_precession(data, draws, replace(target, fixed={"theta_jn": 0.3})) == ()
    narrow = replace(target.intrinsic, chirp_mass_max=100.0)  # type: ignore[type-var]
    assert examine_precession(data, draws, replace(target, intrinsic=narrow)) == ()
    assert TrustSettings() == DEFAULT_TRUST
