"""Embedded events: the strain equals the public release and contains the signals."""

import hashlib

import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.strain.events import events, find_event, load_event
from chirpleaf.strain.psd_estimation import welch
from chirpleaf.strain.strain import Strain
from chirpleaf.strain.times import parse_time
from chirpleaf.strain.windows import tukey

GOLDEN = [
    # event, detector, GPS start, SHA-256 of the float32 samples (first 16 digits), 5 % and 95 % quantiles, excess
    ("GW150914", "H1", 1126259447.0, "94ab8b658805b6e5", (-3.6579e-19, 3.7449e-19), 7.59),
    ("GW150914", "L1", 1126259447.0, "7df13bfb8bf31938", (-1.4369e-18, -6.6299e-19), 6.75),
    ("GW170814", "H1", 1186741846.0, "d8f7c23740ea16a8", (-7.3942e-19, 7.4108e-19), 4.29),
    ("GW170814", "L1", 1186741846.0, "6634c46fa25d7210", (-1.5928e-19, 1.5842e-19), 5.85),
    ("GW170814", "V1", 1186741846.0, "cbec6a1b1f92f8b0", (-8.7899e-19, 8.9275e-19), 3.35),
]


def whitened(strain: Strain, trigger_time: float) -> tuple[np.ndarray, np.ndarray]:
    """Time after the trigger (s) and whitened strain in 35-350 Hz of the four seconds around it."""
    segment = strain.segment(trigger_time - 2.0, 4.0)
    frequencies = np.fft.rfftfreq(len(segment), 1 / segment.sample_rate)
    band = (frequencies >= 35.0) & (frequencies <= 350.0)
    spectrum = np.fft.rfft(tukey(len(segment), 0.2 * segment.sample_rate) * segment.values)
    spectrum[band] /= np.sqrt(welch(strain).at(frequencies[band]))
    return segment.times - trigger_time, np.fft.irfft(np.where(band, spectrum, 0.0))


def excess(strain: Strain, trigger_time: float) -> float:
    """Largest whitened strain within 0.1 s of the trigger, in units of its standard deviation elsewhere."""
    times, series = whitened(strain, trigger_time)
    far = (np.abs(times) > 0.3) & (np.abs(times) < 1.7)
    return float(np.abs(series[np.abs(times) < 0.1]).max() / series[far].std())


@pytest.mark.parametrize(("name", "detector", "start", "digest", "quantiles", "expected"), GOLDEN)
def test_strain_equals_the_public_release(
    name: str, detector: str, start: float, digest: str, quantiles: tuple[float, float], expected: float
) -> None:
    strain = load_event(name)[detector]
    assert (strain.detector, strain.start_time, strain.sample_rate, strain.duration) == (detector, start, 4096.0, 32.0)
    assert hashlib.sha256(strain.values.astype("<f4").tobytes()).hexdigest()[:16] == digest
    np.testing.assert_allclose(np.quantile(strain.values, [0.05, 0.95]), quantiles, rtol=1e-3)
    assert excess(strain, events()[name].trigger_time) == pytest.approx(expected, rel=0.01)


def test_all_embedded_detectors_are_covered() -> None:
    embedded = {(event.name, detector) for event in events().values() for detector in event.detectors}
    assert {(row[0], row[1]) for row in GOLDEN} == embedded
    for event in events().values():
        assert tuple(load_event(event.name)) == event.detectors
        assert "CC BY 4.0" in event.source


def test_gw150914_is_loud_in_both_detectors_and_absent_elsewhere() -> None:
    strains, trigger_time = load_event("GW150914"), events()["GW150914"].trigger_time
    for strain in strains.values():
        assert excess(strain, trigger_time) > 5.0
        # Negative control: only noise three seconds earlier.
        assert excess(strain, trigger_time - 3.0) < 5.0


def test_the_first_cycle_reaches_livingston_seven_milliseconds_before_hanford() -> None:
    series = {}
    for detector, strain in load_event("GW150914").items():
        times, values = whitened(strain, events()["GW150914"].trigger_time)
        series[detector] = np.where(np.abs(times) < 0.08, values, 0.0)
    correlation = np.fft.irfft(np.fft.rfft(series["H1"]) * np.conj(np.fft.rfft(series["L1"])))
    lag = np.fft.fftfreq(len(correlation), 1 / len(correlation)) / 4096.0
    within = np.abs(lag) < 0.01
    # The arms of the detectors are nearly antiparallel, so the sign of the signal is inverted.
    assert lag[within][np.argmin(correlation[within])] == pytest.approx(0.0069, abs=0.0006)


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(InputError, match=r"GW150914, GW170814.*got 'GW151226'"):
        load_event("GW151226")


def test_the_table_of_events_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        events()["GW1"] = events()["GW150914"]  # type: ignore[index]


@pytest.mark.parametrize("name", ["GW150914", "gw150914", "GW150914_095045", "gw150914_095045", "Gw150914"])
def test_names_are_known_in_any_case_and_with_the_time_of_day(name: str) -> None:
    event = find_event(name)
    assert event is not None
    assert event.name == "GW150914"
    for embedded in events().values():
        day, clock = embedded.full_name.removeprefix("GW").split("_")
        utc = f"20{day[:2]}-{day[2:4]}-{day[4:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}"
        assert 0 <= embedded.trigger_time - parse_time(utc) < 1
    assert find_event("GW151226") is find_event("") is None
