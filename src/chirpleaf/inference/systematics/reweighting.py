"""From new likelihoods of samples to a new posterior: weights, certificate, sky map and verdict."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.inference.certify.importance import ImportanceDiagnostics
from chirpleaf.inference.certify.likelihood import Waveform, find_waveform
from chirpleaf.inference.certify.mode_reweighting import combine_certificates
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.systematics.settings import SystematicsSettings
from chirpleaf.inference.trust.assessment import examine_certificate
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.waveform_settings import WaveformSettings, parse_formatted
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.posterior import Posterior
from chirpleaf.result.proposal import Proposal
from chirpleaf.result.reweighting import Reweighting
from chirpleaf.result.trust import Finding, Level
from chirpleaf.result.weights import relative_weights, resample_systematically
from chirpleaf.strain.segment import Segment
from chirpleaf.system.deadline import NEVER, Deadline

_STREAM = 63
"""Number of the stream of random numbers."""

Column = Float64[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class Draws:
    """Samples of a certified posterior, ready to be reweighted.

    Attributes:
        posterior: the posterior.
        certificate: its certificate.
        segment: the data of its likelihood.
        waveform: the waveforms of its likelihood.
        chosen: indices of samples of equal weight among the draws of the proposal, shape (n,).
    """

    posterior: Posterior
    certificate: Certificate
    segment: Segment
    waveform: Waveform
    chosen: NDArray[np.int64]

    @classmethod
    def select(
        cls, posterior: Posterior, data: PreparedData, settings: SystematicsSettings, deadline: Deadline = NEVER
    ) -> "Draws":
        """Selects samples of equal weight by systematic resampling, at most as many as are effective.

        Args:
            posterior: a certified posterior.
            data: the data that it was made of.
            settings: greatest number of samples.
            deadline: end of the time budget; if there is one, the samples are shuffled, so that the first ones of them
                represent all.

        Raises:
            InputError: the posterior is not certified, has no possible draw, or is one of other data.
        """
        certificate = posterior.certificate
        if certificate is None or posterior.impossible:
            kind = "one of the network alone" if certificate is None else "one without a possible draw"
            raise InputError(f"expected a certified posterior to reweight; got {kind}: certify it")
        segment = data.cut_network_segment()
        if segment.detectors != certificate.detectors:
            raise InputError(
                f"expected data of {', '.join(certificate.detectors)}, as the posterior has; got data of "
                f"{', '.join(segment.detectors)}: prepare the data that it was made of"
            )
        weight, seed = posterior.proposal.weights, posterior.provenance.seed
        n = min(posterior.proposal.effective_sample_size, settings.samples)
        chosen = resample_systematically(weight, n, seed)
        if deadline.limited:
            chosen = np.random.default_rng([seed, _STREAM]).permutation(chosen)
        origin = posterior.provenance
        settled = WaveformSettings(origin.approximant, origin.f_ref, parse_formatted(origin.waveform_arguments))
        return cls(posterior, certificate, segment, find_waveform(settled, data.model.architecture.signal), chosen)

    def select_first(self, n: int) -> "Draws":
        """The first samples alone, with a certificate that says that the time was up if others are left out.

        Args:
            n: number of them.
        """
        if n == len(self.chosen):
            return self
        return replace(self, chosen=self.chosen[:n], certificate=replace(self.certificate, stopped="budget"))

    @property
    def samples(self) -> Samples:
        """The samples, each of shape (n,)."""
        return {name: values[self.chosen] for name, values in self.posterior.proposal.samples.items()}

    def reweight(self, log_ratio: Column, record: Reweighting, changed: Samples | None = None) -> Posterior:
        """Makes the posterior under another likelihood.

        Args:
            log_ratio: ln of its likelihood over the former one, for each sample, shape (n,).
            record: the reweighting (`record_weights`).
            changed: samples of parameters that change with the likelihood.

        Returns:
            The posterior; its proposal holds the samples of equal weight with their new weights.
        """
        found = ImportanceDiagnostics.from_log_weights(log_ratio)
        before = self.certificate
        certificate = replace(
            combine_certificates(before, found),
            log_bayes_factor=before.log_bayes_factor + record.log_bayes_factor_change,
            reweightings=(*before.reweightings, record),
        )
        samples = {**self.samples, **(changed or {})}
        possible = bool(np.isfinite(found.log_evidence))
        sky, trust = self.posterior.sky, self.posterior.trust
        if sky is not None and possible:
            sky = sky.reweight(samples["ra"], samples["dec"], relative_weights(log_ratio))
        told = {one.message for one in trust.findings}
        findings = [one for one in examine_certificate(certificate) if one.message not in told]
        findings.append(Finding(f"sampling.{record.name}", Level.NOTE, record.describe(), value=record.efficiency))
        log_prob, level = self.posterior.proposal.log_prob[self.chosen], found.log_evidence if possible else 0.0
        return replace(
            self.posterior,
            proposal=Proposal(samples, log_prob, log_ratio - level),
            certificate=certificate,
            sky=sky,
            trust=trust.add(*findings),
        )


def record_weights(name: str, detectors: tuple[str, ...], log_ratio: Column) -> Reweighting:
    """The record of a reweighting by its weights.

    Args:
        name: a key of `result.reweighting.TITLES`.
        detectors: names of the detectors that it changes.
        log_ratio: ln of the new likelihood over the former one, shape (n,); minus infinity where the new one is zero.
    """
    found = ImportanceDiagnostics.from_log_weights(log_ratio)
    sizes = found.efficiency, found.effective_samples, found.pareto_k
    return Reweighting(name, detectors, found.draws, *sizes, found.log_evidence)
