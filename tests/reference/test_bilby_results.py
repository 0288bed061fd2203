"""Results of bilby with evidence, likelihood metadata and injection parameters, read by bilby."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import CERTIFICATE, PROVENANCE, certified_posterior, network_posterior

from chirpleaf.physics.waveforms import polarizations
from chirpleaf.result import Posterior

ORIGIN = replace(
    PROVENANCE,
    duration=4.0,
    f_min=(20.0, 30.0),
    f_max=896.0,
    f_ref=20.0,
    log_noise_evidence=-1234.5,
    injection={"chirp_mass": 30.0, "mass_ratio": 0.8},
)


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return certified_posterior(provenance=ORIGIN)


@pytest.fixture(scope="module")
def found(posterior: Posterior, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from bilby.core.result import read_in_result
    from bilby.gw.result import CBCResult

    folder = tmp_path_factory.mktemp("bilby")
    posterior.write(folder)
    return read_in_result(str(folder / "result.json"), result_class=CBCResult)


def test_evidences_are_those_of_the_certificate(found: Any) -> None:
    assert found.log_bayes_factor == CERTIFICATE.log_bayes_factor
    assert found.log_evidence_err == CERTIFICATE.log_bayes_factor_error
    assert found.log_noise_evidence == -1234.5
    assert found.log_evidence == pytest.approx(CERTIFICATE.log_bayes_factor - 1234.5)
    assert found.num_likelihood_evaluations == CERTIFICATE.draws
    assert "ln_noise_evidence: -1234.500" in str(found)


def test_metadata_of_the_likelihood(found: Any) -> None:
    assert found.interferometers == ["H1", "L1"]
    assert (found.duration, found.start_time, found.sampling_frequency) == (4.0, ORIGIN.trigger_time - 2, 2048.0)
    assert (found.waveform_approximant, found.reference_frequency) == ("IMRPhenomXAS", 20.0)
    assert not found.time_marginalization
    assert found.meta_data["cosmology"] == "Planck15"
    assert found.injection_parameters == {"chirp_mass": 30.0, "mass_ratio": 0.8}


def test_the_waveforms_of_the_samples_follow_from_the_metadata(found: Any) -> None:
    """The generator is made as `CBCResult.plot_interferometer_waveform_posterior` makes it."""
    generator = found.waveform_generator_class(
        duration=found.duration,
        sampling_frequency=found.sampling_frequency,
        start_time=found.start_time,
        frequency_domain_source_model=found.frequency_domain_source_model,
        parameter_conversion=found.parameter_conversion,
        waveform_arguments=found.waveform_arguments,
        **found.waveform_generator_meta_data,
    )
    binary = {"mass_1": 36.0, "mass_2": 29.0, "chi_1": 0.3, "chi_2": -0.2}
    orbit = {"luminosity_distance": 400.0, "theta_jn": 0.4, "phase": 1.2}
    theirs = generator.frequency_domain_strain({**binary, **orbit})
    inside = (generator.frequency_array >= 20) & (generator.frequency_array <= 400)
    hp, hc = polarizations({**binary, **orbit}, generator.frequency_array[inside], "IMRPhenomXAS")
    for ours, name in ((hp[0], "plus"), (hc[0], "cross")):
        difference = np.abs(theirs[name][inside] - ours).max()
        assert difference < 0.02 * np.abs(ours).max()


def test_what_is_not_known_is_left_out() -> None:
    plain = network_posterior().to_bilby()
    assert np.isnan(plain.log_bayes_factor)
    assert plain.injection_parameters is None
    impossible = replace(CERTIFICATE, log_bayes_factor=-np.inf)
    assert np.isnan(certified_posterior(certificate=impossible).to_bilby().log_evidence)
    assert np.isnan(certified_posterior().to_bilby().log_noise_evidence)  # a file of a former version


def test_the_file_keeps_them(posterior: Posterior, tmp_path: Path) -> None:
    import chirpleaf

    posterior.save(tmp_path)
    again = chirpleaf.read(tmp_path)
    assert again.provenance.injection == ORIGIN.injection
    assert again.provenance.log_noise_evidence == -1234.5
