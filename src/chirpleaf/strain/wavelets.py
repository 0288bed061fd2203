"""Wavelets: how much better bursts in one detector explain its data than noise alone does.

A burst is a sum of sine-Gaussians, each of envelope exp(-(t - t_0)^2 / tau^2) with Q = 2 pi f_0 tau; those of small Q
are short pulses. Of one sine-Gaussian psi, with z(t_0, f_0, Q) = (d | psi) / sqrt((psi | psi)) in the noise-weighted
inner product, the likelihood ratio to noise is, integrated over the phase and over the signal-to-noise ratio rho,

    Z(t_0, f_0, Q) = int p(rho) I_0(rho |z|) exp(-rho^2 / 2) d rho,    p(rho) = rho / (2 s^2 (1 + rho / 2 s)^3)

with the prior of glitches of BayesWave (arXiv:1410.3835, section III). Its mean over t_0 (uniform in the window),
ln f_0 and ln Q (uniform) is the evidence. Further sine-Gaussians are fitted to what the former ones leave (matching
pursuit), each with prior odds of one half.

A sine-Gaussian is compact in time, so that z needs d / S in a window of two seconds alone; it is computed for a bank of
(f_0, Q) whose spacing follows the metric of arXiv:gr-qc/0412119, on as many times as its bandwidth requires. Between
the points of the bank, the peak is refined and its volume taken from the same metric.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Complex128
from numpy.typing import NDArray

from chirpleaf.strain.strain import Spectrum
from chirpleaf.strain.wavelet_window import Window, can_hear, cut_window

Array = NDArray[np.float64]


@dataclass(frozen=True)
class WaveletSettings:
    """The family of wavelets and its prior.

    Attributes:
        half_window: half width of the central times, seconds. A wider one finds bursts farther away, and lowers the
            evidence of one at the trigger.
        half_length: half length of the data that are used, seconds; `half_window` and three `longest` must fit.
        longest: greatest tau, seconds. A longer one fits slower bursts, and needs more data, which take longer.
        frequencies: least and greatest f_0, Hz. A wider range finds more bursts, and lowers the evidence of each.
        quality: least and greatest Q. Below two a wavelet is hardly an oscillation; a larger end covers longer ones,
            which also fit the spectral lines.
        mismatch: greatest loss of squared signal-to-noise ratio between points of the bank. A smaller one costs time;
            peaks are refined anyway.
        typical_snr: s of the prior of rho. A larger one favours loud bursts.
        most: most wavelets of a burst. More fit bursts of unusual form, at some milliseconds each.
        odds: prior odds of one further wavelet. Larger odds fit bursts in more detail, and noise as well.
        sweeps: steps of the refinement of a peak in every coordinate. More find the peak better, at equal time each.
    """

    half_window: float = 0.4
    half_length: float = 1.0
    longest: float = 0.2
    frequencies: tuple[float, float] = (20.0, 700.0)
    quality: tuple[float, float] = (1.5, 30.0)
    mismatch: float = 0.2
    typical_snr: float = 5.0
    most: int = 5
    odds: float = 0.5
    sweeps: int = 4


@dataclass(frozen=True)
class Burst:
    """The burst that explains the data of a detector best.

    Attributes:
        log_evidence: ln of the evidence of a burst over that of noise, nats.
        snr: root of the sum of squares over its wavelets.
        time: central time of the loudest wavelet, seconds after the origin of the data's phases.
        frequency: central frequency of the loudest wavelet, Hz.
        quality: Q of the loudest wavelet.
        wavelets: number of wavelets.
    """

    log_evidence: float
    snr: float
    time: float
    frequency: float
    quality: float
    wavelets: int


def find_burst(
    strain: Complex128[np.ndarray, " frequency"],
    psd: Spectrum,
    frequencies: Spectrum,
    duration: float,
    settings: WaveletSettings = WaveletSettings(),
    *,
    middle: float = 0.0,
) -> Burst:
    """Fits bursts to the data of one detector.

    Args:
        strain: data with phases relative to a reference time, shape (F,), 1/Hz.
        psd: one-sided power spectral density, shape (F,), 1/Hz; infinite where the data are not used. Wavelets that
            lie there are left out.
        frequencies: multiples of 1 / duration, shape (F,), Hz.
        duration: length of the data, seconds.
        settings: the family of wavelets.
        middle: middle of the window, seconds after the reference time.

    Returns:
        The burst of the number of wavelets with the greatest evidence, at least one.
    """
    window = cut_window(
        strain * np.exp(2j * np.pi * frequencies * middle), psd, frequencies, duration, settings.half_length
    )
    used = frequencies[np.isfinite(psd)]
    band = (float(used[0]), float(used[-1]))
    found: list[tuple[float, float, Array]] = []
    for _ in range(settings.most):
        evidence, height, wavelet = _find_wavelet(window, band, settings)
        found.append((evidence + np.log(settings.odds), height, wavelet))
        if evidence < 0:
            break
        window = window.subtract(wavelet)
    evidences = np.cumsum([one[0] for one in found])
    best = int(evidences.argmax())
    heights = np.array([one[1] for one in found[: best + 1]])
    time, frequency, quality = found[int(heights.argmax())][2]
    loudness = float(np.sqrt(np.sum(heights**2)))
    return Burst(float(evidences[best]), loudness, float(time) + middle, np.exp(frequency), np.exp(quality), best + 1)


def _find_wavelet(window: Window, band: tuple[float, float], settings: WaveletSettings) -> tuple[float, float, Array]:
    """Evidence of one wavelet, its |z|, and (time, ln f_0, ln Q)."""
    length, total, count = 2 * settings.half_length, -np.inf, 0
    table = _tabulate(settings.typical_snr)
    best = (-1.0, np.zeros(3))
    for frequency, quality, places, shape in _lay_bank(settings, band, len(window.weight)):
        size = places.shape[1]
        norm = np.sqrt((shape**2 * window.weight[places]).sum(axis=1) / length)
        norm[~can_hear(shape, window.heard[places])] = np.inf
        output = np.fft.ifft(shape * window.filtered[places], axis=1) * (size / length)
        times = np.fft.fftfreq(size, 1 / length)
        kept = np.abs(times) <= settings.half_window
        height = np.abs(output[:, kept]) / np.maximum(norm, np.finfo(float).tiny)[:, None]
        value = np.interp(height, *table) + height**2 / 2
        # The mean over the window, for each point of the bank.
        top = value.max()
        total = np.logaddexp(total, top + np.log(np.exp(value - top).mean(axis=1).sum()))
        count += len(frequency)
        row, column = np.unravel_index(height.argmax(), height.shape)
        if height[row, column] > best[0]:
            place = np.array([times[kept][column], np.log(frequency[row]), np.log(quality[row])])
            best = (float(height[row, column]), place)
    height, place = _refine(window, best[1], settings)
    return max(float(total - np.log(count)), _integrate_peak(height, place, settings)), height, place


def _refine(window: Window, place: Array, settings: WaveletSettings) -> tuple[float, Array]:
    """The peak of |z| between the points of the bank, one coordinate after the other by parabolas."""
    low = np.array([-settings.half_window, *np.log([settings.frequencies[0], settings.quality[0]])])
    high = np.array([settings.half_window, *np.log([settings.frequencies[1], settings.quality[1]])])
    height = 0.0
    for sweep in range(settings.sweeps):
        steps = _find_steps(place, settings.mismatch / 4**sweep)
        for axis in range(3):
            trial = np.repeat(place[None], 3, axis=0)
            trial[:, axis] += np.array([-1.0, 0.0, 1.0]) * steps[axis]
            trial = trial.clip(low, high)
            left, middle, right = np.abs(window.match(trial[:, 0], *np.exp(trial[:, 1:].T))[0])
            bend = 2 * middle - left - right
            move = (right - left) / (2 * bend) if bend > 0 else np.sign(right - left)
            place[axis] = (place[axis] + np.clip(move, -1.5, 1.5) * steps[axis]).clip(low[axis], high[axis])
        height = float(np.abs(window.match(*(np.array([v]) for v in (place[0], *np.exp(place[1:]))))[0][0]))
    return height, place


def _integrate_peak(height: float, place: Array, settings: WaveletSettings) -> float:
    """ln of the evidence of a loud peak: its height and the volume of the ellipsoid about it, over the prior's."""
    _, frequency, quality = place[0], np.exp(place[1]), np.exp(place[2])
    metric = np.array(
        [
            [(2 * np.pi * frequency / quality) ** 2, 0.0, 0.0],
            [0.0, (2 + quality**2) / 4, -0.5],
            [0.0, -0.5, 0.5],
        ]
    )
    volume = (2 * np.pi) ** 1.5 / (max(height, 1.0) ** 3 * np.sqrt(np.linalg.det(metric)))
    widths = [np.log(high / low) for low, high in (settings.frequencies, settings.quality)]
    prior = 1 / (2 * settings.half_window * widths[0] * widths[1])
    peak = float(np.interp(height, *_tabulate(settings.typical_snr))) + height**2 / 2
    return float(peak + min(float(np.log(volume * prior)), 0.0))


def _find_steps(place: Array, mismatch: float) -> Array:
    """Steps in time, ln f_0 and ln Q that lose a part of the squared signal-to-noise ratio."""
    frequency, quality = np.exp(place[1:])
    metric = np.array([2 * np.pi * frequency / quality, np.sqrt(2 + quality**2) / 2, 0.5**0.5])
    return np.asarray(np.sqrt(mismatch) / metric)


@lru_cache(maxsize=8)
def _lay_bank(
    settings: WaveletSettings, band: tuple[float, float], n_bins: int
) -> tuple[tuple[Array, Array, NDArray[np.int64], Array], ...]:
    """The bank, grouped by the number of frequency bins, a power of two, that each wavelet needs.

    Returns:
        For each group f_0 and Q, shape (n,), the bins and the wavelets there, shape (n, size).
    """
    step = 2 * np.sqrt(settings.mismatch / 3)
    (q_low, q_high), length = settings.quality, 2 * settings.half_length
    low, high = max(settings.frequencies[0], band[0]), min(settings.frequencies[1], band[1])
    points = []
    for quality in np.geomspace(q_low, q_high, int(np.log(q_high / q_low) * 0.5**0.5 / step) + 2):
        n = int(np.log(high / low) * np.sqrt(2 + quality**2) / 2 / step) + 2
        frequency = np.geomspace(low, high, n)
        points.append(
            np.stack([frequency, np.full(n, quality)], axis=1)[quality < 2 * np.pi * frequency * settings.longest]
        )
    bank = np.concatenate(points)
    # Gaussians of standard deviation sqrt(1/2) / (pi tau), cut at three of them; twice as many bins
    # oversample the time.
    deviation = np.sqrt(2) * bank[:, 0] / bank[:, 1]
    sizes = 2 ** np.ceil(np.log2(np.minimum(12 * deviation, 2 * band[1]) * length)).astype(int)
    groups = []
    for size in np.unique(sizes):
        frequency, quality = bank[sizes == size].T
        tau = quality / (2 * np.pi * frequency)
        places = np.rint(frequency * length).astype(int)[:, None] - size // 2 + np.arange(size)
        shape = np.exp(-((np.pi * tau[:, None] * (places / length - frequency[:, None])) ** 2))
        inside = (places >= 0) & (places < n_bins)
        groups.append((frequency, quality, places.clip(0, n_bins - 1), shape * inside))
    return tuple(groups)


@lru_cache(maxsize=4)
def _tabulate(typical: float) -> tuple[Array, Array]:
    """ln int p(rho) I_0(rho z) exp(-rho^2 / 2) d rho - z^2 / 2 against z."""
    z = np.linspace(0.0, 200.0, 2001)
    width = np.linspace(-8.0, 8.0, 321)
    rho = np.maximum(z[:, None] + width, 1e-9)
    argument = rho * z[:, None]
    large = np.maximum(argument, 300.0)
    bessel = np.log1p(1 / (8 * large)) - np.log(2 * np.pi * large) / 2
    small = argument[argument < 300.0]  # I_0 is slow: it is computed only where its expansion would not do
    bessel[argument < 300.0] = np.log(np.i0(small)) - small
    log_prior = np.log(rho) - np.log(2 * typical**2) - 3 * np.log1p(rho / (2 * typical))
    value = log_prior + bessel - (rho - z[:, None]) ** 2 / 2
    value[z[:, None] + width < 0] = -np.inf
    top = value.max(axis=1)
    return z, top + np.log(np.exp(value - top[:, None]).sum(axis=1) * (width[1] - width[0]))
