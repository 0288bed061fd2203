"""Draws whose waveform cannot be computed have weight zero, and the certificate counts them."""

from dataclasses import replace

import numpy as np
import pytest
from certified_source import SOURCE, signal, weighed

from chirpleaf.errors import InputError
from chirpleaf.inference.certify import likelihood
from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.mode_reweighting import reweight_with_modes
from chirpleaf.physics.signals import quadrupole
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.result.certificate import Certificate

OTHER = "IMRPhenomD"
"""An approximant that the network's templates do not use."""


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> float:
    """The waveform model cannot compute binaries whose heavier black hole spins faster than this."""
    limit = 0.5

    def fail_above(parameters, frequencies, waveform, *, workers=1, skip_failures=False):
        hp, hc = polarizations(parameters, frequencies, waveform)
        failed = np.broadcast_to(parameters["chi_1"], len(hp)) > limit
        if waveform.approximant == OTHER and failed.any():
            if not skip_failures:
                raise InputError("expected a slow spin; got a fast one: choose another")
            hp[failed] = hc[failed] = np.nan
        return hp, hc

    monkeypatch.setattr(quadrupole, "polarizations", fail_above)
    return limit


def test_failures_have_no_weight_and_are_counted(limit: float) -> None:
    found = weighed(waveform=WaveformSettings(OTHER))
    fast = found.samples["chi_1"] > limit
    assert 5 < fast.sum() < 500
    assert np.isneginf(found.log_weight[fast]).all()
    assert np.isfinite(found.log_weight[~fast]).sum() > 400 - fast.sum()
    assert found.certificate.failed_waveforms == fast.sum()
    assert any(f"cannot compute {fast.sum()} waveforms of 512 draws" in reason for reason in found.certificate.reasons)


def test_the_others_keep_their_weights(limit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    some = weighed(waveform=WaveformSettings(OTHER))
    monkeypatch.undo()
    every = weighed(waveform=WaveformSettings(OTHER))
    assert every.certificate.failed_waveforms == 0
    slow = every.samples["chi_1"] <= limit
    np.testing.assert_array_equal(some.samples["chirp_mass"], every.samples["chirp_mass"])
    # The reference waveform and the extrinsic points may differ; the marginal likelihoods agree within their errors.
    difference = (some.log_weight - every.log_weight)[slow & np.isfinite(every.log_weight)]
    assert np.std(difference) < 0.3


def test_the_full_likelihood_of_a_failure_is_zero() -> None:
    segment, distance = signal()
    rows = {name: np.full(2, value) for name, value in {**SOURCE, "luminosity_distance": distance}.items()}
    rows["mass_1"], rows["mass_2"] = np.array([10.0, 10.0]), np.array([1.4, 9.0])
    ratio, snr = log_likelihood_ratio(segment, rows, "IMRPhenomNSBH")
    assert np.isfinite(ratio[0])
    assert np.isneginf(ratio[1])
    assert (snr[1] == 0).all()


def test_a_few_failures_are_no_reason_against_the_result() -> None:
    good = Certificate(0.5, 500.0, 100.0, 0.1, 0.3, 1000, 0.1, 0.01, "IMRPhenomXAS", ("H1", "L1"), 400)
    assert replace(good, failed_waveforms=10).reasons == ()
    assert replace(good, failed_waveforms=11).reasons != ()


def test_certificates_of_former_versions_can_be_read() -> None:
    good = Certificate(0.5, 500.0, 100.0, 0.1, 0.3, 1000, 0.1, 0.01, "IMRPhenomXAS", ("H1", "L1"), 400)
    stored = good.to_json()
    del stored["failed_waveforms"]
    assert Certificate.from_json(stored) == good


def test_failures_of_the_second_weighing_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = weighed(), WaveformSettings("IMRPhenomXHM")
    limit = float(np.median(first.samples["chi_1"]))

    def fail_above(parameters, frequencies, waveform, *, skip_failures=False):
        hp, hc = polarizations(parameters, frequencies, waveform, skip_failures=skip_failures)
        if waveform == other:
            hp[parameters["chi_1"] > limit] = np.nan
        return hp, hc

    monkeypatch.setattr(likelihood, "polarizations", fail_above)
    found = reweight_with_modes(first, signal()[0], WaveformSettings(), other)
    fast = found.samples["chi_1"] > limit
    assert 0 < fast.sum() == found.certificate.failed_waveforms < len(fast)
    assert np.isneginf(found.log_weight[fast]).all()
    assert np.isfinite(found.log_weight[~fast]).all()
    assert np.isfinite(found.certificate.log_bayes_factor)
