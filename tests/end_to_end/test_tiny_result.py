"""An event of another signal model and parameter space, from strain to a saved result that is read again."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import TinyPrior, TinySignal, registered_tiny, tiny_architecture

import chirpleaf
from chirpleaf.models import Model
from chirpleaf.models.files import save
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.result import Posterior
from chirpleaf.strain import Strain

TRIGGER, RATE, LENGTH = 1126259462.4, 1024, 32
TRUTH = {"chirp_mass": 33.0, "mass_ratio": 0.5}


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    """The tiny model, space and prior among those that an architecture may name."""
    with registered_tiny():
        yield


@pytest.fixture(scope="module")
def model_file(registered: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of an untrained network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = MixtureSettings(n_components=4, n_hidden=16)
        sizes = {"root": ResidualSettings(width=32, n_blocks=1), "n_context": 16, "head": head}
        architecture = tiny_architecture(**sizes, background=0.2)
        path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
        save(Model("tiny", architecture, architecture.build().eval(), {"seed": 0}), path)
    return path


@pytest.fixture(scope="module")
def strain() -> dict[str, Strain]:
    """White noise with a signal, of signal-to-noise ratio 14 in each detector."""
    rng, n, moment, found = np.random.default_rng(1), RATE * LENGTH, gmst(TRIGGER), {}
    frequencies, start = np.fft.rfftfreq(n, 1 / RATE), TRIGGER - LENGTH / 2
    series = np.zeros((2, len(frequencies)), complex)
    band = frequencies >= 20.0
    series[:, band] = TinySignal().series(TRUTH, frequencies[band])[0]
    for name in ("H1", "L1"):
        fp, fc = detector(name).antenna_pattern(1.0, 0.5, 0.3, moment)
        arrival = LENGTH / 2 + detector(name).time_delay(1.0, 0.5, moment)
        wave = TinySignal().response(fp, fc, 0.6) @ series * np.exp(-2j * np.pi * frequencies * arrival)
        signal = np.fft.irfft(wave * RATE, n)
        noise = rng.normal(size=n)
        found[name] = Strain(name, (noise + signal * 14 / np.linalg.norm(signal)) * 1e-21, start, float(RATE))
    return found


@pytest.mark.parametrize("certify", [False, True])
def test_a_result_is_saved_and_read(certify: bool, model_file: Path, strain: dict[str, Strain], tmp_path: Path) -> None:
    posterior = chirpleaf.infer(
        strain=strain, trigger_time=TRIGGER, model=model_file, samples=200, effective_samples=50 if certify else None,
        certify=certify, budget=5.0 if certify else None,
    )  # fmt: skip
    assert isinstance(posterior, Posterior)
    assert posterior.intrinsic == ("chirp_mass", "mass_ratio")
    posterior.save(tmp_path)
    again = chirpleaf.read(tmp_path)
    assert isinstance(again, Posterior)
    assert again.prior is not None
    assert again.prior == posterior.prior
    assert isinstance(again.prior.intrinsic, TinyPrior)
    assert again.summary_document() == posterior.summary_document()
    assert again.bilby_document() == posterior.bilby_document()
    if certify:
        assert abs(np.median(again["chirp_mass"]) - TRUTH["chirp_mass"]) < 1.0
        assert again.certificate == posterior.certificate
