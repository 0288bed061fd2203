"""Simulator: physically coherent signals in Gaussian noise, as canonical network input.

Batch n of a simulator is a function of (seed, n) alone, on any process, so that an interrupted training continues
exactly. For each sample, a waveform comes from the bank; sky, inclination, polarisation and phase are isotropic, which
fixes the detectors' amplitudes, phases and arrival times,

    s_d(f) = [F_+ a_+ + F_x a_x] h(f) exp(-2 pi i f t_d) w_d(f),

the distance is set so that the network's optimal signal-to-noise is log-uniform in a range; every detector has a power
spectral density of its own from the ensemble; noise is added in the whitened bins, where it is white by construction.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from chirpleaf.models.estimator import Estimator
from chirpleaf.physics.detectors import Detector
from chirpleaf.physics.priors import ExtrinsicPrior
from chirpleaf.physics.signals.quadrupole import inclination_factors
from chirpleaf.training.banks.bank import WaveformBank
from chirpleaf.training.banks.proposal import StratifiedProposal
from chirpleaf.training.batch import Batch


@dataclass(frozen=True, eq=False)
class Simulator:
    """Draws batches.

    Attributes:
        bank: waveforms to draw from.
        proposal: what the bank was drawn from.
        estimator: whose preprocessing and coordinates the examples are given in.
        detectors: the network of detectors.
        spectra: whitening weights of the ensemble's spectra over the reference weights, per detector,
            shape (detector, n_spectra, n_bins).
        snr_range: least and greatest optimal signal-to-noise of the network.
        jitter: half width of the uniform error of the reference time, seconds.
        batch_size: examples in a batch.
        seed: seed of all draws.
    """

    bank: WaveformBank
    proposal: StratifiedProposal
    estimator: Estimator
    detectors: tuple[Detector, ...]
    spectra: Tensor
    snr_range: tuple[float, float] = (7.0, 60.0)
    jitter: float = 0.0015
    batch_size: int = 512
    seed: int = 0

    @torch.no_grad()
    def batch(self, index: int) -> Batch:
        """The batch of an index.

        Args:
            index: number of the batch.

        Returns:
            The examples.
        """
        rng = np.random.default_rng([self.seed, index])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        rows = self.bank.rows(index, self.batch_size, generator)
        waves = torch.view_as_complex(self.bank.waves[rows].float())
        signal, weights = self.signal(waves, rng, generator)
        noise = torch.view_as_complex(torch.randn(*signal.shape, 2, generator=generator))
        estimator = self.estimator
        canonical = estimator.preprocess(signal + noise, weights, generator=generator)
        theta = self.bank.theta[rows]
        found = estimator.canonical.chirp_mass[canonical.template].double().numpy()
        loudness = canonical.snr.square().sum(1).sqrt().numpy()
        log_weight = self.proposal.log_weight(theta[:, 0].numpy()) - self.proposal.log_norm(found, loudness)
        target = estimator.training_target(theta, canonical)
        return Batch(canonical.tokens, *target, torch.from_numpy(np.exp(log_weight)).float())

    def signal(self, waves: Tensor, rng: np.random.Generator, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Signals as the detectors have them before the noise.

        Args:
            waves: unit-norm waveforms under the reference weights, complex, shape (n, n_bins).
            rng: source of sky and orientation.
            generator: source of spectra, times and signal-to-noises.

        Returns:
            Whitened signals and weights over the reference weights, both (n, detector, n_bins).
        """
        n = len(waves)
        response, delays = self._respond(n, rng)
        weights = torch.stack(
            [spectra[torch.randint(len(spectra), (n,), generator=generator)] for spectra in self.spectra], dim=1
        )
        heard = torch.view_as_real(waves).square().sum(-1)[:, None] * weights.square()
        power = heard.sum(-1) * torch.view_as_real(response).square().sum(-1)
        loudest = power.argmax(1, keepdim=True)
        offset = torch.rand(n, 1, generator=generator) * 2 - 1
        times = delays - delays.gather(1, loudest) + self.jitter * offset
        low, high = np.log(self.snr_range)
        target = torch.exp(low + (high - low) * torch.rand(n, generator=generator))
        factor = response * (target / power.sum(1).sqrt())[:, None]
        frequencies = torch.from_numpy(self.estimator.canonical.grid.frequencies).float()
        angle = factor.angle()[..., None] - 2 * torch.pi * frequencies * times[..., None]
        return waves[:, None] * torch.polar(factor.abs()[..., None] * weights, angle), weights

    def _respond(self, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Complex responses and delays after the geocentre (s), both (n, detector)."""
        extrinsic = ExtrinsicPrior().sample(n, rng)
        a_plus, a_cross = inclination_factors(extrinsic["theta_jn"], extrinsic["phase"])
        responses, delays = [], []
        for detector in self.detectors:
            fp, fc = detector.antenna_pattern(extrinsic["ra"], extrinsic["dec"], extrinsic["psi"], gmst=0.0)
            responses.append(fp * a_plus + fc * a_cross)
            delays.append(detector.time_delay(extrinsic["ra"], extrinsic["dec"], gmst=0.0))
        return (
            torch.from_numpy(np.stack(responses, axis=1)).to(torch.complex64),
            torch.from_numpy(np.stack(delays, axis=1)).float(),
        )
