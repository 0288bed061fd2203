"""Priors by their kind: one of another space travels through presets, model files and results; old files still load."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from made_results import N, network_posterior, table
from tiny import TinyPrior, registered_tiny, tiny_architecture

from chirpleaf.config import Preset, read_preset, write_preset
from chirpleaf.errors import InputError
from chirpleaf.models import Architecture
from chirpleaf.models.architecture_json import decode_architecture, encode_architecture
from chirpleaf.physics.prior_kinds import PRIORS, PriorDistribution, decode_prior, encode_prior, is_registered
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import aligned_space
from chirpleaf.result import Posterior, Proposal, read
from chirpleaf.result.prior import AnalysisPrior
from chirpleaf.training.banks.proposal import StratifiedProposal

NARROW = TinyPrior(lightest=30.0)
DISTRIBUTIONS = [*(kind() for kind in PRIORS.values()), NARROW]
each = pytest.mark.parametrize("prior", DISTRIBUTIONS, ids=lambda prior: type(prior).__name__)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """The tiny space and its prior among those that files may name."""
    with registered_tiny():
        yield


@each
def test_a_prior_comes_back_from_json(prior: PriorDistribution) -> None:
    assert isinstance(prior, PriorDistribution)
    assert is_registered(prior)
    assert decode_prior(json.loads(json.dumps(encode_prior(prior)))) == prior
    document = AnalysisPrior("model", prior)
    assert AnalysisPrior.from_json(json.loads(json.dumps(document.to_json()))) == document


@each
def test_restricted_priors_share_probability_by_their_normalisation(prior: PriorDistribution) -> None:
    low, high = prior.chirp_mass_range
    middle = 0.6 * low + 0.4 * high
    lower, upper = prior.restrict(low, middle), prior.restrict(middle, high)
    assert lower.normalisation + upper.normalisation == pytest.approx(prior.normalisation, rel=1e-6)
    assert lower.chirp_mass_cuts == (True, True)
    draws = lower.sample(50, np.random.default_rng(0))
    assert max(draws["chirp_mass"]) <= middle
    share = np.log(lower.normalisation / prior.normalisation)
    np.testing.assert_allclose(prior.log_prob(draws), lower.log_prob(draws) + share)


def test_the_prior_of_old_files_states_no_kind() -> None:
    prior = IntrinsicPrior(chirp_mass_min=12.0)
    assert encode_prior(prior) == asdict(prior)
    assert decode_prior(asdict(prior)) == prior
    assert encode_architecture(Architecture(prior=prior))["prior"] == asdict(prior)


def test_an_architecture_of_another_space_comes_back() -> None:
    architecture = tiny_architecture()
    again = decode_architecture(json.loads(json.dumps(encode_architecture(architecture))))
    assert again == architecture
    assert again.space.names == ("chirp_mass", "mass_ratio")


def test_a_preset_of_another_space_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name: x\nsignal: tiny\nparameter_space: tiny\nprior: {kind: TinyPrior, lightest: 30}")
    preset = read_preset(path)
    assert preset.architecture().prior == NARROW
    write_preset(preset, tmp_path / "b.yaml")
    assert read_preset(tmp_path / "b.yaml") == preset
    assert Preset(name="x", prior=NARROW).prior is NARROW


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ("{kind: Flat}", "got prior in .*expected a prior of IntrinsicPrior.*got 'Flat'"),
        ("{kind: TinyPrior, mass_min: 5}", "got prior in .*mass_min: Unexpected"),
        ("{mass_min: much}", "got prior in .*mass_min: Input should be a valid number"),
        ("3", "got prior in .*section"),
    ],
)
def test_mistakes_in_the_prior_of_a_preset_are_named(prior: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"name: x\nprior: {prior}")
    with pytest.raises(InputError, match=message):
        read_preset(path)


def test_a_result_of_another_space_is_saved_and_read(tmp_path: Path) -> None:
    names = ("chirp_mass", "mass_ratio")
    proposal = Proposal(table(names), np.zeros(N), np.zeros(N))
    saved = network_posterior(proposal=proposal, intrinsic=names, prior=AnalysisPrior("model", NARROW))
    saved.save(tmp_path)
    again = read(tmp_path)
    assert isinstance(again, Posterior)
    assert again.prior == saved.prior
    assert again.intrinsic == names
    assert again.summary_document() == saved.summary_document()
    assert again.bilby_document() == saved.bilby_document()
    assert AnalysisPrior("model", NARROW).to_bilby_json() is None


def test_a_prior_that_is_not_registered_is_refused_when_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(PRIORS, "TinyPrior")
    assert not is_registered(NARROW)
    with pytest.raises(InputError, match=r"expected a prior of IntrinsicPrior.*got TinyPrior"):
        AnalysisPrior("model", NARROW).to_json()


def test_a_space_refuses_a_prior_of_other_parameters() -> None:
    with pytest.raises(InputError, match="expected an IntrinsicPrior for aligned spins; got TinyPrior"):
        aligned_space(NARROW)


def test_strata_of_another_prior_are_weighted_by_their_share() -> None:
    proposal = StratifiedProposal(NARROW, n_strata=3)
    widths = np.diff(proposal.edges)
    np.testing.assert_allclose(np.exp(proposal.log_weight([31.0, 44.0])), 3 * widths[[0, -1]] / widths.sum())
