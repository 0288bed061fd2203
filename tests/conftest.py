"""Environment of all tests: one thread, no display, no network, and jaxtyping shapes that beartype checks."""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

# Before numpy and torch are imported: on a busy machine two threads per process are slower than one.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import jaxtyping
import numpy as np
import pytest
from beartype import BeartypeConf, FrozenDict, beartype
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from chirpleaf.models import Architecture, Model
    from chirpleaf.strain import PowerSpectralDensity, Strain

# Shapes are types: while tests run, and only then, beartype checks the annotations of chirpleaf. An int is a float
# (PEP 484), what numpy computes of arrays without dimensions is a scalar, and text arrays have types of many lengths.
_checks = ModuleType("checks_of_annotations")
_checks.check = beartype(  # type: ignore[attr-defined]
    conf=BeartypeConf(
        is_pep484_tower=True,
        hint_overrides=FrozenDict(
            {
                NDArray[np.float64]: NDArray[np.float64] | np.float64,
                NDArray[np.complex128]: NDArray[np.complex128] | np.complex128,
                NDArray[np.str_]: np.ndarray,
                ArrayLike: object,  # numpy decides
            }
        ),
    )
)
sys.modules[_checks.__name__] = _checks
_package = Path(__file__).parents[1] / "src" / "chirpleaf"
# All packages except the command line and the server, which have no arrays: typer and pydantic check their input.
_rooms = sorted(
    {path.stem for path in _package.iterdir()} - {"__init__", "__main__", "__pycache__", "cli", "py", "server"}
)
jaxtyping.install_import_hook([f"chirpleaf.{room}" for room in _rooms], f"{_checks.__name__}.check")


@pytest.fixture
def unchecked_types() -> Iterator[None]:
    """Turns off the check of annotations, to test how the code itself checks invalid input."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", ""})


class NetworkInTestError(AssertionError):
    """A test tried to connect to another machine."""


def _refuse_remote(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name is not None and name not in LOCAL_HOSTS and name != socket.gethostname():
        raise NetworkInTestError(f"expected a test without network; got a connection to {name!r}: use a file")


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Let sockets of this process reach this machine only; name look-ups included."""
    guard = pytest.MonkeyPatch()
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded(call: Any) -> Any:
        def connect_locally(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                _refuse_remote(address[0])
            return call(self, address)

        return connect_locally

    def look_up_locally(host: Any, *args: Any, **keywords: Any) -> Any:
        _refuse_remote(host)
        return getaddrinfo(host, *args, **keywords)

    guard.setattr(socket.socket, "connect", guarded(connect))
    guard.setattr(socket.socket, "connect_ex", guarded(connect_ex))
    guard.setattr(socket, "getaddrinfo", look_up_locally)
    yield
    guard.undo()


@pytest.fixture(scope="session")
def shipped() -> "Callable[[str], Architecture]":
    """The architecture of a shipped preset."""
    from chirpleaf import training
    from chirpleaf.config import read_preset

    presets = Path(training.__file__).parent / "presets"
    return lambda name: read_preset(presets / f"{name}.yaml").architecture()


@pytest.fixture(scope="session")
def architecture() -> "Architecture":
    """A small architecture for heavy binaries: 4 s, few templates, a narrow network."""
    from chirpleaf.models import Architecture
    from chirpleaf.networks.heads import MixtureSettings
    from chirpleaf.networks.residual import ResidualSettings
    from chirpleaf.physics.priors import IntrinsicPrior
    from chirpleaf.representation.templates import TemplateSettings

    return Architecture(
        duration=4.0,
        prior=IntrinsicPrior(chirp_mass_min=20.0),
        templates=TemplateSettings(phase_step=10.0, ratio_step=0.15),
        root=ResidualSettings(width=64, n_blocks=2),
        n_context=32,
        head=MixtureSettings(n_components=6, n_hidden=32),
    )


@pytest.fixture(scope="session")
def build_model(architecture: "Architecture") -> "Callable[..., Model]":
    """Builds untrained models of the small architecture; the output of their random weights depends on the data."""
    from dataclasses import replace

    import torch

    from chirpleaf.models import Model

    def build(name: str, **changes: Any) -> "Model":
        own = replace(architecture, **changes)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            estimator = own.build().eval()
            with torch.no_grad():
                for weights in estimator.network.parameters():
                    weights.add_(0.05 * torch.randn(weights.shape))
        return Model(name, own, estimator, {"seed": 0})

    return build


@pytest.fixture(scope="session")
def model(build_model: "Callable[..., Model]") -> "Model":
    """An untrained model of H1 and L1."""
    return build_model("random")


@pytest.fixture(scope="session")
def simulated() -> "Callable[..., tuple[dict[str, Strain], dict[str, PowerSpectralDensity], float]]":
    """Strain of H1 and L1 with a binary (mass ratio 0.8, small spins by default), its densities, and the trigger."""
    import numpy as np

    from chirpleaf.physics.conversions import component_masses
    from chirpleaf.physics.detectors import detector, gmst, project
    from chirpleaf.physics.waveforms import polarizations
    from chirpleaf.strain import PowerSpectralDensity, Strain
    from chirpleaf.strain.ensemble import design_log_psd

    rate, duration, trigger = 4096.0, 64, 1_000_000_040.0
    start = trigger + 20 - duration
    frequencies = np.arange(15 * duration, 1024 * duration + 1) / duration
    density = np.exp(design_log_psd("aLIGO_design", frequencies))

    def make(
        chirp_mass: float, *, snr: float = 20.0, seconds: int = duration, seed: int = 0, **other: float
    ) -> tuple[dict[str, Strain], dict[str, PowerSpectralDensity], float]:
        rng = np.random.default_rng(seed)
        intrinsic = {"mass_ratio": 0.8, "chi_1": 0.2, "chi_2": -0.1, **other}
        mass_1, mass_2 = component_masses(chirp_mass, intrinsic["mass_ratio"])
        binary = {**intrinsic, "mass_1": mass_1, "mass_2": mass_2, "luminosity_distance": 400.0}
        hp, hc = polarizations({**binary, "theta_jn": 0.5, "phase": 0.3}, frequencies)
        sky = (1.4, -0.3, 0.7)
        signal = np.concatenate(
            [
                project(hp, hc, detector(name), *sky, gmst(trigger), frequencies, trigger - start)
                for name in ("H1", "L1")
            ]
        )
        signal *= snr / np.sqrt(4 / duration * np.sum(np.abs(signal) ** 2 / density))
        noise = rng.standard_normal((2, *signal.shape)) * np.sqrt(density * duration / 4)
        spectrum = np.zeros((2, int(rate) * duration // 2 + 1), dtype=np.complex128)
        spectrum[:, 15 * duration : 1024 * duration + 1] = signal + noise[0] + 1j * noise[1]
        series = np.fft.irfft(spectrum) * rate
        first = round((duration - 20 - seconds / 2) * rate) if seconds < duration else 0
        series = series[:, first : first + round(seconds * rate)]
        strain = {
            name: Strain(name, values, start + first / rate, rate)
            for name, values in zip(("H1", "L1"), series, strict=True)
        }
        return strain, dict.fromkeys(strain, PowerSpectralDensity(frequencies, density)), trigger

    return make
