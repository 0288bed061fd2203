"""Waveforms against LALSimulation's uniform-grid interfaces and against Newtonian physics."""

from functools import partial

import lal
import lalsimulation
import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.physics.conversions import chirp_mass
from chirpleaf.physics.inspiral import SOLAR_MASS_SECONDS, chirp_time
from chirpleaf.physics.signals.quadrupole import face_on, inclination_factors, is_quadrupole_only
from chirpleaf.physics.waveforms import polarizations

BINARY = {
    "mass_1": 36.0,
    "mass_2": 29.0,
    "chi_1": 0.3,
    "chi_2": -0.2,
    "luminosity_distance": 400.0,
    "theta_jn": 1.1,
    "phase": 0.7,
}
BINARIES = [
    BINARY,
    BINARY | {"mass_1": 70.0, "mass_2": 12.0, "chi_1": -0.8, "chi_2": 0.6, "theta_jn": 2.6, "phase": 4.0},
    BINARY | {"mass_1": 9.0, "mass_2": 7.0, "chi_1": 0.9, "chi_2": 0.9, "luminosity_distance": 100.0, "theta_jn": 0.2},
]
DELTA_F = 1 / 8
GRID = np.arange(20.0, 900.0, DELTA_F)
BINS = slice(round(GRID[0] / DELTA_F), round(GRID[0] / DELTA_F) + len(GRID))
APPROXIMANTS = ["IMRPhenomXAS", "IMRPhenomD", "IMRPhenomXHM"]


def on_uniform_grid(binary, approximant, generator):
    """(epoch, hp, hc) on `GRID` from one of LALSimulation's uniform-grid generators."""
    options = lal.CreateDict()
    # Multibanding interpolates higher modes on uniform grids; the free grid is evaluated without it.
    lalsimulation.SimInspiralWaveformParamsInsertPhenomXHMThresholdMband(options, 0.0)
    hp, hc = generator(
        binary["mass_1"] * lal.MSUN_SI,
        binary["mass_2"] * lal.MSUN_SI,
        *(0.0, 0.0, binary["chi_1"]),
        *(0.0, 0.0, binary["chi_2"]),
        binary["luminosity_distance"] * 1e6 * lal.PC_SI,
        binary["theta_jn"],
        binary["phase"],
        *(0.0, 0.0, 0.0),
        *(DELTA_F, 20.0, 1024.0, 20.0),
        options,
        lalsimulation.GetApproximantFromString(approximant),
    )
    return float(hp.epoch), hp.data.data[BINS], hc.data.data[BINS]


def match(a, b):
    """Normalised overlap at zero lag and phase with the aLIGO design sensitivity: 1 only when a = scale x b."""
    psd = np.resize([lalsimulation.SimNoisePSDaLIGOZeroDetHighPower(f) for f in GRID], len(a))
    inner = [np.sum(x.conj() * y / psd).real for x, y in ((a, b), (a, a), (b, b))]
    return inner[0] / np.sqrt(inner[1] * inner[2])


def assert_same(ours, theirs, tolerance=1e-7):
    # On uniform grids IMRPhenomD is cut off at G M f / c^3 = 0.2, far below the noise; on free grids it goes on.
    ours = np.where(theirs == 0.0, 0.0, ours)
    loud = np.abs(theirs) > 1e-4 * np.abs(theirs).max()
    np.testing.assert_allclose(np.abs(ours[loud]), np.abs(theirs[loud]), rtol=tolerance)
    assert np.abs(np.angle(ours[loud] / theirs[loud])).max() < tolerance
    assert match(ours, theirs) > 1 - 1e-12


@pytest.mark.parametrize("approximant", APPROXIMANTS)
@pytest.mark.parametrize("binary", BINARIES)
def test_equals_the_uniform_grid_interface(approximant, binary):
    _, their_hp, their_hc = on_uniform_grid(binary, approximant, lalsimulation.SimInspiralChooseFDWaveform)
    hp, hc = polarizations(binary, GRID, approximant)
    assert hp.shape == hc.shape == (1, len(GRID))
    assert hp.dtype == hc.dtype == np.complex128
    assert_same(hp[0], their_hp)
    assert_same(hc[0], their_hc)


@pytest.mark.parametrize("approximant", APPROXIMANTS)
def test_equals_simulated_signal_up_to_its_epoch(approximant):
    epoch, their_hp, their_hc = on_uniform_grid(BINARY, approximant, lalsimulation.SimInspiralFD)
    to_zero = np.exp(-2j * np.pi * GRID * epoch)
    hp, hc = polarizations(BINARY, GRID, approximant)
    assert match(hp[0], their_hp * to_zero) > 1 - 1e-9
    assert match(hc[0], their_hc * to_zero) > 1 - 1e-9
    loud = np.abs(their_hp) > 1e-4 * np.abs(their_hp).max()
    np.testing.assert_allclose(np.abs(hp[0][loud]), np.abs(their_hp[loud]), rtol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda hp, hc: (hc, hp), id="swapped"),
        pytest.param(lambda hp, hc: (hp, -hc), id="handedness"),
        pytest.param(lambda hp, hc: (1.001 * hp, 1.001 * hc), id="distance unit"),
        pytest.param(lambda hp, hc: (hp.conj(), hc.conj()), id="Fourier sign"),
        pytest.param(lambda hp, hc: (hp * np.exp(2e-5j * GRID), hc * np.exp(2e-5j * GRID)), id="time shift"),
    ],
)
def test_a_wrong_waveform_would_be_noticed(wrong):
    _, their_hp, their_hc = on_uniform_grid(BINARY, "IMRPhenomXAS", lalsimulation.SimInspiralChooseFDWaveform)
    hp, hc = wrong(*(polarization[0] for polarization in polarizations(BINARY, GRID)))
    with pytest.raises(AssertionError):
        assert_same(np.concatenate([hp, hc]), np.concatenate([their_hp, their_hc]))


@pytest.mark.parametrize("approximant", APPROXIMANTS)
def test_irregular_grid_is_a_subset_of_the_uniform_one(approximant):
    chosen = np.sort(np.random.default_rng(1).choice(len(GRID), 200, replace=False))
    for everywhere, some in zip(
        polarizations(BINARY, GRID, approximant), polarizations(BINARY, GRID[chosen], approximant), strict=True
    ):
        np.testing.assert_allclose(some, everywhere[:, chosen], rtol=1e-12)


def test_early_inspiral_is_newtonian():
    light = {"mass_1": 1.5, "mass_2": 1.3, "chi_1": 0.0, "chi_2": 0.0, "luminosity_distance": 40.0} | {
        "theta_jn": 0.0,
        "phase": 0.0,
    }
    grid = np.array([20.0, 20.001])
    hp, hc = (polarization[0] for polarization in polarizations(light, grid))
    chirp_mass = (1.5 * 1.3) ** 0.6 * 2.8**-0.2
    seconds = chirp_mass * SOLAR_MASS_SECONDS
    distance = 40.0 * 1e6 * lal.PC_SI / lal.C_SI
    newtonian = np.sqrt(5 / 24) * np.pi ** (-2 / 3) * seconds ** (5 / 6) * 20.0 ** (-7 / 6) / distance
    assert abs(hp[0]) == pytest.approx(newtonian, rel=0.02)
    group_delay = -np.angle(hp[1] / hp[0]) / (2 * np.pi * (grid[1] - grid[0]))
    period = 1 / (grid[1] - grid[0])
    assert group_delay % period == pytest.approx(-float(chirp_time(chirp_mass, 20.0)) % period, abs=6.0)
    np.testing.assert_allclose(hc, -1j * hp, rtol=1e-12)


def test_merger_lies_near_time_zero():
    grid = np.arange(1, 8193) / 4
    hp, _ = polarizations(BINARY, grid)
    signal = np.fft.irfft(np.concatenate([[0.0], np.where(grid >= 20.0, hp[0], 0.0)]))
    peak = np.argmax(np.abs(signal)) / 4096.0
    assert min(peak, 4.0 - peak) < 0.02


@pytest.mark.parametrize("approximant", ["IMRPhenomXAS", "IMRPhenomD"])
@pytest.mark.parametrize(("theta_jn", "phase"), [(0.0, 0.0), (0.4, 0.0), (1.1, 2.9), (2.5, 1.0), (np.pi, 6.0)])
def test_inclination_and_phase_factor_out_of_the_two_two_mode(approximant, theta_jn, phase):
    grid = np.linspace(20.0, 400.0, 300)
    face_on, _ = polarizations(BINARY | {"theta_jn": 0.0, "phase": 0.0}, grid, approximant)
    hp, hc = polarizations(BINARY | {"theta_jn": theta_jn, "phase": phase}, grid, approximant)
    a_plus, a_cross = inclination_factors(theta_jn, phase)
    close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9 * np.abs(face_on).max())
    close(hp, a_plus * face_on)
    close(hc, a_cross * face_on)
    with pytest.raises(AssertionError):
        close(hc, -a_cross * face_on if abs(a_cross) > 0 else face_on)


def test_higher_modes_do_not_factor():
    grid = np.linspace(20.0, 400.0, 300)
    unequal = BINARY | {"mass_1": 60.0, "mass_2": 15.0}
    face_on, _ = polarizations(unequal | {"theta_jn": 0.0, "phase": 0.0}, grid, "IMRPhenomXHM")
    hp, _ = polarizations(unequal, grid, "IMRPhenomXHM")
    a_plus, _ = inclination_factors(unequal["theta_jn"], unequal["phase"])
    assert np.abs(hp - a_plus * face_on).max() > 0.01 * np.abs(hp).max()


def test_batch_equals_loop_and_workers_change_nothing():
    rng = np.random.default_rng(2)
    n = 11
    batch = {
        "mass_1": rng.uniform(30.0, 60.0, n),
        "mass_2": rng.uniform(10.0, 30.0, n),
        "chi_1": rng.uniform(-0.9, 0.9, n),
        "chi_2": 0.1,
        "luminosity_distance": 500.0,
        "theta_jn": rng.uniform(0.0, np.pi, n),
        "phase": rng.uniform(0.0, 2 * np.pi, n),
    }
    grid = np.geomspace(20.0, 500.0, 50)
    hp, hc = polarizations(batch, grid)
    assert hp.shape == (n, 50)
    for row in range(n):
        one = {name: np.broadcast_to(values, n)[row] for name, values in batch.items()}
        for together, alone in zip((hp, hc), polarizations(one, grid), strict=True):
            np.testing.assert_array_equal(together[row], alone[0])
    for one_process, two_processes in zip((hp, hc), polarizations(batch, grid, workers=2), strict=True):
        np.testing.assert_array_equal(one_process, two_processes)


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ({}, {"waveform": "IMRPhenomXSA"}, "IMRPhenomXAS"),
        ({}, {"waveform": "SEOBNRv1_ROM_DoubleSpin"}, "IMRPhenomXAS"),
        ({"mass_1": -1.0}, {}, "positive masses"),
        ({"mass_1": 1e5}, {}, "ratio"),
        ({"chi_1": 1.5}, {}, "spins"),
        ({"chi_2": np.array([0.0, np.nan])}, {}, "row 1"),
        ({"luminosity_distance": 0.0}, {}, "distance"),
        ({"mass_1": np.array([30.0, 31.0]), "mass_2": np.array([20.0, 21.0, 22.0])}, {}, "one length"),
        ({"mass_1": np.full((2, 2), 30.0)}, {}, "one length"),
    ],
)
def test_wrong_parameters_are_refused(change, settings, message):
    with pytest.raises(InputError, match=message):
        polarizations(BINARY | change, [20.0, 30.0], **settings)


@pytest.mark.parametrize(
    "grid", [[], [0.0, 1.0], [30.0, 20.0], [20.0, 20.0], [[20.0, 30.0]], [20.0, np.inf], [np.nan, 20.0]]
)
def test_wrong_grids_are_refused(grid):
    with pytest.raises(InputError, match="positive and increasing"):
        polarizations(BINARY, grid)


def test_missing_parameter_is_named():
    with pytest.raises(InputError, match="phase missing"):
        polarizations({name: value for name, value in BINARY.items() if name != "phase"}, [20.0])


@pytest.mark.parametrize(
    ("approximant", "alone"),
    [("IMRPhenomXAS", True), ("IMRPhenomD", True), ("IMRPhenomXHM", False), ("IMRPhenomHM", False)],
)
def test_which_models_have_the_is_quadrupole_only(approximant: str, alone: bool) -> None:
    assert is_quadrupole_only(approximant) is alone


def test_face_on_is_the_plus_polarisation_from_above():
    binary = BINARY | {"theta_jn": 0.0, "phase": 0.0, "luminosity_distance": 1.0}
    mass_1, mass_2 = binary["mass_1"], binary["mass_2"]
    intrinsic = binary | {"chirp_mass": chirp_mass(mass_1, mass_2), "mass_ratio": mass_2 / mass_1}
    np.testing.assert_allclose(face_on(intrinsic, GRID), polarizations(binary, GRID)[0], rtol=1e-9)


PRECESSING = {"spin_1x": 0.3, "spin_1y": -0.2, "spin_1z": 0.4, "spin_2x": -0.1, "spin_2y": 0.5, "spin_2z": -0.3}


@pytest.mark.parametrize("approximant", ["IMRPhenomXPHM", "IMRPhenomPv2"])
def test_six_spin_components_reach_lalsimulation_in_order(approximant: str) -> None:
    grid = np.arange(20.0, 256.0, 0.25)
    binary = {"mass_1": 40.0, "mass_2": 25.0, "luminosity_distance": 700.0, "iota": 0.9, "phase": 1.3}
    hp, hc = polarizations({**binary, **PRECESSING}, grid, approximant)
    plus, cross = lalsimulation.SimInspiralChooseFDWaveform(
        40.0 * lal.MSUN_SI, 25.0 * lal.MSUN_SI, *PRECESSING.values(), 700.0e6 * lal.PC_SI, 0.9, 1.3, 0.0, 0.0, 0.0,
        0.25, 20.0, 256.0, 20.0, None, lalsimulation.GetApproximantFromString(approximant),
    )  # fmt: skip
    rows = np.rint(grid / 0.25).astype(int)
    for found, expected in ((hp[0], plus.data.data[rows]), (hc[0], cross.data.data[rows])):
        shift = np.exp(2j * np.pi * grid * float(plus.epoch))
        error = min(np.abs(found - expected).max(), np.abs(found - expected * shift).max())
        # LALSimulation interpolates between fewer frequencies on a uniform grid; a wrong order is off by order one.
        assert error < 0.02 * np.abs(expected).max()


def test_missing_in_plane_components_are_zero_and_z_components_are_the_aligned_spins() -> None:
    binary = {"mass_1": 40.0, "mass_2": 25.0, "luminosity_distance": 700.0, "theta_jn": 0.9, "phase": 1.3}
    aligned = polarizations({**binary, "chi_1": 0.4, "chi_2": -0.3}, [20.0, 60.0, 150.0])
    by_component = polarizations({**binary, "spin_1z": 0.4, "spin_2z": -0.3}, [20.0, 60.0, 150.0])
    mixed = polarizations({**binary, "chi_1": 0.4, "chi_2": -0.3, "spin_1x": 0.0}, [20.0, 60.0, 150.0])
    for other in (by_component, mixed):
        np.testing.assert_array_equal(np.stack(aligned), np.stack(other))


def test_in_plane_spins_are_refused_by_approximants_that_do_not_precess() -> None:
    binary = {"mass_1": 40.0, "mass_2": 25.0, "luminosity_distance": 700.0, "iota": 0.9, "phase": 1.3, **PRECESSING}
    with pytest.raises(InputError, match="choose an approximant that precesses"):
        polarizations(binary, [20.0, 60.0], "IMRPhenomXAS")
    with pytest.raises(InputError, match="iota missing"):
        polarizations({**{k: v for k, v in binary.items() if k != "iota"}, "theta_jn": 0.9}, [20.0, 60.0])
