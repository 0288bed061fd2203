"""Injected strain: against bilby's injection into an interferometer, and read back."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chirpleaf.cli import main
from chirpleaf.diagnostics.binary_files import read_binary
from chirpleaf.diagnostics.strain_injection import StrainSettings, add_signal, simulate_noise
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

    parameters = write(ALIGNED, tmp_path / "binary.json")
    assert main(["inject", str(parameters), "--out", str(tmp_path / "a"), "--duration", "32", "--noise", "zero"]) == 0
    document = json.loads((tmp_path / "a" / "injection.json").read_text(), object_hook=decode_bilby_json)
    assert document["injections"]["mass_1"].tolist() == [38.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mass_1": 1.0}, "expected mass_1 >= mass_2"),
        ({"luminosity_distance": None}, "expected luminosity_distance in"),
        ({"geocent_time": [1.0, 2.0], "mass_1": [30.0]}, "expected --index from 0 to"),
    ],
)
def test_wrong_parameters_are_one_line(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = write({**ALIGNED, **change}, tmp_path / "binary.json")
    with pytest.raises(InputError, match=message):
        read_binary(path, 1)


def test_wrong_input_has_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write(ALIGNED, tmp_path / "binary.json"))
    for arguments in (
        [str(tmp_path / "none.json")],
        [path, "--noise", "O9"],
        [path, "--duration", "5"],
        [path, "--detector", "X1"],
    ):
        assert main(["inject", *arguments, "--out", str(tmp_path / "out")]) == 2
        assert "expected" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
