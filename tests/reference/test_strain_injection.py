"""Injected strain: against bilby's injection into an interferometer, and read back."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chirpleaf.cli import main
from chirpleaf.diagnostics.binary_checks import check_signal
from chirpleaf.diagnostics.binary_files import read_binary
from chirpleaf.diagnostics.strain_injection import StrainSettings, add_signal, measure_signal, simulate_noise
from chirpleaf.errors import InputError
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.strain.readers import read

TIME = 1300000000.3
ORBIT = {"luminosity_distance": 600.0, "theta_jn": 0.5, "phase": 1.0, "psi": 0.4, "ra": 1.2, "dec": -0.5}
ALIGNED = {"mass_1": 38.0, "mass_2": 33.0, "chi_1": 0.1, "chi_2": -0.1, **ORBIT, "geocent_time": TIME}
PRECESSING = {
    **{name: value for name, value in ALIGNED.items() if not name.startswith("chi")},
    **{"a_1": 0.6, "a_2": 0.4, "tilt_1": 1.0, "tilt_2": 2.0, "phi_12": 0.7, "phi_jl": 2.5},
}


def write(binary: dict[str, float], path: Path) -> Path:
    path.write_text(json.dumps(binary))
    return path


def of_bilby(binary: dict[str, float], approximant: str, duration: int) -> Any:
    """The signal that bilby adds to H1, as a time series from the same start."""
    import bilby

    start = np.floor(TIME) + 16 - duration
    generator = bilby.gw.WaveformGenerator(
        duration=duration,
        sampling_frequency=2048,
        frequency_domain_source_model=bilby.gw.source.lal_binary_black_hole,
        parameter_conversion=bilby.gw.conversion.convert_to_lal_binary_black_hole_parameters,
        waveform_arguments={
            "waveform_approximant": approximant,
            "reference_frequency": 20.0,
            "minimum_frequency": 10.0,
        },
    )
    interferometer = bilby.gw.detector.get_empty_interferometer("H1")
    interferometer.minimum_frequency = 10.0
    interferometer.set_strain_data_from_zero_noise(2048, duration, start)
    interferometer.inject_signal(binary, waveform_generator=generator)
    return interferometer.strain_data.time_domain_strain


@pytest.mark.parametrize(("binary", "approximant"), [(ALIGNED, "IMRPhenomXAS"), (PRECESSING, "IMRPhenomXPHM")])
def test_the_signal_is_that_of_bilby(binary: dict[str, float], approximant: str, tmp_path: Path) -> None:
    settings = StrainSettings(32, 2048, "zero")
    silence = simulate_noise(("H1",), TIME, settings, np.random.default_rng(0))
    read_back = read_binary(write(binary, tmp_path / "binary.json"))
    ours = add_signal(silence, read_back, WaveformSettings(approximant, 20.0))["H1"].values
    theirs = of_bilby(binary, approximant, 32)
    assert np.abs(ours - theirs).max() < 0.01 * np.abs(theirs).max()


def test_noise_has_the_density_of_its_family() -> None:
    rng = np.random.default_rng(0)
    noise = simulate_noise(("H1", "L1"), TIME, StrainSettings(64, 2048, "O3"), rng)
    for strain in noise.values():
        assert (len(strain.values), strain.start_time) == (64 * 2048, np.floor(TIME) - 48)
        density = 2 * np.abs(np.fft.rfft(strain.values)) ** 2 / (64 * 2048**2)
        amplitude = np.sqrt(np.median(density[64 * 100 : 64 * 200]) / np.log(2))
        assert 3e-24 < amplitude < 3e-23  # 1/sqrt(Hz), the third observing run at 100 to 200 Hz
    first, second = (strain.values for strain in noise.values())
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.3


def test_files_are_read_back_with_their_quality(tmp_path: Path) -> None:
    parameters = write(ALIGNED, tmp_path / "binary.json")
    arguments = ["--duration", "32", "--sample-rate", "2048", "--noise", "design", "--detector", "V1"]
    assert main(["inject", str(parameters), "--out", str(tmp_path / "a"), *arguments]) == 0
    strain = read(tmp_path / "a" / "V1.hdf5", "V1")
    assert (strain.sample_rate, strain.duration, strain.start_time) == (2048.0, 32.0, np.floor(TIME) - 16)
    assert np.isfinite(strain.values).all()
    assert strain.quality is not None
    assert not strain.quality.impaired
    again = read_binary(tmp_path / "a" / "injection.json")
    assert {name: again[name] for name in ALIGNED} == ALIGNED
    more = ["--strain", f"V1={tmp_path / 'a' / 'V1.hdf5'}", "--out", str(tmp_path / "b")]
    assert main(["inject", str(parameters), *more]) == 0  # the same signal a second time
    twice = read(tmp_path / "b" / "V1.hdf5", "V1").values
    zero = ["--noise", "zero", *arguments[:4], *arguments[6:], "--out", str(tmp_path / "c")]
    assert main(["inject", str(parameters), *zero]) == 0
    signal = read(tmp_path / "c" / "V1.hdf5", "V1").values
    np.testing.assert_allclose(twice - strain.values, signal, atol=1e-3 * np.abs(signal).max())


def test_bilby_reads_the_injection(tmp_path: Path) -> None:
    from bilby.core.utils import decode_bilby_json

    parameters = write({**ALIGNED, "waveform_approximant": "imrphenomxas"}, tmp_path / "binary.json")
    assert main(["inject", str(parameters), "--out", str(tmp_path / "a"), "--duration", "32", "--noise", "zero"]) == 0
    document = json.loads((tmp_path / "a" / "injection.json").read_text(), object_hook=decode_bilby_json)
    assert document["injections"]["mass_1"].tolist() == [38.0]


@pytest.mark.parametrize(
    ("change", "index", "message"),
    [
        ({"mass_1": 1.0}, 0, "expected mass_1 >= mass_2"),
        ({"luminosity_distance": None}, 0, "expected luminosity_distance in"),
        ({"geocent_time": [1.0, 2.0], "mass_1": [30.0, 31.0]}, 2, "expected --index from 0 to 1; got 2"),
        ({"geocent_time": [1.0, 2.0], "mass_1": [30.0]}, 0, "got 1 of mass_1 and 2 of geocent_time"),
        ({}, 5, "expected --index 0; got 5: .* has one injection"),
        ({"mass_1": math.nan}, 0, "expected a number for mass_1 in .*; got 'NaN'"),
        ({"mass_1": "36"}, 0, r"expected a number for mass_1 in .*; got '36' \(str\)"),
        ({"mass_1": True}, 0, r"expected a number for mass_1 in .*; got True \(bool\)"),
    ],
)
def test_wrong_parameters_are_one_line(change: dict[str, Any], index: int, message: str, tmp_path: Path) -> None:
    path = write({**ALIGNED, **change}, tmp_path / "binary.json")
    with pytest.raises(InputError, match=message):
        read_binary(path, index)


@pytest.mark.parametrize(
    ("binary", "change", "message"),
    [
        (ALIGNED, {"eccentricity": 0.2}, "got eccentricity = 0.2, which no signal here has: leave it out"),
        (ALIGNED, {"lambda_1": 400.0}, "got lambda_1 = 400"),
        (ALIGNED, {"luminosity_distnace": 4.0}, "did you mean luminosity_distance"),
        (ALIGNED, {"distance": 400.0}, "got distance = 400, which no signal here has"),
        (ALIGNED, {"redshift": 0.3}, "expected redshift = 0.124.*, which follows from the other parameters; got 0.3"),
        (ALIGNED, {"mass_1_source": 38.0}, "expected mass_1_source = 33.8"),
        (ALIGNED, {"iota": 0.9}, "expected iota = 0.5"),
        (ALIGNED, {"chirp_mass": 40.0}, "expected chirp_mass = 30.8"),
        (ALIGNED, {"total_mass": 80.0}, "expected total_mass = 71"),
        (ALIGNED, {"chi_eff": 0.5}, "expected chi_eff = 0.007"),
        (ALIGNED, {"a_1": 0.7}, "expected a_1 = 0.1"),
        (ALIGNED, {"spin_1z": 0.4}, "expected chi_1 = 0.4"),
        (ALIGNED, {"dec": 5.0}, "expected dec from -1.5708 to 1.5708 rad; got 5"),
        (ALIGNED, {"theta_jn": 10.0}, "expected theta_jn from 0 to 3.1416 rad; got 10"),
        (ALIGNED, {"ra": 200.0}, "expected ra from -6.2832 to 6.2832 rad; got 200"),
        (ALIGNED, {"luminosity_distance": 0.0}, "expected luminosity_distance from 0"),
        (PRECESSING, {"chi_1": 0.5}, "expected chi_1 = 0.324"),
        (PRECESSING, {"iota": 0.9}, "expected iota = 0.4"),
        (PRECESSING, {"phi_jl": None}, "expected phi_jl beside a_1, a_2"),
    ],
)
def test_parameters_that_the_signal_would_not_have_are_refused(
    binary: dict[str, float], change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    found = read_binary(write({**binary, **change}, tmp_path / "binary.json"))
    with pytest.raises(InputError, match=message):
        check_signal(found, 20.0)


@pytest.mark.parametrize("binary", [ALIGNED, PRECESSING])
def test_parameters_that_bilby_derives_are_accepted(binary: dict[str, float], tmp_path: Path) -> None:
    """All that a program adds to the parameters which define a binary, rounded and with its own cosmology."""
    from bilby.gw.conversion import generate_all_bbh_parameters

    derived = generate_all_bbh_parameters(dict(binary))
    known = {name: value if isinstance(value, str) else round(float(value), 6) for name, value in derived.items()}
    assert {"redshift", "mass_1_source", "chi_eff", "iota", "spin_1x", "chi_p"} <= set(known)
    path = write({**known, "eccentricity": 0.0}, tmp_path / "binary.json")
    check_signal(read_binary(path), derived["reference_frequency"])
    with pytest.raises(InputError, match="expected the reference frequency of the file, 50 Hz; got 20 Hz: add --f-ref"):
        check_signal(read_binary(path), 20.0)


def test_a_total_mass_and_a_ratio_define_a_binary(tmp_path: Path) -> None:
    others = {name: value for name, value in ALIGNED.items() if name not in ("mass_1", "mass_2")}
    found = read_binary(write({**others, "total_mass": 60.0, "mass_ratio": 0.5}, tmp_path / "binary.json"))
    assert (found["mass_1"], found["mass_2"]) == pytest.approx((40.0, 20.0))


def test_wrong_input_has_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write(ALIGNED, tmp_path / "binary.json"))
    recorded = ["--strain", f"H1={path}"]
    options = ("--noise", "design"), ("--duration", "128"), ("--sample-rate", "4096"), ("--seed", "0")
    for arguments in (
        [str(tmp_path / "none.json")],
        [path, "--noise", "O9"],
        [path, "--duration", "5"],
        [path, "--detector", "X1"],
        [path, "--detector", "h1", "--detector", "H1"],
        [path, "--detector", ""],
        [path, "--index", "5"],
        [path, "--f-ref", "0"],
        [str(write({**ALIGNED, "dec": 5.0}, tmp_path / "wrong.json"))],
        [str(write({**ALIGNED, "waveform_approximant": "IMRPhenomXPHM"}, tmp_path / "other.json"))],
        [path, *recorded, "--detector", "L1"],
        *([path, *recorded, *option] for option in options),
        [path, "--noise", "zero", "--seed", "0"],
    ):
        assert main(["inject", *arguments, "--out", str(tmp_path / "out")]) == 2
        assert "expected" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "approximant", "message"),
    [
        ({}, "IMRPhenomNSBH", "the reason: NS mass must be less than or equal to 3 solar masses"),
        ({}, "HGimri", "choose IMRPhenomXAS or other parameters .the reason: "),
        (
            {"mass_1": 1e6, "mass_2": 1e6},
            "IMRPhenomXAS",
            "the band of the strain, 10 to 1024 Hz; got none of it for",
        ),
        ({"mass_1": 1e-3, "mass_2": 1e-3}, "IMRPhenomXAS", r"none of it .* from 4511 Hz on: change the masses"),
    ],
)
def test_a_signal_that_cannot_be_computed_or_is_out_of_band_is_refused(
    change: dict[str, float], approximant: str, message: str, tmp_path: Path
) -> None:
    silence = simulate_noise(("H1",), TIME, StrainSettings(32, 2048, "zero"), np.random.default_rng(0))
    binary = read_binary(write({**ALIGNED, **change}, tmp_path / "binary.json"))
    with pytest.raises(InputError, match=message):
        add_signal(silence, binary, WaveformSettings(approximant))


def test_the_ratio_of_a_signal_in_white_noise_is_that_of_its_samples() -> None:
    """With the standard deviation sigma of all samples, its square is sum_t h(t)^2 / sigma^2."""
    silence = simulate_noise(("H1", "L1"), TIME, StrainSettings(64, 2048, "zero"), np.random.default_rng(0))
    noise = np.random.default_rng(1).normal(scale=1e-22, size=64 * 2048)
    background = {name: replace(one, values=noise) for name, one in silence.items()}
    binary = {**ALIGNED, "chirp_mass": 20.0}
    found = measure_signal(background, add_signal(background, binary))
    for name, one in add_signal(silence, binary).items():
        high = np.fft.rfft(one.values) * (np.fft.rfftfreq(64 * 2048, 1 / 2048) >= 20.0)
        expected = np.linalg.norm(np.fft.irfft(high)) / 1e-22
        assert found[name] == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("distance", "line"), [(600.0, ""), (60_000.0, "the noise hides this signal: from 4 on ")])
def test_a_signal_that_noise_hides_is_told(
    distance: float, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write({**ALIGNED, "luminosity_distance": distance}, tmp_path / "binary.json")
    assert main(["inject", str(path), "--out", str(tmp_path / "out"), "--duration", "64"]) == 0
    printed = capsys.readouterr()
    assert "optimal signal-to-noise ratio " in printed.out
    assert printed.err.startswith(line)
    assert bool(printed.err) == bool(line)


def test_the_margin_about_an_injection_is_stated() -> None:
    silence = simulate_noise(("H1",), TIME, StrainSettings(32, 2048, "zero"), np.random.default_rng(0))
    end = silence["H1"].end_time
    with pytest.raises(InputError, match=r"at least 1 s within the strain of GPS 1299999984 to 1300000016.*; got"):
        add_signal(silence, {**ALIGNED, "chirp_mass": 30.8, "geocent_time": end - 0.5})
