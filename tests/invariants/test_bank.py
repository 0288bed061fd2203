"""Waveform bank: a function of its seed, for any number of processes."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from chirpleaf.errors import InputError
from chirpleaf.models import Architecture
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.signals import SignalModel
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.system.progress import watch_progress
from chirpleaf.training.banks.bank import WaveformBank, build_waveform_bank
from chirpleaf.training.data import waveform_source
from chirpleaf.training.parallel.ranks import Ranks


def build(architecture: Architecture, n: int, *, seed: int = 0, workers: int = 1) -> WaveformBank:
    return build_waveform_bank(waveform_source(architecture, seed=seed), n, workers=workers)


@pytest.fixture(scope="module")
def two_chunks(architecture: Architecture) -> WaveformBank:
    return build(architecture, 8192 + 100)


def test_any_number_of_workers_makes_the_same_bank(architecture: Architecture, two_chunks: WaveformBank) -> None:
    other = build(architecture, 8192 + 100, workers=2)
    assert torch.equal(other.theta, two_chunks.theta)
    assert torch.equal(other.series, two_chunks.series)


def test_a_bank_reports_its_progress(architecture: Architecture) -> None:
    reports: list[tuple[str, int, int]] = []
    with watch_progress(lambda *one: reports.append(one)):
        build(architecture, 100)
    assert reports == [("waveforms", 0, 100), ("waveforms", 100, 100)]


def test_a_smaller_bank_is_the_beginning_of_a_larger_one(architecture: Architecture, two_chunks: WaveformBank) -> None:
    small = build(architecture, 50)
    assert len(small) == 50
    assert torch.equal(small.theta, two_chunks.theta[:50])
    assert torch.equal(small.series, two_chunks.series[:50])


def test_another_seed_makes_another_bank_and_chunks_differ(
    architecture: Architecture, two_chunks: WaveformBank
) -> None:
    assert not torch.equal(build(architecture, 50, seed=1).theta, two_chunks.theta[:50])
    assert not torch.equal(two_chunks.theta[:100], two_chunks.theta[8192:])


def test_rows_are_unit_waveforms_of_their_binaries(architecture: Architecture, two_chunks: WaveformBank) -> None:
    waves = torch.view_as_complex(two_chunks.series[::400, 0].float()).numpy()
    np.testing.assert_allclose(np.linalg.norm(waves, axis=1), 1.0, atol=2e-3)
    chirp_mass, mass_ratio, chi_1, chi_2 = two_chunks.theta[::400].numpy().T
    mass_1, mass_2 = component_masses(chirp_mass, mass_ratio)
    binaries = {"mass_1": mass_1, "mass_2": mass_2, "chi_1": chi_1, "chi_2": chi_2, "theta_jn": 0.0, "phase": 0.0}
    frequencies = architecture.grid.frequencies
    expected = polarizations(binaries | {"luminosity_distance": 1.0}, frequencies)[0]
    expected *= architecture.grid.carrier(frequencies) * architecture.reference_weights()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(np.sum(expected.conj() * waves, axis=1), 1.0, atol=2e-3)
    np.testing.assert_allclose(waves, expected, atol=1e-3)


def test_binaries_lie_in_the_prior(architecture: Architecture, two_chunks: WaveformBank) -> None:
    samples = dict(zip(("chirp_mass", "mass_ratio", "chi_1", "chi_2"), two_chunks.theta.numpy().T, strict=True))
    assert np.all(np.isfinite(architecture.prior.log_prob(samples)))


class FailingSignal:
    """A signal model whose waveforms fail below a mass ratio."""

    def __init__(self, signal: SignalModel, limit: float) -> None:
        self.signal, self.limit = signal, limit

    def __getattr__(self, name: str) -> object:
        return getattr(self.signal, name)

    def series(self, intrinsic: dict[str, np.ndarray], frequencies: np.ndarray, *, skip_failures: bool) -> np.ndarray:
        found, failed = self.signal.series(intrinsic, frequencies), intrinsic["mass_ratio"] < self.limit
        if failed.any() and not skip_failures:
            raise InputError("expected another binary")
        found[failed] = np.nan
        return found


@pytest.mark.usefixtures("unchecked_types")
def test_binaries_whose_waveform_fails_are_replaced_and_counted(architecture: Architecture) -> None:
    plain = waveform_source(architecture, seed=0, strata=2)
    source = replace(plain, signal=cast(Any, FailingSignal(plain.signal, 0.4)))
    bank, whole = build_waveform_bank(source, 200), build_waveform_bank(plain, 200)
    column = source.parameters.index("mass_ratio")
    failed = whole.theta[:, column] < 0.4
    assert bank.failed_waveforms == int(failed.sum()) > 0 == whole.failed_waveforms
    assert (bank.theta[:, column] >= 0.4).all()
    assert torch.equal(bank.theta[~failed], whole.theta[~failed])
    assert torch.isfinite(bank.series).all()
    # Rows do not depend on the rows that are computed with them.
    for start in (0, 70):
        theta, series = source.rows(start, start + 7)
        np.testing.assert_array_equal(theta, bank.theta[start : start + 7])
        np.testing.assert_array_equal(series, bank.series[start : start + 7])
    with pytest.raises(InputError, match="expected another binary"):
        build_waveform_bank(replace(plain, signal=cast(Any, FailingSignal(plain.signal, 1.1))), 8)


def ring(architecture: Architecture, *, n: int = 640, fresh: int = 64) -> WaveformBank:
    return build_waveform_bank(waveform_source(architecture, seed=0), n, fresh=fresh)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_a_ring_is_a_function_of_the_batch(architecture: Architecture) -> None:
    steady, jumping = ring(architecture), ring(architecture)
    contents = []
    for batch in range(25):
        rows = steady.sample_rows(batch, 8, generator())
        contents.append((rows, steady.theta.clone(), steady.series.clone()))
    for batch in (3, 24, 12, 0):
        rows, theta, waves = contents[batch]
        assert torch.equal(jumping.sample_rows(batch, 8, generator()), rows)
        assert torch.equal(jumping.theta, theta), batch
        assert torch.equal(jumping.series, waves), batch


def test_a_ring_renews_itself_and_nothing_else(architecture: Architecture) -> None:
    bank = ring(architecture)
    before = bank.theta.clone()
    bank.sample_rows(0, 8, generator())
    changed = (bank.theta != before).any(dim=1)
    assert changed[:64].all()
    assert not changed[64:].any()
    for batch in range(1, 10):
        bank.sample_rows(batch, 8, generator())
    assert (bank.theta != before).any(dim=1).all()
    assert len(bank.theta.unique(dim=0)) == 640


def test_rows_that_are_about_to_be_written_are_left_alone(architecture: Architecture) -> None:
    bank = ring(architecture, n=64 * 300, fresh=64)
    drawn = bank.sample_rows(0, 20_000, generator())
    # Batch 0 has written rows 0-63; the next batches write on from there, the last ones were the ring's end.
    places = (drawn - 64) % len(bank)
    assert places.min() >= 64 * 64
    assert places.max() < len(bank) - 64 * 64


def test_without_renewal_all_rows_are_drawn_and_none_changes(architecture: Architecture) -> None:
    bank = ring(architecture, n=200, fresh=0)
    before = bank.theta.clone()
    assert len(bank.sample_rows(7, 5000, generator()).unique()) == 200
    assert torch.equal(bank.theta, before)


class Drawn(Dataset[torch.Tensor]):
    """Binaries that batches of a ring draw."""

    def __init__(self, bank: WaveformBank) -> None:
        self._bank = bank

    def __getitem__(self, batch: int) -> torch.Tensor:
        rows = self._bank.sample_rows(batch, 50, torch.Generator().manual_seed(batch))
        return self._bank.theta[rows]


def test_processes_that_share_a_ring_draw_what_one_draws(architecture: Architecture) -> None:
    alone = Drawn(ring(architecture, n=16 * 300, fresh=16))
    expected = [alone[batch].clone() for batch in range(5, 365)]
    loader = DataLoader(
        Drawn(ring(architecture, n=16 * 300, fresh=16)), batch_size=None, sampler=range(5, 365), num_workers=2
    )
    for batch, theta in enumerate(loader):
        assert torch.equal(theta, expected[batch]), batch


def test_ranks_have_waveforms_of_their_own(architecture: Architecture) -> None:
    banks = [
        build_waveform_bank(waveform_source(architecture, seed=0, ranks=Ranks(rank, 2)), 401, fresh=10)
        for rank in (0, 1)
    ]
    assert [len(bank) for bank in banks] == [201, 201]
    for batch in range(30):
        banks[batch % 2].sample_rows(batch, 8, generator())
    assert len(torch.cat([bank.theta for bank in banks]).unique(dim=0)) == 402
