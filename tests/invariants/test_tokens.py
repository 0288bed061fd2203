"""Tokens and encoders: an encoder keeps every feature once; absent detectors do not affect the others."""

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from chirpleaf.errors import InputError
from chirpleaf.models import Model
from chirpleaf.networks.encoders import ENCODERS, Channels, Concatenation, Encoder, PooledSettings, Pooling
from chirpleaf.physics.detectors import light_travel_times
from chirpleaf.representation.canonical import CanonicalInput
from chirpleaf.tokens import TokenLayout, Tokens, concatenate_tokens

LAYOUT = TokenLayout(3, (4, 2, 1), n_shared=2, shared_after=1)


def tokens(n: int = 4, seed: int = 0) -> Tokens:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(n, 3, 7, generator=generator)
    return Tokens.from_values(values)._replace(shared=torch.randn(n, 2, generator=generator))


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_takes_tokens_row_by_row(name: str) -> None:
    settings = ENCODERS[name]()
    assert settings.kind == name
    encoder = settings.build(LAYOUT)
    assert isinstance(encoder, Encoder)
    whole = encoder(tokens())
    assert whole.shape == (4, encoder.n_outputs)
    for row in range(4):
        torch.testing.assert_close(encoder(tokens().select(slice(row, row + 1))), whole[row : row + 1])


def test_concatenation_keeps_every_feature_once_and_sections_together() -> None:
    some = tokens(1)
    found = Concatenation(LAYOUT)(some)[0]
    values = some.values[0]
    expected = [values[:, :4].flatten(), some.shared[0], values[:, 4:6].flatten(), values[:, 6]]
    assert torch.equal(found, torch.cat(expected))


def test_batches_are_joined_and_selected() -> None:
    joined = concatenate_tokens([tokens(2, 1), tokens(3, 2)])
    assert len(joined.values) == len(joined.shared) == len(joined.present) == 5
    for part, other in zip(joined.select(torch.tensor([2, 3, 4])), tokens(3, 2), strict=True):
        assert torch.equal(part, other)


SUBSETS = [list(who) for who in product((False, True), repeat=3) if any(who)]


@pytest.fixture
def pooling() -> Pooling:
    """A pooling encoder whose weights are all drawn."""
    torch.manual_seed(3)
    encoder = PooledSettings(width=16, heads=4).build(LAYOUT)
    for weight in encoder.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    return encoder


def test_some_encoder_takes_any_subset_and_some_needs_all() -> None:
    assert {kind.takes_subsets for kind in ENCODERS.values()} == {True, False}


@pytest.mark.parametrize("present", SUBSETS)
def test_an_absent_detector_has_no_influence(pooling: Pooling, present: list[bool]) -> None:
    some = tokens()._replace(present=torch.tensor([present] * 4))
    expected = pooling(some)
    for detector in range(3):
        values = some.values.clone()
        values[:, detector] += 7.0
        changed = pooling(some._replace(values=values))
        assert torch.equal(changed, expected) != present[detector]
        assert torch.isfinite(changed).all()


def test_the_weights_of_the_present_detectors_sum_to_one(pooling: Pooling) -> None:
    """The weighted sum of one detector is that detector's features; that of several is not their sum."""
    for present, equal in (([False, True, False], True), ([True, True, False], False)):
        found = pooling(tokens()._replace(present=torch.tensor([present] * 4)))
        assert torch.allclose(found[:, :16], found[:, 16:32], atol=1e-5) == equal


def test_the_order_of_the_detectors_does_not_matter(pooling: Pooling) -> None:
    some = tokens()._replace(present=torch.tensor([[True, True, False]] * 2 + [[True, True, True]] * 2))
    order = torch.tensor([2, 0, 1])
    other = tokens()._replace(values=some.values[:, order], present=some.present[:, order])
    before = pooling(some)
    with torch.no_grad():
        assert not torch.allclose(pooling(other)[:, :-3], before[:, :-3], atol=1e-3)
        pooling.detector.copy_(pooling.detector[order].clone())
    torch.testing.assert_close(pooling(other)[:, :-3], before[:, :-3])


def test_a_batch_of_mixed_subsets_equals_its_examples_one_by_one(pooling: Pooling) -> None:
    some = tokens(len(SUBSETS))._replace(present=torch.tensor(SUBSETS))
    alone = [pooling(some.select(slice(row, row + 1))) for row in range(len(SUBSETS))]
    torch.testing.assert_close(pooling(some), torch.cat(alone))


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize(
    "other",
    [
        {"values": torch.zeros(2, 2, 7), "present": torch.ones(2, 2, dtype=torch.bool)},
        {"values": torch.zeros(2, 3, 6)},
        {"shared": torch.zeros(2, 3)},
    ],
    ids=["a detector less", "a feature less", "a shared feature more"],
)
def test_tokens_of_other_sizes_are_refused(name: str, other: dict[str, Tensor]) -> None:
    with pytest.raises(InputError, match=r"expected tokens of 3 detectors with 7 features each and 2 shared; got .*: "):
        ENCODERS[name]().build(LAYOUT)(tokens(2)._replace(**other))


@pytest.mark.parametrize("build", [Concatenation, Channels])
def test_an_absent_detector_is_refused_where_all_are_needed(build: type[Concatenation] | type[Channels]) -> None:
    some = tokens(2)._replace(present=torch.tensor([[True, True, True], [True, False, True]]))
    build(LAYOUT)(some.select(slice(1)))
    with pytest.raises(InputError, match=r"expected data of all detectors of the model; got some without: use"):
        build(LAYOUT)(some)


def test_an_example_without_any_detector_is_refused(pooling: Pooling) -> None:
    some = tokens(2)._replace(present=torch.tensor([[True, False, False], [False, False, False]]))
    with pytest.raises(InputError, match="expected at least one detector in each example; got none in some: leave"):
        pooling(some)


@pytest.fixture(scope="module")
def data(model: Model) -> tuple[Tensor, Tensor]:
    """Loud noise of two detectors and their weights."""
    generator = torch.Generator().manual_seed(0)
    shape = (6, 2, model.estimator.canonical.grid.n_bins)
    noise = torch.view_as_complex(torch.randn(*shape, 2, generator=generator))
    return 3 * noise, 0.5 + torch.rand(shape, generator=generator)


@pytest.mark.parametrize("absent", [0, 1])
def test_an_absent_detector_leaves_the_canonical_input_of_the_other(
    model: Model, data: tuple[Tensor, Tensor], absent: int
) -> None:
    two = model.estimator.canonical
    one = CanonicalInput(two.grid, two.bank, two.reference_weights, n_detectors=1)
    there = 1 - absent
    alone = one(data[0][:, there : there + 1], data[1][:, there : there + 1])
    present = torch.ones(6, 2, dtype=torch.bool)
    present[:, absent] = False
    masked = [torch.where(present[..., None], part, torch.zeros_like(part)) for part in data]
    both = two(*masked, present)
    assert torch.equal(both.template, alone.template)
    assert torch.equal(both.tokens.present, present)
    assert both.tokens.values[:, absent].abs().max() == both.snr[:, absent].abs().max() == 0
    assert torch.isfinite(both.tokens.values).all()
    torch.testing.assert_close(both.tokens.values[:, there], alone.tokens.values[:, 0], rtol=0, atol=1e-3)
    torch.testing.assert_close(both.tokens.shared, alone.tokens.shared)
    for found, expected in zip((both.snr, both.time, both.phase), (alone.snr, alone.time, alone.phase), strict=True):
        torch.testing.assert_close(found[:, there], expected[:, 0], rtol=1e-4, atol=1e-4)


def test_a_detector_that_is_present_does_change_the_canonical_input(model: Model, data: tuple[Tensor, Tensor]) -> None:
    canonical = model.estimator.canonical
    one = CanonicalInput(canonical.grid, canonical.bank, canonical.reference_weights, n_detectors=1)
    alone = one(data[0][:, :1], data[1][:, :1])
    assert not torch.equal(canonical(*data).tokens.values[:, 0], alone.tokens.values[:, 0])


@pytest.mark.usefixtures("unchecked_types")
def test_an_unknown_encoder_is_refused(model: Model) -> None:
    with pytest.raises(
        InputError, match=r"Architecture\.encoder to be Conc.* or PooledSettings; got 'sum': correct it"
    ):
        replace(model.architecture, encoder="sum").build(model.estimator.canonical.bank)  # type: ignore[arg-type]


def test_arrivals_are_searched_within_reach_of_the_detectors_that_are_present(
    model: Model, data: tuple[Tensor, Tensor]
) -> None:
    own = model.estimator.canonical
    reach = light_travel_times(("H1", "L1")) + 0.003
    near = CanonicalInput(own.grid, own.bank, own.reference_weights, reach=reach)
    present = torch.tensor([[True, True]] * 3 + [[False, True]] * 3)
    masked = [torch.where(present[..., None], part, torch.zeros_like(part)) for part in data]
    found, free = near(*masked, present), own(*masked, present)
    assert found.time[:3].abs().max() > 0.0036
    assert found.time[:3].abs().max() < 0.0136
    assert found.time[3:].abs().max() < 0.0036 < free.time[3:].abs().max()
