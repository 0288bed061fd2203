"""The stage of an analysis after the certification: systematic uncertainties that a user asks for, one after the other.

The noise spectra of the likelihood are part of the data, and the certification itself uses them. Then come the
uncertainty of the estimated spectra and that of the calibration. The curves of the calibration are weighted at the
estimated spectra: the two uncertainties are small, and their product is neglected.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chirpleaf.errors import InputError
from chirpleaf.inference.noise_spectra import load_spectrum
from chirpleaf.inference.plan import CertificationPlan
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.sources import DEFAULT_READ_SETTINGS, PsdSource, ReadSettings, check_owners, name_detectors
from chirpleaf.inference.systematics.calibration import marginalise_calibration, place_splines
from chirpleaf.inference.systematics.drawn_spectra import list_uncertain, marginalise_spectra
from chirpleaf.inference.systematics.options import Systematics
from chirpleaf.inference.systematics.settings import DEFAULTS, SystematicsSettings
from chirpleaf.result.posterior import Posterior
from chirpleaf.strain.calibration import CalibrationEnvelope, CorrectionType
from chirpleaf.strain.calibration_files import read_envelope
from chirpleaf.system.deadline import NEVER, Deadline


@dataclass(frozen=True)
class SystematicsPlan:
    """Systematic uncertainties whose files are read.

    Attributes:
        envelopes: detector name to calibration envelope.
        correction: what the envelopes' files correct.
        psd_uncertainty: whether the uncertainty of estimated noise spectra is marginalised.
        psd: detector name to the noise spectrum of the likelihood.
        settings: numbers that trade accuracy for time.
    """

    envelopes: Mapping[str, CalibrationEnvelope]
    correction: CorrectionType
    psd_uncertainty: bool
    psd: Mapping[str, PsdSource]
    settings: SystematicsSettings = DEFAULTS

    def complete(self, data: PreparedData, settings: ReadSettings = DEFAULT_READ_SETTINGS) -> PreparedData:
        """Gives the data the noise spectra of the likelihood, and checks that all detectors and bands are there.

        Args:
            data: the prepared data.
            settings: what to read from files of noise spectra.

        Raises:
            InputError: a detector has no data, a spectrum or an envelope does not cover the band, or no spectrum is
                uncertain.
        """
        check_owners("noise spectra", self.psd, data.source.strain)
        spectra = {name: load_spectrum(one, name, data.noise[name], settings) for name, one in self.psd.items()}
        data = replace(data, likelihood_spectra=spectra)
        place_splines(data.cut_network_segment(), self.envelopes, self.settings.calibration)
        if self.psd_uncertainty:
            list_uncertain(data)
        return data

    def reweight(self, posterior: Posterior, data: PreparedData, seed: int, deadline: Deadline = NEVER) -> Posterior:
        """Reweights a certified posterior for the uncertainties.

        Args:
            posterior: the posterior.
            data: the data that it was made of, with the noise spectra of the likelihood.
            seed: seed of all draws.
            deadline: end of the time budget. Of two uncertainties, the first one has half of what is left.

        Returns:
            The posterior under the last likelihood; the same one if none of its draws is possible.
        """
        if posterior.impossible:
            return posterior
        if self.psd_uncertainty:
            until = deadline.share(0.5) if self.envelopes else deadline
            posterior = marginalise_spectra(posterior, data, self.settings, seed=seed, deadline=until)
        if self.envelopes and not posterior.impossible:
            posterior = marginalise_calibration(
                posterior,
                data,
                self.envelopes,
                self.settings,
                seed=seed,
                correction=self.correction,
                deadline=deadline,
            )
        return posterior


def plan_systematics(systematics: Systematics, plan: CertificationPlan | None) -> SystematicsPlan:
    """Reads the envelopes, before any strain is read.

    Args:
        systematics: what the user asks for.
        plan: plan of the certification; None if the network answers alone.

    Raises:
        InputError: the network answers alone, a detector is named twice, or a file cannot be used.
    """
    if plan is None:
        raise InputError(
            "expected certification with calibration envelopes or noise spectra of the likelihood; got an answer of "
            "the network alone, which has no likelihood: leave them out"
        )
    sources = name_detectors(systematics.calibration, "calibration envelope")
    envelopes = {
        name: one if isinstance(one, CalibrationEnvelope) else read_envelope(one, systematics.correction)
        for name, one in sources.items()
    }
    psd = name_detectors(systematics.psd, "power spectral density of the likelihood")
    return SystematicsPlan(envelopes, systematics.correction, systematics.psd_uncertainty, psd)
