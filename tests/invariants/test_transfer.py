"""What a training that begins with a trained model takes from it."""

from dataclasses import replace

import pytest
import torch

from chirpleaf.errors import InputError
from chirpleaf.models import Architecture
from chirpleaf.models.model import Model
from chirpleaf.models.transfer import begin_with
from chirpleaf.networks.encoders import PooledSettings
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.representation.templates import TemplateSettings

ALIGNED = Architecture(
    prior=IntrinsicPrior(chirp_mass_min=25, chirp_mass_max=40),
    duration=4.0,
    maximum_frequency=256.0,
    templates=TemplateSettings(phase_step=20.0, ratio_step=0.4, chi_eff=(0.0,)),
    encoder=PooledSettings(),
    root=ResidualSettings(width=16, n_blocks=1),
    n_context=8,
)
PRECESSING = replace(
    ALIGNED,
    parameter_space="precessing",
    prior=PrecessingPrior(chirp_mass_min=25, chirp_mass_max=40),
    signal="multimode",
    approximant="IMRPhenomXPHM",
)


@pytest.fixture(scope="module")
def start() -> Model:
    torch.manual_seed(0)
    return Model("start", ALIGNED, ALIGNED.build())


def test_a_model_of_the_same_parameters_is_trained_further_as_it_is(start: Model) -> None:
    architecture, estimator = begin_with(start, replace(ALIGNED, root=ResidualSettings(width=32, n_blocks=2)))
    assert architecture is start.architecture
    assert estimator is start.estimator


def test_a_model_of_other_parameters_gives_encoder_and_root(start: Model) -> None:
    torch.manual_seed(1)
    architecture, estimator = begin_with(start, PRECESSING)
    assert architecture is PRECESSING
    assert estimator.quantities != start.estimator.quantities
    new, old = estimator.network.state_dict(), start.estimator.network.state_dict()
    given = [name for name in new if name.startswith(("encoder.", "root."))]
    assert len(given) > 10
    assert all(torch.equal(new[name], old[name]) for name in given)
    assert new["head.affine.weight"].shape != old["head.affine.weight"].shape


@pytest.mark.parametrize(
    "head",
    [
        LeafSettings(("final_spin",)),
        BayesianLeafSettings(("mass_1", "mass_2")),
        MixtureSettings(),
    ],
)
def test_leaves_of_another_kind_or_quantity_take_the_root_alone(head: object) -> None:
    """They would be trained under a name that promises what they do not infer."""
    masses = replace(ALIGNED, head=LeafSettings(("mass_1", "mass_2")))
    start = Model("masses", masses, masses.build())
    wanted = replace(masses, head=head)  # type: ignore[arg-type]
    architecture, estimator = begin_with(start, wanted)
    assert architecture is wanted
    assert estimator.kind == wanted.build().kind
    assert estimator.quantities == wanted.build().quantities
    new, old = estimator.network.root.state_dict(), start.estimator.network.root.state_dict()
    assert new.keys() == old.keys()
    assert all(torch.equal(new[name], old[name]) for name in new)


def test_leaves_for_the_same_quantities_are_trained_further() -> None:
    masses = replace(ALIGNED, head=LeafSettings(("mass_1", "mass_2")))
    start = Model("masses", masses, masses.build())
    wider = replace(masses, head=LeafSettings(("mass_1", "mass_2"), width=64))
    assert begin_with(start, wider) == (start.architecture, start.estimator)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"duration": 8.0}, "got another duration"),
        ({"root": ResidualSettings(width=32, n_blocks=1)}, "expected the root of start"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(start: Model, changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        begin_with(start, replace(PRECESSING, **changes))  # type: ignore[arg-type]
