"""The reference-time search on the embedded events: loudness, chirp mass and arrival times equal published ones."""

import pytest
import torch

from chirpleaf.inference.observation import Observation
from chirpleaf.inference.observe import observe
from chirpleaf.models import Model, load_model
from chirpleaf.strain.events import events, load_event
from chirpleaf.strain.noise_spectrum import estimate_spectrum

GOLDEN = [
    # event, signal-to-noise in H1 and L1, detector-frame chirp mass, arrival at L1 after H1 (s), GPS at the louder
    ("GW150914", (19.4, 13.5), 31.4, -0.0071, 1126259462.423),
    ("GW170814", (9.2, 13.2), 25.7, -0.0081, 1186741861.523),
]
golden = pytest.mark.parametrize(("event", "snr", "chirp_mass", "delay", "time"), GOLDEN)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("bbh")


def search(model: Model, event: str, offset: float = 0.0) -> Observation:
    strain = {name: load_event(event)[name] for name in ("H1", "L1")}
    time = events()[event].trigger_time
    psd = {name: estimate_spectrum(series, exclude=(time - 6.0, time + 2.0)) for name, series in strain.items()}
    return observe(model, strain, psd, time + offset)


@golden
def test_the_search_finds_the_event(
    model: Model, event: str, snr: tuple[float, float], chirp_mass: float, delay: float, time: float
) -> None:
    found = search(model, event)
    assert found.canonical.snr[0].tolist() == pytest.approx((*snr, 0.0, 0.0), rel=0.03)
    assert found.chirp_mass == pytest.approx(chirp_mass, rel=0.01)
    arrival = found.canonical.time[0]
    assert float(arrival[1] - arrival[0]) == pytest.approx(delay, abs=3e-4)
    assert found.segment.reference_time == pytest.approx(time, abs=2e-3)


@pytest.mark.parametrize("offset", [0.05, -0.07])
def test_an_inaccurate_trigger_gives_the_same(model: Model, offset: float) -> None:
    right, off = search(model, "GW150914"), search(model, "GW150914", offset)
    # Other waveforms are tried, but the time is known to what training moves it by.
    jitter = model.provenance["simulation"]["jitter"]
    assert off.segment.reference_time == pytest.approx(right.segment.reference_time, abs=jitter)
    assert off.snr == pytest.approx(right.snr, rel=0.02)
    assert torch.equal(off.canonical.template, right.canonical.template)


@golden
def test_a_waveform_is_louder_than_the_best_template(
    model: Model, event: str, snr: tuple[float, float], chirp_mass: float, delay: float, time: float
) -> None:
    found = search(model, event)
    assert 1.0 < found.snr / float(found.canonical.snr.square().sum().sqrt()) < 1.05


def test_there_is_no_signal_seconds_before_the_event(model: Model) -> None:
    assert search(model, "GW150914", -5.0).snr < 8.0
