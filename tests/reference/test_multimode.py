"""Signals of several harmonics against bilby's generator, and against LALSimulation at other phases and options."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.signals import Multimode
from chirpleaf.physics.signals.harmonics import separate
from chirpleaf.physics.spin_angles import to_components, to_spin_angles
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.physics.waveforms import polarizations

N, DURATION, RATE, LOW, HIGH = 12, 4.0, 2048.0, 20.0, 900.0
FREQUENCIES = np.arange(round(LOW * DURATION), round(HIGH * DURATION) + 1) / DURATION
PRIOR = PrecessingPrior(mass_min=8.0, mass_max=90.0)
PHASES = np.random.default_rng(9).uniform(0, 2 * np.pi, N)


def binaries(*, aligned: bool = False) -> dict[str, np.ndarray]:
    found = PRIOR.sample(N, np.random.default_rng(8))
    if aligned:
        found |= {name: np.zeros(N) for name in ("chi_1_in_plane", "chi_2_in_plane")}
    return found


@cache
def generator(approximant: str, *, interpolated: bool) -> Any:
    """bilby's generator; without interpolation between few frequencies, unless `interpolated`."""
    import bilby
    import lal
    import lalsimulation

    options = lal.CreateDict()
    if not interpolated:
        lalsimulation.SimInspiralWaveformParamsInsertPhenomXHMThresholdMband(options, 0.0)
        lalsimulation.SimInspiralWaveformParamsInsertPhenomXPHMThresholdMband(options, 0.0)
    return bilby.gw.WaveformGenerator(
        duration=DURATION,
        sampling_frequency=RATE,
        frequency_domain_source_model=bilby.gw.source.lal_binary_black_hole,
        waveform_arguments={
            **{"waveform_approximant": approximant, "reference_frequency": 20.0},
            **{"minimum_frequency": LOW, "maximum_frequency": HIGH, "lal_waveform_dictionary": options},
        },
    )


def bilbys(nine: dict[str, np.ndarray], row: int, distance: float, waveform: Any) -> np.ndarray:
    """Both polarisations of bilby, shape (2, F)."""
    angles = to_spin_angles(nine, 20.0)
    mass_1, mass_2 = component_masses(nine["chirp_mass"], nine["mass_ratio"])
    parameters = {name: float(values[row]) for name, values in {**angles, "mass_1": mass_1, "mass_2": mass_2}.items()}
    waves = waveform.frequency_domain_strain(
        parameters | {"phase": float(PHASES[row]), "luminosity_distance": distance}
    )
    band = (waveform.frequency_array >= LOW) & (waveform.frequency_array <= HIGH)
    return np.stack([waves["plus"][band], waves["cross"][band]])


def composed(signal: Multimode, nine: dict[str, np.ndarray]) -> np.ndarray:
    """Both polarisations from the series, shape (n, 2, F)."""
    series = signal.series(nine, FREQUENCIES)
    patterns = ((1.0, 0.0), (0.0, 1.0))
    responses = np.stack([signal.response(*pattern, 0.0, PHASES) for pattern in patterns], axis=1)
    return np.einsum("nps,nsf->npf", responses, series)


def mismatch(found: np.ndarray, expected: np.ndarray) -> float:
    """One less the normalised product over both polarisations, under a spectrum that falls and rises; phase kept."""
    weight = 1 / ((FREQUENCIES / 40) ** -4 + 1 + (FREQUENCIES / 250) ** 2)
    product, first, second = (
        np.sum(weight * a * b.conj()).real for a, b in ((found, expected), (found, found), (expected, expected))
    )
    return 1 - product / np.sqrt(first * second)


@pytest.mark.parametrize("approximant", ["IMRPhenomXPHM", "IMRPhenomXP", "IMRPhenomPv2", "IMRPhenomXHM"])
def test_polarisations_are_those_of_bilby(approximant: str) -> None:
    """LALSimulation interpolates on even grids by default, which alone makes a mismatch of some 1e-6."""
    nine = binaries(aligned=approximant == "IMRPhenomXHM")
    found = composed(Multimode(WaveformSettings(approximant)), nine) / 500.0
    for row in range(N):
        expected = bilbys(nine, row, 500.0, generator(approximant, interpolated=False))
        assert mismatch(found[row], expected) < 1e-8
        usual = bilbys(nine, row, 500.0, generator(approximant, interpolated=True))
        assert mismatch(found[row], usual) < 1e-5
        # A mismatch alone hides a wrong scale.
        assert np.linalg.norm(found[row]) == pytest.approx(np.linalg.norm(expected), rel=1e-4)


def test_without_its_phase_another_signal_is_found() -> None:
    """The control: the mismatch sees a phase that is wrong by 0.1 rad, and spins fixed to the bodies."""
    nine, signal = binaries(), Multimode()
    expected = composed(signal, nine)
    series = signal.series(nine, FREQUENCIES)
    wrong = np.stack([signal.response(*one, 0.0, PHASES + 0.1) for one in ((1.0, 0.0), (0.0, 1.0))], axis=1)
    found = np.einsum("nps,nsf->npf", wrong, series)
    assert min(mismatch(found[row], expected[row]) for row in range(N)) > 1e-3
    turned = {**nine, **{name: nine[name] - PHASES for name in ("azimuth_1", "azimuth_2")}}
    found = composed(signal, turned)
    assert max(mismatch(found[row], expected[row]) for row in range(N)) > 1e-3


@pytest.mark.parametrize("version", [104, 320])
def test_options_of_the_waveform_are_taken(version: int) -> None:
    waveform = WaveformSettings("IMRPhenomXPHM", arguments=(("PhenomXPrecVersion", version),))
    nine = {name: values[:3] for name, values in binaries().items()}
    mass_1, mass_2 = component_masses(nine["chirp_mass"], nine["mass_ratio"])
    place = {"mass_1": mass_1, "mass_2": mass_2, "luminosity_distance": 1.0, "phase": PHASES[:3]}
    expected = np.stack(polarizations({**to_components(nine, PHASES[:3]), **place}, FREQUENCIES, waveform), axis=1)
    signal = Multimode(waveform)
    responses = [signal.response(*one, 0.0, PHASES[:3]) for one in ((1.0, 0.0), (0.0, 1.0))]
    found = np.einsum("nps,nsf->npf", np.stack(responses, axis=1), signal.series(nine, FREQUENCIES))
    default = np.einsum("nps,nsf->npf", np.stack(responses, axis=1), Multimode().series(nine, FREQUENCIES))
    for row in range(3):
        assert mismatch(found[row], expected[row]) < 1e-6
    assert max(mismatch(default[row], expected[row]) for row in range(3)) > 1e-5


def test_harmonics_are_found() -> None:
    assert Multimode().harmonics == (1, 1, 2, 2, 3, 3, 4, 4)
    assert Multimode(WaveformSettings("IMRPhenomPv2")).harmonics == (2, 2)
    only = WaveformSettings("IMRPhenomXPHM", arguments=(("ModeArray", "2,2 2,-2 3,3 3,-3"),))
    assert Multimode(only).harmonics == (2, 2, 3, 3)
    assert separate(only).n_phases == 2
    assert Multimode().dominant == 2


def test_spins_in_the_plane_need_an_approximant_that_precesses() -> None:
    with pytest.raises(InputError, match="expected spins along the orbital angular momentum for IMRPhenomXHM"):
        Multimode(WaveformSettings("IMRPhenomXHM")).series(binaries(), FREQUENCIES[:10])


def test_an_approximant_whose_phase_is_no_rotation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from chirpleaf.physics.signals import harmonics

    compute = harmonics._compute
    monkeypatch.setattr(harmonics, "_compute", lambda *given: compute(*given) * (1 + 0.01 * np.cos(20 * given[2])))
    with pytest.raises(InputError, match="expected an approximant whose phase turns harmonics of the orbit"):
        harmonics.separate.__wrapped__(WaveformSettings("IMRPhenomXP"))
