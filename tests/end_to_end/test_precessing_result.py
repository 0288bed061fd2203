"""A precessing event, from strain to a certified result with bilby's fifteen parameters that bilby opens."""

from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import chirpleaf
from chirpleaf.errors import InputError
from chirpleaf.inference import load_candidates
from chirpleaf.models import Architecture, Model, shipped
from chirpleaf.models.files import save
from chirpleaf.networks.heads import MixtureSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.detectors import detector, gmst
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.signals import Multimode
from chirpleaf.physics.spin_angles import PRECESSING, from_spin_angles, to_spin_angles
from chirpleaf.representation.templates import TemplateSettings
from chirpleaf.result import Posterior
from chirpleaf.strain import Strain

TRIGGER, RATE, LENGTH = 1126259462.4, 1024, 32
PRIOR = PrecessingPrior(
    mass_min=10.0, mass_max=80.0, mass_ratio_min=0.3, spin_max=0.4, chirp_mass_min=27.0, chirp_mass_max=35.0
)
HEAVIER = replace(PRIOR, chirp_mass_min=31.0)
TRUTH = {
    **{"chirp_mass": 33.0, "mass_ratio": 0.6, "chi_1": 0.05, "chi_2": 0.0, "cos_iota": 0.7},
    **{"chi_1_in_plane": 0.3, "azimuth_1": 0.5, "chi_2_in_plane": 0.1, "azimuth_2": 2.0},
}
FIFTEEN = {
    *("chirp_mass", "mass_ratio", "a_1", "a_2", "tilt_1", "tilt_2", "phi_12", "phi_jl", "theta_jn"),
    *("phase", "psi", "ra", "dec", "luminosity_distance", "geocent_time"),
}


def save_model(path: Path, prior: PrecessingPrior = PRIOR) -> Path:
    """Saves an untrained network, which draws from about its prior."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        architecture = Architecture(
            parameter_space="precessing",
            prior=prior,
            signal="multimode",
            approximant="IMRPhenomXPHM",
            duration=4.0,
            maximum_frequency=400.0,
            templates=TemplateSettings(phase_step=10.0, ratio_step=0.15, chi_eff=(0.0,)),
            root=ResidualSettings(width=16, n_blocks=1),
            n_context=8,
            head=MixtureSettings(n_components=4, n_hidden=16),
            background=0.5,
        )
        save(Model("precessing", architecture, architecture.build().eval(), {"seed": 0}), path)
    return path


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of an untrained network."""
    return save_model(tmp_path_factory.mktemp("precessing") / "precessing.safetensors")


@pytest.fixture
def shipped_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped models that has the aligned ones."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in ("bbh", "bbh-long"):
        (folder / f"{name}.safetensors").symlink_to(shipped._folder() / f"{name}.safetensors")
    monkeypatch.setattr(shipped, "_folder", lambda: folder)
    return folder


@cache
def strain() -> dict[str, Strain]:
    """White noise with a signal, of signal-to-noise ratio 8 in each detector."""
    rng, n, moment, found = np.random.default_rng(1), RATE * LENGTH, gmst(TRIGGER), {}
    frequencies, start = np.fft.rfftfreq(n, 1 / RATE), TRIGGER - LENGTH / 2
    signal, band = Multimode(), frequencies >= 20.0
    series = np.zeros((len(signal.harmonics), len(frequencies)), complex)
    series[:, band] = signal.series(TRUTH, frequencies[band])[0]
    for name in ("H1", "L1"):
        fp, fc = detector(name).antenna_pattern(1.0, 0.5, 0.3, moment)
        arrival = LENGTH / 2 + detector(name).time_delay(1.0, 0.5, moment)
        wave = signal.response(fp, fc, 0.0, 0.8) @ series * np.exp(-2j * np.pi * frequencies * arrival)
        wave = np.fft.irfft(wave * RATE, n)
        # With noise of unit variance, the norm of the samples is the signal-to-noise ratio.
        found[name] = Strain(name, (rng.normal(size=n) + wave * 8 / np.linalg.norm(wave)) * 1e-21, start, float(RATE))
    return found


@pytest.mark.slow
def test_a_certified_result_has_the_fifteen_parameters_of_bilby(model_file: Path, tmp_path: Path) -> None:
    posterior = chirpleaf.infer(
        strain=strain(), trigger_time=TRIGGER, model=model_file, samples=200, effective_samples=50, budget=3.0
    )
    assert isinstance(posterior, Posterior)
    assert posterior.intrinsic == PRECESSING
    names = set(posterior.samples)
    assert {"chi_p", "a_1", "tilt_1", "theta_jn"} <= set(posterior.headline)
    assert FIFTEEN | {"chi_p", "chi_eff", "final_spin", "viewing_angle"} <= names
    samples = {name: np.asarray(posterior[name]) for name in names}
    nine = from_spin_angles(samples, 20.0)
    for name in PRECESSING:
        np.testing.assert_allclose(np.exp(1j * nine[name]), np.exp(1j * samples[name]), atol=1e-6)
    angles = to_spin_angles(samples, 20.0)
    np.testing.assert_allclose(np.cos(angles["theta_jn"]), np.cos(samples["theta_jn"]), atol=1e-6)
    posterior.save(tmp_path)
    again = chirpleaf.read(tmp_path)
    assert again.prior == posterior.prior
    assert isinstance(again.prior.intrinsic, PrecessingPrior)
    assert again.summary_document() == posterior.summary_document()
    opened = again.to_bilby()
    assert set(opened.posterior.columns) >= FIFTEEN
    assert set(opened.search_parameter_keys) == FIFTEEN
    check_prior(again, opened.priors)


def check_prior(posterior: Posterior, priors: Any) -> None:
    """bilby's density in its fifteen numbers is ours but for the measure: d chi d r = a da d tilt, d cos iota."""
    samples = {name: np.asarray(values)[:20] for name, values in posterior.samples.items()}
    expected = sum(priors[name].ln_prob(samples[name]) for name in FIFTEEN - {"chirp_mass", "mass_ratio"})
    measure = sum(np.log(samples[f"a_{body}"]) for body in (1, 2)) + np.log(np.sin(samples["theta_jn"]))
    found = posterior.log_prior()[:20] - PRIOR.log_prob_masses(samples)
    # bilby interpolates its prior of the distance.
    np.testing.assert_allclose(found, expected - measure, atol=1e-3)


@pytest.mark.parametrize("approximant", ["IMRPhenomXPHM", "imrphenomxp", "IMRPhenomPv2", "SEOBNRv5PHM"])
def test_an_approximant_that_precesses_has_the_models_of_precessing_spins(
    approximant: str, model_file: Path, shipped_folder: Path
) -> None:
    (shipped_folder / "any-name.safetensors").symlink_to(model_file)
    assert [(one.name, one.precesses) for one in shipped.posteriors(approximant)] == [("any-name", True)]
    for aligned in (None, "IMRPhenomXAS", "IMRPhenomXHM"):
        assert [one.name for one in shipped.posteriors(aligned)] == ["bbh", "bbh-long"]


def test_an_analysis_by_an_approximant_that_precesses_uses_the_shipped_model(
    model_file: Path, shipped_folder: Path
) -> None:
    (shipped_folder / "any-name.safetensors").symlink_to(model_file)
    posterior = chirpleaf.infer(
        strain=strain(), trigger_time=TRIGGER, approximant="IMRPhenomXP", samples=64, effective_samples=20, budget=0.01
    )
    assert isinstance(posterior, Posterior)
    assert set(posterior.samples) >= FIFTEEN
    origin = posterior.provenance
    assert (origin.model, origin.approximant, origin.spins) == ("precessing", "IMRPhenomXP", "")
    assert [model.name for model in load_candidates()] == ["bbh", "bbh-long"]


def test_the_network_alone_gives_all_of_its_parameters() -> None:
    posterior = chirpleaf.infer("GW150914", model="bbh-precessing", certify=False, samples=50)
    assert set(PRECESSING) <= set(posterior.samples)


@pytest.mark.usefixtures("shipped_folder")
def test_without_a_model_of_precessing_spins_its_approximant_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected a shipped model of precessing spins for IMRPhenomXPHM; got none"):
        chirpleaf.infer("GW150914", approximant="IMRPhenomXPHM")


def test_a_signal_below_the_models_of_precessing_spins_is_refused(shipped_folder: Path) -> None:
    save_model(shipped_folder / "heavier.safetensors", HEAVIER)
    with pytest.raises(InputError, match=r"least chirp mass of precessing, 31 solar masses; got one of about 3"):
        chirpleaf.infer(strain=strain(), trigger_time=TRIGGER, approximant="IMRPhenomXPHM", samples=16, budget=0.01)


def test_an_approximant_of_aligned_spins_is_refused_for_a_model_of_precessing_ones(model_file: Path) -> None:
    with pytest.raises(InputError, match=r"expected an approximant that precesses for precessing.*; got IMRPhenomXHM"):
        chirpleaf.infer("GW150914", model=model_file, approximant="IMRPhenomXHM")


@pytest.mark.skipif(find_spec("pyseobnr") is not None, reason="pyseobnr is installed")
def test_an_approximant_that_cannot_be_computed_is_refused_before_data_are_read(model_file: Path) -> None:
    with pytest.raises(InputError, match=r"expected pyseobnr for SEOBNRv5PHM; got none"):
        chirpleaf.infer("no such event", model=model_file, approximant="SEOBNRv5PHM")


@pytest.mark.slow
def test_waveforms_that_fail_at_a_corner_of_the_prior_are_counted(
    model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = Multimode.series

    def fail_at_corner(self: Multimode, intrinsic: Any, frequencies: Any, **options: Any) -> Any:
        # One harmonic alone fails: all others of that binary are known.
        series = computed(self, intrinsic, frequencies, **options)
        series[np.asarray(intrinsic["chi_1_in_plane"]) > 0.2, 4:6] = np.nan
        return series

    monkeypatch.setattr(Multimode, "series", fail_at_corner)
    posterior = chirpleaf.infer(strain=strain(), trigger_time=TRIGGER, model=model_file, samples=64, budget=0.01)
    assert isinstance(posterior, Posterior)
    failed = posterior.proposal.samples["chi_1_in_plane"] > 0.2
    certificate = posterior.certificate
    assert certificate is not None
    assert certificate.failed_waveforms == failed.sum() > 0
    assert np.isneginf(posterior.proposal.log_weight[failed]).all()
    assert any(f"cannot compute {failed.sum()} waveforms of" in reason for reason in certificate.reasons)
