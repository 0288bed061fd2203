"""Systematic uncertainties that a user asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chirpleaf.inference.sources import SPECTRUM, Kinds, PsdSource, name_detectors
from chirpleaf.strain.calibration import CalibrationEnvelope, CorrectionType, parse_correction_type
from chirpleaf.system.checks import check_kind

EnvelopeSource = CalibrationEnvelope | str | Path

_ENVELOPE = Kinds((CalibrationEnvelope, str, Path), "give a file")


@dataclass(frozen=True)
class Systematics:
    """What the samples are reweighted for after the certification.

    Attributes:
        calibration: detector name, in any case, to calibration envelope or to a file of it; others are taken as exact.
        correction: what the factors in the files correct, "data" or "template" (`strain.calibration`).
        psd_uncertainty: whether the uncertainty of estimated noise spectra is marginalised.
        psd: detector name, in any case, to the noise spectrum of the likelihood, or to a file of it; that which the
            network sees for the others.

    Raises:
        InputError: there is no such correction, a value is of another type, or a detector is named twice.

    Example:
        >>> Systematics(psd_uncertainty=True).asked, Systematics().asked
        (True, False)
    """

    calibration: Mapping[str, EnvelopeSource] = field(default_factory=dict)
    correction: CorrectionType = "data"
    psd_uncertainty: bool = False
    psd: Mapping[str, PsdSource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        name_detectors(self.calibration, "calibration envelope", _ENVELOPE)
        name_detectors(self.psd, "power spectral density of the likelihood", SPECTRUM)
        check_kind("psd_uncertainty", self.psd_uncertainty, bool)
        object.__setattr__(self, "correction", parse_correction_type(self.correction))

    @property
    def asked(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.calibration or self.psd_uncertainty or self.psd)


NO_SYSTEMATICS = Systematics()
"""Calibration and noise spectra are taken as exact."""
