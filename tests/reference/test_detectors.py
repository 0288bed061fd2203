"""Detector response and timing against LAL's own functions."""

import lal
import numpy as np
import pytest

from chirpleaf.errors import InputError
from chirpleaf.physics.detectors import DETECTORS, detector, gmst, project

GPS = 1126259462.4
N = 200


@pytest.fixture
def sky():
    rng = np.random.default_rng(0)
    return {
        "ra": rng.uniform(0.0, 2 * np.pi, N),
        "dec": np.arcsin(rng.uniform(-1.0, 1.0, N)),
        "psi": rng.uniform(0.0, np.pi, N),
        "gps": GPS + rng.uniform(-1e7, 1e7, N),
    }


def test_sidereal_time(sky):
    expected = [lal.GreenwichMeanSiderealTime(lal.LIGOTimeGPS(time)) for time in sky["gps"]]
    np.testing.assert_allclose(gmst(sky["gps"]), expected, rtol=0, atol=1e-12)
    assert gmst(GPS).shape == ()
    # Astronomical Almanac: the mean sidereal time at 2000 January 1, 12h UT1 is 18h 41m 50.548s.
    noon = 18 + 41 / 60 + 50.548 / 3600
    assert float(gmst(630763213.0)) % (2 * np.pi) == pytest.approx(noon * np.pi / 12, abs=1e-4)


@pytest.mark.parametrize("name", DETECTORS)
def test_antenna_pattern(name, sky):
    times = gmst(sky["gps"])
    fp, fc = detector(name).antenna_pattern(sky["ra"], sky["dec"], sky["psi"], times)
    response = lal.cached_detector_by_prefix[name].response
    expected = [
        lal.ComputeDetAMResponse(response, ra, dec, psi, time)
        for ra, dec, psi, time in zip(sky["ra"], sky["dec"], sky["psi"], times, strict=True)
    ]
    np.testing.assert_allclose(np.stack([fp, fc], axis=-1), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", DETECTORS)
def test_time_delay(name, sky):
    ours = detector(name).time_delay(sky["ra"], sky["dec"], gmst(sky["gps"]))
    location = lal.cached_detector_by_prefix[name].location
    expected = [
        lal.TimeDelayFromEarthCenter(location, ra, dec, lal.LIGOTimeGPS(gps))
        for ra, dec, gps in zip(sky["ra"], sky["dec"], sky["gps"], strict=True)
    ]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)
    assert np.abs(ours).max() > 0.015


def test_hanford_and_livingston_are_ten_light_milliseconds_apart():
    distance = np.linalg.norm(detector("H1").location - detector("L1").location) / lal.C_SI
    assert distance == pytest.approx(10.012e-3, abs=1e-5)


def test_a_rotation_of_the_polarisation_mixes_the_patterns(sky):
    livingston, time = detector("L1"), gmst(GPS)
    fp, fc = livingston.antenna_pattern(sky["ra"], sky["dec"], 0.0, time)
    rotated = livingston.antenna_pattern(sky["ra"], sky["dec"], sky["psi"], time)
    cosine, sine = np.cos(2 * sky["psi"]), np.sin(2 * sky["psi"])
    np.testing.assert_allclose(rotated, (fp * cosine + fc * sine, fc * cosine - fp * sine), atol=1e-12)


def test_a_pulse_arrives_when_and_as_strong_as_lal_says():
    sample_rate, duration, time, ra, dec, psi = 16384, 1.0, 0.4, 1.9, -1.2, 0.8
    frequencies = np.arange(sample_rate * duration // 2 + 1) / duration
    hp, hc = np.full(len(frequencies), 2.0 + 0j), np.full(len(frequencies), -0.5 + 0j)
    virgo = lal.cached_detector_by_prefix["V1"]
    fp, fc = lal.ComputeDetAMResponse(virgo.response, ra, dec, psi, lal.GreenwichMeanSiderealTime(lal.LIGOTimeGPS(GPS)))
    delay = lal.TimeDelayFromEarthCenter(virgo.location, ra, dec, lal.LIGOTimeGPS(GPS))

    strain = project(hp, hc, detector("V1"), ra, dec, psi, gmst(GPS), frequencies, time)
    assert strain.shape == frequencies.shape
    pulse = np.fft.irfft(strain)
    assert np.argmax(np.abs(pulse)) / sample_rate == pytest.approx(time + delay, abs=0.6 / sample_rate)
    np.testing.assert_allclose(np.abs(strain), abs(2.0 * fp - 0.5 * fc), rtol=1e-10)
    assert np.sign(pulse[np.argmax(np.abs(pulse))]) == np.sign(2.0 * fp - 0.5 * fc)


def test_batch_equals_loop(sky):
    rng = np.random.default_rng(1)
    frequencies = np.linspace(20.0, 500.0, 30)
    hp, hc = rng.normal(size=(2, N, 30)) + 1j * rng.normal(size=(2, N, 30))
    time, sidereal = rng.uniform(-0.1, 0.1, N), gmst(GPS)
    hanford = detector("H1")
    together = project(hp, hc, hanford, sky["ra"], sky["dec"], sky["psi"], sidereal, frequencies, time)
    assert together.shape == (N, 30)
    for row in range(0, N, 20):
        angles = (sky[name][row] for name in ("ra", "dec", "psi"))
        alone = project(hp[row], hc[row], hanford, *angles, sidereal, frequencies, time[row])
        np.testing.assert_allclose(together[row], alone, rtol=1e-12)
    one_source = project(hp[0], hc[0], hanford, sky["ra"], sky["dec"], sky["psi"], sidereal, frequencies)
    assert one_source.shape == (N, 30)


def test_detectors_are_constants():
    hanford = detector("H1")
    assert detector("H1") is hanford
    with pytest.raises(ValueError, match="read-only"):
        hanford.location[0] = 0.0


@pytest.mark.parametrize("name", ["X1", "h1", "", "LHO"])
def test_unknown_detector_is_refused(name):
    with pytest.raises(InputError, match="H1, L1, V1, K1"):
        detector(name)
