"""Options of the likelihood: the segment, its frequencies and its waveforms are those that are asked for."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chirpleaf import infer
from chirpleaf.cli.infer_options import make_data_options, make_waveform_options, parse_detectors
from chirpleaf.cli.pairs import detector_numbers, named_values
from chirpleaf.errors import InputError
from chirpleaf.inference.options import DEFAULT_DATA, DataOptions, WaveformOptions
from chirpleaf.inference.plan import plan_certification
from chirpleaf.inference.preparation import load_candidates, prepare
from chirpleaf.models import Model
from chirpleaf.physics.unused_arguments import find_unused_argument
from chirpleaf.physics.waveform_settings import DEFAULT_WAVEFORM, WaveformSettings, parse_arguments
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.result import read
from chirpleaf.strain.conditioning import Conditioning
from chirpleaf.strain.events import load_event
from chirpleaf.strain.noise_spectrum import SpectrumSettings
from chirpleaf.strain.windows import tukey

OWN = np.arange(160, 8193) / 8.0
TRIGGER = 1126259462.4
PRECESSING = {
    "mass_1": 40.0, "mass_2": 20.0, "spin_1x": 0.5, "spin_2y": 0.3, "spin_1z": 0.2,
    "luminosity_distance": 400.0, "iota": 1.1, "phase": 0.4,
}  # fmt: skip
GRID = np.array([20.0, 40.0, 90.0, 150.0])


def test_without_options_the_frequencies_are_those_of_the_network() -> None:
    assert DEFAULT_DATA.choose_frequencies(("H1", "L1"), 8.0, OWN) is OWN


@pytest.mark.parametrize(
    ("options", "first", "last", "step"),
    [
        ({"duration": 4.0}, 20.0, 1024.0, 0.25),
        ({"f_min": 30.1}, 30.125, 1024.0, 0.125),
        ({"f_min": {"H1": 25.0}, "f_max": 500.06}, 20.0, 500.0, 0.125),
        ({"f_min": {"H1": 25.0, "L1": 30.0}}, 25.0, 1024.0, 0.125),
    ],
)
def test_frequencies_are_multiples_of_the_inverse_duration(
    options: dict[str, Any], first: float, last: float, step: float
) -> None:
    found = DataOptions(**options).choose_frequencies(("H1", "L1"), 8.0, OWN)
    assert (found[0], found[-1]) == (first, last)
    np.testing.assert_allclose(np.diff(found), step)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"duration": 2.0}, "a duration above 2 s; got 2"),
        ({"duration": np.nan}, "a duration above 2 s"),
        ({"f_min": -1.0}, "0 < f_min < f_max"),
        ({"f_min": 0.0}, "0 < f_min < f_max"),
        ({"f_min": np.nan}, "0 < f_min < f_max"),
        ({"f_max": 10.0}, "0 < f_min < f_max"),
        ({"f_min": {"H1": 20.0, "L1": 40.0}, "f_max": 30.0}, "0 < f_min < f_max"),
        ({"duration": 1e9}, "at most 4,194,304 frequencies; got 1e\\+09, the product of duration and f_max"),
        ({"f_max": 1e12}, "at most 4,194,304 frequencies"),
        ({"duration": 4096.0, "f_max": 1025.0}, "at most 4,194,304 frequencies"),
        ({"detectors": ()}, "at least one detector"),
        ({"detectors": ("H1", "H1")}, "each once"),
    ],
)
def test_data_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        DataOptions(**options)


def test_detectors_are_selected_in_the_order_that_is_asked_for() -> None:
    assert list(DataOptions(detectors=("L1", "H1")).choose_detectors({"H1": 1, "V1": 2, "L1": 3}).values()) == [3, 1]
    for asked, remedy in (
        (("V1", "K1"), "V1, K1: write --detectors H1,L1, or"),
        (("H1", "V1"), "V1: write --detectors H1, or"),
    ):
        with pytest.raises(InputError, match=rf"expected detectors among H1, L1, .*; got {remedy}"):
            DataOptions(detectors=asked).choose_detectors({"H1": 1, "L1": 2})


def test_a_lowest_frequency_of_a_detector_without_strain_is_refused() -> None:
    """In a catalogue, where one option is for many events, it counts for those that have the detector."""
    options = DataOptions(f_min={"H1": 25.0, "V1": 40.0})
    with pytest.raises(InputError, match="lowest frequencies of H1, L1, which have strain; got one of V1"):
        options.choose_lowest(("H1", "L1"))
    assert replace(options, skip_absent=True).choose_lowest(("H1", "L1")).f_min == {"H1": 25.0}
    assert DataOptions(f_min={"V1": 40.0}, skip_absent=True).choose_lowest(("H1", "L1")).f_min is None
    assert options.choose_lowest(("H1", "V1", "L1")) == options
    with pytest.raises(InputError, match=r"detector among H1, L1, V1, K1; got 'X1'"):
        DataOptions(f_min={"X1": 40.0}, skip_absent=True)
    with pytest.raises(InputError, match="got one of V1"):
        infer("GW150914", model="bbh", options=options, samples=10)
    with pytest.raises(InputError, match="one lowest frequency a detector; got two for H1"):
        make_data_options(f_min=["H1=25", "h1=30"])


def test_the_likelihood_has_the_segment_of_a_published_analysis() -> None:
    """Segment, window, spectrum and lower frequencies, written out."""
    options = DataOptions(
        duration=4.0,
        f_min={"H1": 20.0, "L1": 30.0},
        f_max=512.0,
        conditioning=Conditioning(high_pass=None, roll_off=0.2),
        spectrum=SpectrumSettings("median", length=32.0),
    )
    data = prepare(load_candidates("bbh"), "GW150914", options=options)
    segment = data.cut_network_segment()
    assert segment.duration == 4.0
    assert segment.reference_time == data.observation.segment.reference_time
    np.testing.assert_array_equal(segment.frequencies, np.arange(80, 2049) / 4)
    for row, (name, strain) in enumerate(load_event("GW150914").items()):
        first = round((TRIGGER - 2.0 - strain.start_time) * 4096)
        piece = strain.values[first : first + 4 * 4096] * tukey(4 * 4096, 0.2 * 4096)
        start = strain.start_time + first / 4096 - segment.reference_time
        expected = np.fft.rfft(piece)[80:2049] / 4096 * np.exp(-2j * np.pi * segment.frequencies * start)
        np.testing.assert_allclose(segment.strain[row], expected, atol=1e-9 * np.abs(expected).max())
        used = segment.frequencies >= {"H1": 20.0, "L1": 30.0}[name]
        assert np.isinf(segment.psd[row, ~used]).all()
        np.testing.assert_array_equal(segment.psd[row, used], data.spectra[name].at(segment.frequencies)[used])
    with pytest.raises(InputError, match=r"give a longer file or another time, or lower --duration$"):
        replace(data, options=DataOptions(duration=64.0)).cut_network_segment()


@pytest.mark.slow
def test_the_standard_analysis_of_gw150914_is_reproduced(tmp_path: Path) -> None:
    """ln B = 211.81 +- 0.015 by importance sampling of bilby's likelihood, on the same data."""
    options = DataOptions(
        duration=4.0,
        f_min=20.0,
        f_max=1024.0,
        conditioning=Conditioning(high_pass=None, roll_off=0.2),
        spectrum=SpectrumSettings("median", length=32.0),
    )
    found = infer("GW150914", options=options, approximant="IMRPhenomD", prior="standard", samples=5000, seed=1)
    assert found.certificate.log_bayes_factor == pytest.approx(211.81, abs=0.1)
    found.save(tmp_path)
    origin = read(tmp_path / "posterior.hdf5").provenance
    assert (origin.duration, origin.f_min, origin.f_max, origin.f_ref) == (4.0, (20.0, 20.0), 1024.0, 20.0)
    assert (origin.high_pass, origin.roll_off, origin.psd_method) == (0.0, 0.2, "median")
    assert origin == found.provenance


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((("PhenomXPrecVersio", 104),), "did you mean PhenomXPrecVersion"),
        ((("PhenomXPrecVersion", "abc"),), "a value that LALSimulation takes for PhenomXPrecVersion; got 'abc'"),
        ((("PhenomXPrecVersion", 2**31),), "LALSimulation takes for PhenomXPrecVersion; got 2147483648"),
        ((("PhenomXHMThresholdMband", np.nan),), "a finite number for PhenomXHMThresholdMband; got nan"),
        ((("PhenomXPrecVersion", 104), ("phenomxprecversion", 220)), "each argument .*; got PhenomXPrecVersion twice"),
        ((("ModeArray", "2;2"),), "modes such as"),
        ((("ModeArray", "9,9"),), "modes such as"),
        ((("ModeArray", "-2,2"),), "modes such as"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(
    arguments: tuple[tuple[str, Any], ...], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=message):
        WaveformOptions(arguments=arguments)
    assert capfd.readouterr().err == ""  # LALSimulation says nothing beside


@pytest.mark.parametrize("frequency", [0.0, -1.0, 1e9, np.nan, np.inf])
def test_a_reference_frequency_is_one_of_signals(frequency: float) -> None:
    with pytest.raises(InputError, match="0 < reference_frequency <= 2048 Hz"):
        WaveformSettings(reference_frequency=frequency)


def test_arguments_reach_lalsimulation() -> None:
    """Without its (2, +-1), (3, +-3), ... modes, IMRPhenomXPHM of aligned spins is IMRPhenomXAS."""
    aligned = {**PRECESSING, "spin_1x": 0.0, "spin_2y": 0.0}
    modes = parse_arguments({"modearray": "2,2 2,-2", "PhenomXHMThresholdMband": "0"})
    plus, cross = polarizations(aligned, GRID, WaveformSettings("IMRPhenomXHM", arguments=modes))
    expected = polarizations(aligned, GRID, "IMRPhenomXAS")
    np.testing.assert_allclose(np.abs(plus), np.abs(expected[0]), rtol=1e-6)
    np.testing.assert_allclose(np.abs(cross), np.abs(expected[1]), rtol=1e-6)
    every, _ = polarizations(aligned, GRID, "IMRPhenomXHM")
    assert np.abs(every - plus).max() > 0.01 * np.abs(every).max()


def test_precessing_spins_are_defined_at_the_reference_frequency() -> None:
    at_20, _ = polarizations(PRECESSING, GRID, "IMRPhenomXPHM")
    same, _ = polarizations(PRECESSING, GRID, WaveformSettings("IMRPhenomXPHM", 20.0))
    at_50, _ = polarizations(PRECESSING, GRID, WaveformSettings("IMRPhenomXPHM", 50.0))
    np.testing.assert_array_equal(at_20, same)
    assert np.abs(at_50 - at_20).max() > 0.01 * np.abs(at_20).max()


def test_waveforms_of_the_network_are_the_default() -> None:
    assert WaveformOptions().make_settings("IMRPhenomXAS") == DEFAULT_WAVEFORM


def test_options_of_waveforms_reach_their_settings() -> None:
    options = WaveformOptions("imrphenomd", 50.0, (("PhenomXPrecVersion", 104),))
    assert options.make_settings("IMRPhenomXAS") == WaveformSettings("IMRPhenomD", 50.0, (("PhenomXPrecVersion", 104),))


@pytest.mark.parametrize(
    ("approximant", "argument", "unused"),
    [
        ("IMRPhenomXAS", ("ModeArray", "2,2"), True),
        ("IMRPhenomXAS", ("PhenomXPrecVersion", 104), True),
        ("IMRPhenomD", ("ModeArray", "3,3"), True),
        ("IMRPhenomXHM", ("PhenomXPrecVersion", 104), True),
        ("IMRPhenomXPHM", ("Mass1", 3.0), True),
        ("IMRPhenomXPHM", ("PhenomXPrecVersion", 104), False),
        ("IMRPhenomXPHM", ("PhenomXPrecVersion", 300), False),  # the default
        ("IMRPhenomXHM", ("ModeArray", "2,2 2,-2 2,1 2,-1 3,3 3,-3 3,2 3,-2 4,4 4,-4"), False),  # all that it has
        ("IMRPhenomXHM", ("PhenomXHMReleaseVersion", 122019), False),
    ],
)
def test_an_argument_that_the_approximant_ignores_is_refused(
    model: Model, approximant: str, argument: tuple[str, int | str], unused: bool
) -> None:
    waveform = WaveformOptions(approximant, arguments=(argument,))
    assert find_unused_argument(waveform.make_settings("")) == (argument[0] if unused else "")
    message = f"{approximant} uses; got {argument[0]}, which changes none"
    with pytest.raises(InputError, match=message) if unused else nullcontext():
        plan_certification(model, waveform=waveform)


def test_options_of_the_command_line_reach_their_settings() -> None:
    given = {"detectors": ["h1, L1"], "duration": 4.0, "f_min": ["h1=25", "L1=30"], "f_max": 512.0, "high_pass": "none"}
    found = make_data_options(**given, window_roll_off=0.2, psd_method="median", psd_length=32.0)
    assert found == DataOptions(
        ("H1", "L1"), 4.0, {"H1": 25.0, "L1": 30.0}, 512.0, Conditioning(None, 0.2), SpectrumSettings("median", 32.0)
    )
    assert make_data_options(**dict.fromkeys((*given, "window_roll_off", "psd_method", "psd_length"))) == DEFAULT_DATA
    assert make_waveform_options("IMRPhenomD", 50.0, ["PhenomXPrecVersion=104"]) == WaveformOptions(
        "IMRPhenomD", 50.0, (("PhenomXPrecVersion", 104),)
    )
    assert make_waveform_options(None, None, None) == WaveformOptions()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("L1,,H1,", "names of detectors for --detectors; got an empty one"),
        ("", "got an empty one"),
        ("H1, h1", "each detector once for --detectors; got H1 twice"),
    ],
)
def test_lists_of_detectors_with_empty_or_repeated_names_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_data_options(detectors=[text])


def test_pairs_of_the_command_line() -> None:
    assert detector_numbers("--f-min", None) is None
    assert detector_numbers("--f-min", ["25"]) == 25.0
    assert detector_numbers("--f-min", ["H1=25", "L1=30"]) == {"H1": 25.0, "L1": 30.0}
    assert named_values("--waveform-argument", ["ModeArray=2,2 3,3"]) == {"ModeArray": "2,2 3,3"}
    for wrong in (["abc"], ["H1=abc"], ["20", "30"], ["H1=20", "H1=30"], ["H1="]):
        with pytest.raises(InputError, match="--f-min"):
            detector_numbers("--f-min", wrong)


def test_lowest_frequencies_above_the_band_are_refused() -> None:
    own = np.arange(20.0, 1000.0)
    with pytest.raises(InputError, match="a lowest frequency of H1 below the highest one, 999 Hz; got 2000 Hz"):
        DataOptions(f_min={"H1": 2000.0}).choose_frequencies(("H1", "L1"), 8.0, own)


def test_detectors_are_given_together_or_one_by_one() -> None:
    assert parse_detectors(["H1,l1"]) == parse_detectors(["H1", "L1"]) == ("H1", "L1")
    with pytest.raises(InputError, match="H1 twice"):
        parse_detectors(["H1,L1", "H1"])
