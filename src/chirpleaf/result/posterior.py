"""Posterior of the parameters of one event."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.derived import Samples
from chirpleaf.result.base import Result
from chirpleaf.result.bilby import make_evidence
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.frozen import freeze_samples
from chirpleaf.result.hdf5 import POSTERIOR, Record
from chirpleaf.result.proposal import Proposal
from chirpleaf.result.sky import SkyMap
from chirpleaf.result.trust import Finding, Level
from chirpleaf.result.validation import check_names
from chirpleaf.result.weights import weighted_quantiles

HEADLINE = (
    "chirp_mass",
    "mass_1",
    "mass_2",
    "mass_ratio",
    "chi_eff",
    "final_mass",
    "final_spin",
    "f_220",
    "tau_220",
)
"""Parameters of the corner plot, and of the table of every posterior."""

PRECESSING_HEADLINE = (
    *("chirp_mass", "mass_ratio", "chi_eff", "chi_p", "a_1", "tilt_1", "theta_jn"),
    *("final_mass", "final_spin"),
)
"""The same of posteriors of precessing binaries."""

CERTIFIED = ("luminosity_distance", "chirp_mass_source", "mass_1_source", "mass_2_source", "network_optimal_snr")
"""Further parameters of the table of a certified posterior."""

EXTRINSIC = ("luminosity_distance", "ra", "dec", "theta_jn", "psi", "phase", "geocent_time")
"""Extrinsic parameters that a certified posterior has samples of."""

IMPOSSIBLE = "every importance weight is zero, so the samples are those of the network, not of the posterior"
"""Reason not to trust a posterior whose draws are all impossible."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Posterior(Result):
    """Posterior of one event.

    Attributes:
        samples: samples of equal weight: all draws if these have equal weights, else as many as their effective sample
            size, drawn by systematic resampling with the seed of the provenance. They follow from `proposal`. If every
            weight is zero, they are the draws themselves, and `trust` says so.
        proposal: the weighted draws.
        intrinsic: names of the parameters that `proposal.log_prob` is a density of.
        certificate: importance-sampling diagnostics; None if the posterior is not certified.
        sky: sky map; None if the posterior is not certified.

    Example:
        >>> import chirpleaf
        >>> posterior = chirpleaf.infer("GW150914", samples=200, seed=1, certify=False)
        >>> bool(35 < posterior["mass_1"].mean() < 45)
        True
    """

    samples: Mapping[str, NDArray[np.float64]] = field(init=False)
    proposal: Proposal
    intrinsic: tuple[str, ...]
    certificate: Certificate | None = None
    sky: SkyMap | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names(self.intrinsic, self.proposal.samples)
        equal = self.proposal.equally_weighted
        samples = self.proposal.samples if equal else self.resample(self.proposal.effective_sample_size)
        object.__setattr__(self, "samples", freeze_samples(samples))
        if self.impossible and IMPOSSIBLE not in self.trust.reasons:
            finding = Finding("sampling.impossible", Level.REFUSE, IMPOSSIBLE)
            object.__setattr__(self, "trust", self.trust.add(finding))

    @property
    def headline(self) -> tuple[str, ...]:
        """Names of the parameters of the corner plot; a file of a former version may lack some."""
        names = PRECESSING_HEADLINE if "chi_p" in self.samples else HEADLINE
        return tuple(name for name in names if name in self.samples)

    @property
    def tabulated(self) -> tuple[str, ...]:
        """Names of the parameters of the table that `chirpleaf infer` prints."""
        return self.headline + tuple(name for name in CERTIFIED if name in self.samples)

    @property
    def corner_notes(self) -> tuple[str, ...]:
        """What a corner plot says beside its panels, with distance and sky where the posterior is certified."""
        notes = list(super().corner_notes)
        if "luminosity_distance" in self and not self.impossible:
            lower, median, upper = self._quantiles("luminosity_distance", (0.05, 0.5, 0.95))
            errors = f"^{{+{upper - median:.0f}}}_{{-{median - lower:.0f}}}"
            notes.append(f"$d_L = {median:.0f}{errors}$ Mpc")
        if self.sky is not None and not self.impossible:
            notes.append(f"sky: {self.sky.area(0.9):,.0f} square degrees (90 %)")
        return tuple(notes)

    @property
    def search_parameters(self) -> tuple[str, ...]:
        """Names of the parameters that were sampled: the intrinsic, and if certified the extrinsic ones."""
        known = {"theta_jn"} if "cos_iota" in self.intrinsic else set()
        return self.intrinsic + tuple(name for name in EXTRINSIC if name in self.samples and name not in known)

    @property
    def impossible(self) -> bool:
        """Whether every importance weight is zero."""
        return self.proposal.impossible

    @property
    def n_draws(self) -> int:
        """Number of draws from the proposal, `n_samples` of `summary.json`."""
        return len(self.proposal)

    def resample(self, n: int) -> Samples:
        """Draws any number of samples of equal weight.

        Args:
            n: number of samples.

        Returns:
            Parameter name to values, each of shape (n,); more than the effective sample size are not independent.

        Raises:
            InputError: `n` is no positive whole number.
        """
        return self.proposal.resample(n, self.provenance.seed)

    def log_prior(self) -> NDArray[np.float64]:
        """ln of the prior of each sample of equal weight, with respect to `search_parameters`, shape (n,).

        Raises:
            InputError: the result does not hold the density of its prior.
        """
        if self.prior is None:
            raise InputError("expected a result with its prior; got a file of chirpleaf 0.1.0: analyse the event again")
        return self.prior.log_prob(self.samples)

    def to_record(self) -> Record:
        """The posterior as the content of a `posterior.hdf5`."""
        return Record(
            kind=POSTERIOR,
            samples=self.proposal.samples,
            log_prob=self.proposal.log_prob,
            log_weight=self.proposal.log_weight,
            provenance=self.provenance,
            trust=self.trust,
            timing=self.timing,
            prior=self.prior,
            intrinsic=self.intrinsic,
            certificate=self.certificate,
            sky=self.sky,
            equally_weighted={} if self.proposal.equally_weighted else self.samples,
        )

    @classmethod
    def from_record(cls, record: Record) -> "Posterior":
        """Inverse of `to_record`."""
        return cls(
            proposal=Proposal(record.samples, record.log_prob, record.log_weight),
            intrinsic=record.intrinsic,
            provenance=record.provenance,
            trust=record.trust,
            timing=record.timing,
            prior=record.prior,
            certificate=record.certificate,
            sky=record.sky,
        )

    def bilby_document(self) -> dict[str, Any]:
        """The content of `result.json`, with the prior of each sample and the evidence of a certified posterior."""
        document = super().bilby_document()
        with suppress(InputError, KeyError):  # densities that are not known, or not of these samples
            density = self.log_prior()
            if np.isfinite(density).all():  # JSON has no infinity
                document["posterior"]["content"]["log_prior"] = density.tolist()
        return {**document, **make_evidence(self.certificate, self.provenance.log_noise_evidence)}

    def _quantiles(self, name: str, probabilities: Sequence[float]) -> NDArray[np.float64]:
        self[name]  # an unknown name is refused
        weights = None if self.proposal.equally_weighted else self.proposal.weights
        return weighted_quantiles(self.proposal.samples[name], probabilities, weights)

    def _certificate_document(self) -> dict[str, Any] | None:
        if self.certificate is None or self.sky is None:
            return None
        areas = {f"sky_area_{level}": self.sky.area(level / 100) for level in (50, 90)}
        return {**self.certificate.to_json(), **areas}

    def _bilby_priors(self) -> tuple[list[str], dict[str, Any] | None]:
        return ["mass_1", "mass_2"], self.prior.to_bilby_json() if self.prior else None

    def _writers(self) -> dict[str, Callable[[Path], object]]:
        writers = super()._writers()
        if self.sky is not None and not self.impossible:
            origin = self.provenance
            writers["skymap.fits"] = partial(
                self.sky.write,
                event=origin.event,
                gps=origin.trigger_time,
                detectors=origin.detectors,
                verdict=self.trust.verdict,
            )
        return writers
