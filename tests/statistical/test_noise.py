"""Noise sources: noise is white under its own weights; an error of 20 % is detected."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from chirpleaf.errors import InputError
from chirpleaf.representation.multiband import Multiband
from chirpleaf.strain.conditioning import Conditioning
from chirpleaf.strain.ensemble import PsdEnsemble, design_log_psd
from chirpleaf.strain.noise import (
    Bins,
    EnsembleNoise,
    MeasuredNoise,
    NoiseDraw,
    NoiseSource,
    NoiseTable,
    RecordedNoise,
    mask_signal,
)
from chirpleaf.strain.strain import Spectrum, Strain
from chirpleaf.strain.windows import power, tukey
from chirpleaf.training.noise import TabulatedNoise

DETECTORS = ("H1", "L1")
DURATION, RATE = 4.0, 2048.0
GRID = Multiband(DURATION, chirp_mass_min=20.0, chirp_mass_max=87.0)
REFERENCE = GRID.weights(np.exp(design_log_psd("aLIGO_mid_high", GRID.native_frequencies)))
CURVES = {"H1": "aLIGO_mid_high", "L1": "aLIGO_design"}


def density(detector: str, frequencies: Spectrum) -> Spectrum:
    return np.exp(design_log_psd(CURVES[detector], frequencies))


@cache
def recording(seconds: int = 64, seed: int = 0) -> dict[str, Strain]:
    """Gaussian strain with the detectors' design curves."""
    rng, n = np.random.default_rng(seed), int(seconds * RATE)
    frequencies = np.fft.rfftfreq(n, 1 / RATE)
    found = {}
    for name in DETECTORS:
        psd = density(name, np.maximum(frequencies, 10.0))
        parts = rng.standard_normal((2, len(frequencies))) * np.sqrt(psd * seconds / 4)
        found[name] = Strain(name, np.fft.irfft(parts[0] + 1j * parts[1], n) * RATE, 1e9, RATE)
    return found


def measured(folder: Path) -> MeasuredNoise:
    path, frequencies = folder / "psd.hdf5", np.arange(0.0, 1025.0, 0.5)
    with h5py.File(path, "w") as file:
        for event, factor in (("loud", 4.0), ("quiet", 1.0)):
            for name in DETECTORS:
                values = factor * density(name, np.maximum(frequencies, 10.0)) / 1e-46
                file[f"{event}/{name}"] = values
                file[f"{event}/{name}"].attrs.update(f0=0.0, delta_f=0.5, scale=1e-46)
        file["alone/H1"] = file["loud/H1"][()]
        file["alone/H1"].attrs.update(f0=0.0, delta_f=0.5, scale=1e-46)
    return MeasuredNoise(path)


SOURCES: dict[str, Callable[[Path], NoiseSource]] = {
    "ensemble": lambda _: EnsembleNoise(PsdEnsemble(families=("O3",))),
    "measured": measured,
    "recorded, slid": lambda _: RecordedNoise({"long": recording()}),
    "recorded, coherent": lambda _: RecordedNoise({"long": recording()}, slides=False),
}
"""A new source gets its tests by one line here."""

KEPT = {"recorded, slid": power(tukey(int(DURATION * RATE), Conditioning().roll_off * RATE))}
KEPT["recorded, coherent"] = KEPT["recorded, slid"]
"""Fraction of the noise's power that the window of recorded segments keeps; Gaussian noise has no window."""


@pytest.fixture(params=SOURCES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(name: str, tmp_path: Path) -> NoiseSource:
    return SOURCES[name](tmp_path)


def variance(values: np.ndarray) -> np.ndarray:
    """Mean over the real and imaginary parts of each detector, shape (detector,)."""
    return np.mean(np.abs(values) ** 2, axis=tuple(range(1, values.ndim))) / 2


def assert_between(found: np.ndarray, kept: float) -> None:
    """A wide bin sees the middle of the window alone, where it takes nothing; a narrow one sees all of it."""
    assert np.all((found > 0.95 * kept) & (found < 1.05)), found


def assert_white(source: NoiseSource, kept: float, draws: int = 60) -> None:
    """On native frequencies, and in the bins of a training's table."""
    rng = np.random.default_rng(1)
    native, binned = [], []
    for _ in range(draws):
        draw = source.sample(DETECTORS, GRID.native_frequencies, DURATION, rng)
        noise = draw.realise(rng)
        native.append(variance(noise / np.sqrt(draw.psd * DURATION / 4)))
        binned.append(variance(GRID.compress(noise, draw.psd)[0]))
    np.testing.assert_allclose(np.mean(native, axis=0), kept, rtol=0.05)
    assert_between(np.mean(binned, axis=0), kept)
    table = TabulatedNoise.from_table(source.tabulate(DETECTORS, GRID, REFERENCE, 200, seed=2))
    generator = torch.Generator().manual_seed(3)
    drawn = table.sample_noise(table.sample_rows(300, generator), generator).numpy()
    assert_between(variance(drawn.swapaxes(0, 1)), kept)


def assert_weights_are_right(source: NoiseSource, draws: int = 300) -> None:
    """Weights of the table are those of the densities that the source draws, on average over rows and bins."""
    rng = np.random.default_rng(4)
    expected = np.mean(
        [
            np.log(GRID.weights(source.sample(DETECTORS, GRID.native_frequencies, DURATION, rng).psd) / REFERENCE)
            for _ in range(draws)
        ],
        axis=(0, 2),
    )
    table = TabulatedNoise.from_table(source.tabulate(DETECTORS, GRID, REFERENCE, draws, seed=5))
    weights = table.weights_at(table.sample_rows(4 * draws, torch.Generator().manual_seed(6)))
    np.testing.assert_allclose(weights.log().mean((0, 2)).numpy(), expected, atol=0.1)


def test_noise_is_white(name: str, source: NoiseSource) -> None:
    assert_white(source, KEPT.get(name, 1.0))


def test_weights_belong_to_the_densities(source: NoiseSource) -> None:
    assert_weights_are_right(source)


@dataclass(frozen=True)
class Wrong:
    """A source whose noise is 20 % louder than its densities say, or whose table has weights 20 % too large."""

    source: NoiseSource
    noise: float = 1.0
    weights: float = 1.0

    def sample(
        self, detectors: tuple[str, ...], frequencies: Spectrum, duration: float, rng: np.random.Generator
    ) -> NoiseDraw:
        draw = self.source.sample(detectors, frequencies, duration, rng)
        return replace(draw, strain=self.noise * draw.realise(rng))

    def tabulate(
        self, detectors: tuple[str, ...], bins: Bins, reference_weights: np.ndarray, n: int, *, seed: int
    ) -> NoiseTable:
        table = self.source.tabulate(detectors, bins, reference_weights, n, seed=seed)
        noise = None if table.noise is None else (self.noise * table.noise).astype(np.complex64)
        return replace(table, weights=np.float32(self.weights) * table.weights, noise=noise)


def test_a_source_that_is_a_fifth_off_fails(name: str, source: NoiseSource) -> None:
    with pytest.raises(AssertionError):
        assert_white(Wrong(source, noise=1.2), KEPT.get(name, 1.0))
    with pytest.raises(AssertionError):
        assert_weights_are_right(Wrong(source, weights=1.2))


def test_draws_are_functions_of_their_seeds(source: NoiseSource) -> None:
    def draw(seed: int) -> NoiseDraw:
        return source.sample(DETECTORS, GRID.native_frequencies, DURATION, np.random.default_rng(seed))

    np.testing.assert_array_equal(draw(1).psd, draw(1).psd)
    one, two = draw(1).realise(np.random.default_rng(1)), draw(2).realise(np.random.default_rng(2))
    assert not np.array_equal(one, two)
    first, second = (source.tabulate(DETECTORS, GRID, REFERENCE, 5, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.weights, second.weights)


def test_densities_of_the_ensemble_are_independent_and_those_of_an_event_are_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weights = EnsembleNoise().tabulate(DETECTORS, GRID, REFERENCE, 8, seed=0).weights
    assert not np.isclose(weights[0], weights[1]).all(axis=-1).any()
    families = {EnsembleNoise().sample(DETECTORS, GRID.native_frequencies, DURATION, rng).origin for _ in range(40)}
    assert any("/" in family for family in families)
    assert any("/" not in family for family in families)
    source = measured(tmp_path)
    for _ in range(10):
        draw = source.sample(DETECTORS, GRID.native_frequencies, DURATION, rng)
        factor = {"loud": 4.0, "quiet": 1.0}[draw.origin]
        expected = [factor * density(name, GRID.native_frequencies) for name in DETECTORS]
        np.testing.assert_allclose(draw.psd, expected, rtol=0.02)
    table = TabulatedNoise.from_table(source.tabulate(DETECTORS, GRID, REFERENCE, 100, seed=0))
    rows = table.sample_rows(50, torch.Generator().manual_seed(0))
    assert len(table.weights[0]) == 2
    assert torch.equal(rows[:, 0], rows[:, 1])
    assert len(rows.unique()) == 2


def test_the_ensemble_can_be_narrowed() -> None:
    source = EnsembleNoise(PsdEnsemble(families=("design",)))
    draw = source.sample(DETECTORS, GRID.native_frequencies, DURATION, np.random.default_rng(0))
    assert draw.origin == "design"


def twins(seconds: int = 40) -> dict[str, Strain]:
    """Two detectors with the same strain."""
    strain = recording(seconds, seed=1)["H1"]
    return {"H1": strain, "L1": replace(strain, detector="L1")}


@pytest.mark.parametrize("slides", [True, False])
def test_slides_cut_the_detectors_at_independent_times(slides: bool) -> None:
    source, rng = RecordedNoise({"twins": twins()}, slides=slides), np.random.default_rng(0)
    for _ in range(5):
        draw = source.sample(DETECTORS, GRID.native_frequencies, DURATION, rng)
        assert draw.strain is not None
        assert np.array_equal(draw.strain[0], draw.strain[1]) == (not slides)
    table = source.tabulate(DETECTORS, GRID, REFERENCE, 10, seed=0)
    assert table.coherent == (not slides)


@pytest.mark.parametrize("slides", [True, False])
def test_a_masked_signal_is_never_cut(slides: bool) -> None:
    loud = twins()["H1"].values.copy()
    middle = len(loud) // 2
    loud[middle - 100 : middle + 100] += 1e-15
    strain = {name: Strain(name, loud, 1e9, RATE) for name in DETECTORS}
    time = 1e9 + middle / RATE
    masked = {name: mask_signal(series, time, before=1.0, after=1.0) for name, series in strain.items()}
    rng = np.random.default_rng(0)
    for recordings, expected in (({"x": strain}, True), ({"x": masked}, False)):
        source = RecordedNoise(recordings, slides=slides)
        draws = [source.sample(DETECTORS, GRID.native_frequencies, DURATION, rng) for _ in range(40)]
        loudest = max(float(np.abs(draw.strain / np.sqrt(draw.psd)).max()) for draw in draws)
        assert (loudest > 100) == expected


def test_without_slides_a_gap_in_one_detector_counts_for_all() -> None:
    strain = twins(30)
    short = {**strain, "L1": mask_signal(strain["L1"], 1e9 + 7.0, before=2.0, after=30.0)}  # 5 s are left
    with pytest.raises(InputError, match="expected a recording with 4 s of good strain of L1, V1; got none"):
        RecordedNoise({"x": short}).sample(("L1", "V1"), GRID.native_frequencies, DURATION, np.random.default_rng(0))
    source = RecordedNoise({"x": {"H1": strain["H1"], "L1": short["L1"]}}, slides=False)
    starts = source._find_starts(DETECTORS, DURATION)["x"]
    assert starts[0] == starts[1]
    assert starts[0][0][1] == pytest.approx(1e9 + 1.0, abs=0.01)
    with pytest.raises(InputError, match="expected a recording with 8 s of good strain"):
        source._find_starts(DETECTORS, 8.0)


def test_a_file_without_an_event_of_all_detectors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected an event with H1, V1; got none"):
        measured(tmp_path).sample(("H1", "V1"), GRID.native_frequencies, DURATION, np.random.default_rng(0))
    with pytest.raises(InputError, match="expected HDF5 with EVENT/DETECTOR datasets"):
        MeasuredNoise(tmp_path / "none.hdf5").tabulate(DETECTORS, GRID, REFERENCE, 1, seed=0)


@pytest.mark.parametrize("event", ["GW150914", "GW170814"])
def test_off_source_strain_of_an_embedded_event_is_nearly_white(event: str) -> None:
    """Its density is estimated without the segment itself, and its inverse is unbiased."""
    source, rng = RecordedNoise.from_events(event), np.random.default_rng(0)
    draws = [source.sample(DETECTORS, GRID.native_frequencies, DURATION, rng) for _ in range(60)]
    found = np.mean([variance(draw.realise(rng) / np.sqrt(draw.psd * DURATION / 4)) for draw in draws], axis=0)
    kept = KEPT["recorded, slid"]
    assert np.all((found > 0.94 * kept) & (found < 1.06 * kept))
    assert {draw.origin for draw in draws} == {event}


def test_densities_of_recordings_are_estimates_without_the_segment() -> None:
    draw = RecordedNoise({"long": recording()}).sample(
        DETECTORS, GRID.native_frequencies, DURATION, np.random.default_rng(0)
    )
    for own, name in zip(draw.psd, DETECTORS, strict=True):
        assert np.median(own / density(name, GRID.native_frequencies)) == pytest.approx(1.0, abs=0.03)


def test_a_segment_does_not_whiten_itself() -> None:
    """A segment that is a hundred times louder than the rest keeps its power, as its own data are left out."""
    values = recording()["H1"].values.copy()
    values[round(20 * RATE) : round(24 * RATE)] *= 10.0
    source = RecordedNoise({"x": {"H1": replace(recording()["H1"], values=values)}})
    found = source._estimate_spectrum("x", "H1", 1e9 + 22.0, 4.0).at(GRID.native_frequencies)
    assert np.median(found / density("H1", GRID.native_frequencies)) == pytest.approx(1.0, abs=0.1)
    other = source._estimate_spectrum("x", "H1", 1e9 + 50.0, 4.0).at(GRID.native_frequencies)
    assert np.median(other / density("H1", GRID.native_frequencies)) > 1.1
