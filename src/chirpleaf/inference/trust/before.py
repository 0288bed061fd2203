"""Checks before the certification: is an answer refused, whatever its draws are?

An answer that is refused anyway needs no more than its first draws. Three things are known before all draws are made:

- what strain, header and noise spectrum are (`data`), and whether there is a signal that the model knows
  (`observation`);
- the evidence Z_g of glitches in single detectors (`glitches`), which does not depend on the draws;
- that the evidence of a binary is an average of the likelihood over the prior, and so at most the greatest likelihood:
  ln Z <= max ln L. The best template allows rho^2 / 2 before any draw, the draws so far allow what they have found.

If this bound is below the evidence of glitches, or of noise, by what refuses an answer, no draw can change the verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.trust.data import examine_data
from chirpleaf.inference.trust.glitches import combine_bursts, find_bursts
from chirpleaf.inference.trust.observation import examine_observation
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, TrustSettings
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain.wavelets import Burst


@dataclass(frozen=True, eq=False)
class Preliminary:
    """What is known before the certification.

    Attributes:
        findings: what the checks of the data and of the best template found.
        bursts: the best glitch of each detector.
        snr: network signal-to-noise ratio of the best template.
        settings: thresholds.
    """

    findings: tuple[Finding, ...]
    bursts: Mapping[str, Burst]
    snr: float
    settings: TrustSettings = DEFAULT_TRUST

    @property
    def refused(self) -> bool:
        """Whether the answer is refused, whatever the draws are."""
        if any(one.level is Level.REFUSE for one in self.findings):
            return True
        return self._explained(self.snr**2 / 2 / (1 - self.settings.early.share))

    def rules_out(self, log_likelihood: float) -> bool:
        """Whether the answer is refused, given the draws so far.

        Args:
            log_likelihood: the greatest ln of the likelihood, marginalised over extrinsic parameters, of these draws,
                nats over noise.
        """
        early = self.settings.early
        if self.refused:
            return True
        if not np.isfinite(log_likelihood):
            return False  # no draw is possible, which says nothing about others
        greatest = log_likelihood + early.nats + early.share * self.snr**2 / 2
        return greatest < self.settings.signal.log_bayes_factor.refuse or self._explained(greatest)

    def _explained(self, greatest: float) -> bool:
        """Whether glitches explain the data far better than a binary of at most some ln of the likelihood."""
        glitches = self.settings.glitches
        threshold = glitches.log_bayes_factor if len(self.bursts) > 1 else glitches.one_detector
        return bool(greatest - combine_bursts(self.bursts, glitches) < threshold.refuse)


def examine_before(data: PreparedData, settings: TrustSettings = DEFAULT_TRUST) -> Preliminary:
    """Examines prepared data before any draw is made.

    Args:
        data: the prepared data.
        settings: thresholds.

    Raises:
        InputError: strain or spectra do not cover the segment of the likelihood.
    """
    segment = data.mask_notches(data.cut_network_segment())
    found = (
        *examine_data(data, segment.detectors),
        *examine_observation(data.observation, settings.signal, certified=True),
    )
    return Preliminary(found, find_bursts(segment, settings.glitches), data.observation.snr, settings)
