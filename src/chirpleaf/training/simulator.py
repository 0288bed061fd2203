"""Simulator: signals as a network of detectors records them, in noise, as network input with training targets.

Batch n of a simulator is a function of (seed, n) alone in any process, so that an interrupted training continues
exactly. For each example, the series h_s of a signal come from the bank. Sky position, inclination, polarisation and
phase are isotropic and determine the detectors' amplitudes, phases and arrival times,

    s_d(f) = sum_s R_ds exp(i m_s phase) h_s(f) exp(-2 pi i f t_d) w_d(f)

(`chirpleaf.physics.signals`). The distance is set so that the optimal signal-to-noise ratio of the detectors together
is log-uniform in a range. Whitening weights w_d and whitened noise come from a noise source.
"""

from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Bool, Complex64, Float32
from torch import Tensor

from chirpleaf.models.estimator import Estimator
from chirpleaf.physics.detectors import Detector
from chirpleaf.physics.extrinsic_prior import ExtrinsicPrior
from chirpleaf.physics.signals import SignalModel
from chirpleaf.training.banks.bank import WaveformBank
from chirpleaf.training.banks.proposal import StratifiedProposal
from chirpleaf.training.batch import Batch
from chirpleaf.training.noise import TabulatedNoise
from chirpleaf.training.simulation import Curriculum
from chirpleaf.training.subsets import SubsetSettings, sample_present

Series = Complex64[Tensor, "batch series bin"]
Response = Complex64[Tensor, "batch detector series"]
Weights = Float32[Tensor, "batch detector bin"]
PerDetector = Float32[Tensor, "batch detector"]


_FEW = 2
"""Number of series up to which a signal's power comes from their Gram matrix, and each series is turned by itself. The
signals of more series are composed in all detectors by one matrix product, present or not."""


@dataclass(frozen=True, eq=False)
class Simulator:
    """Simulates batches.

    Attributes:
        bank: waveforms to draw from.
        proposal: distribution of the bank's binaries.
        parameters: names of the bank's parameters, in the order of its columns.
        signal_model: signal model of the bank's series.
        estimator: gives preprocessing and coordinates of the examples.
        detectors: the detectors, in the order of the data.
        noise: whitening weights and whitened noise.
        snr_range: least and greatest optimal signal-to-noise ratio of the present detectors together.
        curriculum: how the least of them falls with the number of the batch; constant when None.
        subsets: probabilities of the subsets of present detectors; all are present when None.
        jitter: half width of the uniform error of the reference time, seconds.
        batch_size: examples in a batch.
        seed: seed of all random numbers.
    """

    bank: WaveformBank
    proposal: StratifiedProposal
    parameters: tuple[str, ...]
    signal_model: SignalModel
    estimator: Estimator
    detectors: tuple[Detector, ...]
    noise: TabulatedNoise
    snr_range: tuple[float, float]
    curriculum: Curriculum | None
    subsets: SubsetSettings | None
    jitter: float
    batch_size: int
    seed: int

    @torch.no_grad()
    def batch(self, index: int) -> Batch:
        """Simulates a batch.

        Args:
            index: number of the batch.

        Returns:
            The examples.
        """
        rng = np.random.default_rng([self.seed, index])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        rows = self.bank.sample_rows(index, self.batch_size, generator)
        theta, series = self.bank.theta[rows], torch.view_as_complex(self.bank.series[rows].float())
        present = sample_present(self.batch_size, len(self.detectors), self.subsets, generator)
        noise_rows = self.noise.sample_rows(self.batch_size, generator)
        weights = self.noise.weights_at(noise_rows)
        snr_range = self.curriculum.restrict(self.snr_range, index) if self.curriculum else self.snr_range
        data = self.simulate_signal(series, weights, rng, generator, present, snr_range)
        data += self.noise.sample_noise(noise_rows, generator)
        if self.subsets is not None:
            data[~present], weights[~present] = 0.0, 0.0
        canonical = self.estimator.preprocess(data, weights, present, generator)
        template_mass = self.estimator.canonical.chirp_mass[canonical.template].double().numpy()
        snr = canonical.snr.square().sum(1).sqrt().numpy()
        chirp_mass = theta[:, self.parameters.index("chirp_mass")].numpy()
        log_weight = self.proposal.log_weight(chirp_mass) - self.proposal.log_normalisation(template_mass, snr)
        target = self.estimator.training_target(theta, canonical)
        return Batch(canonical.tokens, *target, torch.from_numpy(np.exp(log_weight)).float())

    def simulate_signal(
        self,
        series: Series,
        weights: Weights,
        rng: np.random.Generator,
        generator: torch.Generator,
        present: Bool[Tensor, "batch detector"] | None = None,
        snr_range: tuple[float, float] | None = None,
    ) -> Complex64[Tensor, "batch detector bin"]:
        """Simulates the signals that the detectors record, without noise.

        Args:
            series: series of joint unit norm under the reference weights, shape (n, S, n_bins).
            weights: whitening weights over the reference weights, shape (n, detector, n_bins).
            rng: source of sky positions and orientations.
            generator: source of times and signal-to-noise ratios.
            present: whether each detector is present, shape (n, detector); all are when None. Absent detectors do not
                count for the signal-to-noise ratio.
            snr_range: least and greatest signal-to-noise ratio; that of the simulator when None.

        Returns:
            Whitened signals, shape (n, detector, n_bins); zero where a detector is absent.
        """
        response, delays = self._sample_responses(len(series), rng)
        many = series.shape[1] > _FEW
        whole = torch.bmm(response, series) * weights if many else None
        power = signal_power(series, response, weights) if whole is None else _sum_squares(whole)
        if present is not None:
            power = torch.where(present, power, 0.0)
        loudest = power.argmax(1, keepdim=True)
        offset = torch.rand(len(series), 1, generator=generator) * 2 - 1
        times = delays - delays.gather(1, loudest) + self.jitter * offset
        low, high = np.log(snr_range or self.snr_range)
        snr = torch.exp(low + (high - low) * torch.rand(len(series), generator=generator))
        scale = snr / power.sum(1).sqrt()
        frequencies = torch.from_numpy(self.estimator.canonical.grid.frequencies).float()
        if whole is not None:
            level = scale[:, None, None] if present is None else present[..., None] * scale[:, None, None]
            return whole * torch.polar(level.expand_as(weights), -2 * torch.pi * frequencies * times[..., None])
        factor = response * scale[:, None, None]
        if present is None or present.all():  # no copies where none is absent
            return _sum_series(frequencies, series[:, None], factor, weights, times)
        rows, columns = present.nonzero().unbind(1)
        chosen = (values[rows, columns] for values in (factor, weights, times))
        signals = torch.zeros(weights.shape, dtype=torch.complex64)
        signals[rows, columns] = _sum_series(frequencies, series[rows], *chosen)
        return signals

    def _sample_responses(self, n: int, rng: np.random.Generator) -> tuple[Response, PerDetector]:
        """Responses (n, detector, S) and arrival times after the geocentre (n, detector), seconds."""
        place = ExtrinsicPrior().sample(n, rng)
        responses, delays = [], []
        for detector in self.detectors:
            fp, fc = detector.antenna_pattern(place["ra"], place["dec"], place["psi"], gmst=0.0)
            responses.append(self.signal_model.response(fp, fc, place["theta_jn"], place["phase"]))
            delays.append(detector.time_delay(place["ra"], place["dec"], gmst=0.0))
        return (
            torch.from_numpy(np.stack(responses, axis=1)).to(torch.complex64),
            torch.from_numpy(np.stack(delays, axis=1)).float(),
        )


def _sum_series(
    frequencies: Float32[Tensor, " bin"], series: Tensor, factor: Tensor, weights: Tensor, times: Tensor
) -> Complex64[Tensor, "*row bin"]:
    """Signals of rows from their series (..., S, bin), factors (..., S), weights (..., bin) and delays (...)."""
    delay_angle = 2 * torch.pi * frequencies * times[..., None]
    turned = (
        one * torch.polar(own.abs()[..., None] * weights, own.angle()[..., None] - delay_angle)
        for one, own in zip(series.unbind(-2), factor.unbind(-1), strict=True)
    )
    return reduce(torch.add, turned)


def _sum_squares(signals: Complex64[Tensor, "batch detector bin"]) -> PerDetector:
    """Squared norm in each detector."""
    return torch.view_as_real(signals).square().sum((-2, -1))


def signal_power(series: Series, response: Response, weights: Weights) -> PerDetector:
    """Squared optimal signal-to-noise ratio in each detector, from the Gram matrix of the series.

        rho_d^2 = sum_st Re[R_ds conj(R_dt) G_dst],        G_dst = sum_f w_d^2 h_s conj(h_t)

    Args:
        series: whitened series under the reference weights, shape (n, S, n_bins).
        response: factors of the series, shape (n, detector, S).
        weights: whitening weights over the reference weights, shape (n, detector, n_bins).

    Returns:
        Shape (n, detector).
    """
    squared_weights = weights.square()
    terms = [
        (torch.view_as_real(one).square().sum(-1)[:, None] * squared_weights).sum(-1)
        * torch.view_as_real(own).square().sum(-1)
        for one, own in zip(series.unbind(1), response.unbind(2), strict=True)
    ]
    for s, t in combinations(range(series.shape[1]), 2):
        overlap = ((series[:, s] * series[:, t].conj())[:, None] * squared_weights).sum(-1)
        terms.append(2 * (response[..., s] * response[..., t].conj() * overlap).real)
    return reduce(torch.add, terms)
