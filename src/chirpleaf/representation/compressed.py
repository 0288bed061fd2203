"""Pulse compression: the canonical series of each detector as a function of time.

The best template of the canonical input (`representation.canonical`) removes its arrival time and all of its phase from
the data. What is left of a signal arrives at all frequencies at about the same time: a chirp of seconds becomes a pulse
of some ten milliseconds, as in radar, and a short series holds all of its signal-to-noise ratio. With the canonical
series x_c of unit noise variance, in bands of width W_c about f_c, it is

    x(t_n) = sum_c x_c W_c^(1/2) sinc(W_c t_n) exp(2 pi i f_c t_n) / N,        N^2 = sum_c W_c <sinc^2(W_c t)>,

the inverse Fourier transform of data that are constant within a band. The series is complex; its real and imaginary
parts are two channels whose noise has unit variance on average. It needs no more bins than the canonical input, so
training simulates it as fast.
"""

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from chirpleaf.errors import InputError
from chirpleaf.representation.canonical import Canonical
from chirpleaf.representation.multiband import Multiband
from chirpleaf.representation.series import USUAL_SNR, SeriesSettings, draw_shifts


class CompressedSeries(nn.Module):
    """Turns the canonical series into time series.

    Args:
        grid: the multiband grid.
        settings: length, rate and alignment of the series.

    Raises:
        InputError: the rate is below the width of the frequency range.

    Example:
        >>> grid = Multiband(8.0, chirp_mass_min=12.0, chirp_mass_max=88.0)
        >>> series = CompressedSeries(grid, SeriesSettings(rate=1024, n_samples=256, align="template"))
        >>> series.matrix.shape == (2 * grid.n_bands, 2 * 256)
        True
    """

    matrix: Tensor
    frequencies: Tensor

    def __init__(self, grid: Multiband, settings: SeriesSettings) -> None:
        super().__init__()
        span = grid.frequencies[-1] - grid.frequencies[0]
        if settings.rate < span:
            raise InputError(
                f"expected at least {span:.0f} complex samples a second; got {settings.rate}: raise series.rate or "
                "lower maximum_frequency"
            )
        self.settings, self.n_bands, self.n_samples = settings, grid.n_bands, settings.n_samples
        start = -round(settings.before * settings.n_samples)
        times = (np.arange(settings.n_samples) + start) / settings.rate
        width = np.diff(grid.edges)[:: grid.fold] * grid.fold * grid.delta_f
        envelope = np.sqrt(width)[:, None] * np.sinc(width[:, None] * times)
        envelope = envelope / np.sqrt((envelope**2).sum(0).mean())
        waves = envelope * np.exp(2j * np.pi * grid.band_frequencies[:, None] * times)
        # (real, imaginary) of each band times this matrix gives real parts, then imaginary parts.
        by_part = np.stack([np.hstack([waves.real, waves.imag]), np.hstack([-waves.imag, waves.real])], axis=1)
        matrix = torch.from_numpy(by_part.reshape(2 * grid.n_bands, -1)).float()
        self.register_buffer("matrix", matrix, persistent=False)
        self.register_buffer("frequencies", torch.from_numpy(grid.band_frequencies).float(), persistent=False)

    def forward(
        self, canonical: Canonical, generator: torch.Generator | None = None
    ) -> Float32[Tensor, "batch detector time"]:
        """The series of each detector: the real part, then the imaginary part.

        Args:
            canonical: the canonical input.
            generator: shifts each example by a random time, all its detectors alike; without it, none is shifted.
        """
        bands = canonical.tokens.values[..., : 2 * self.n_bands]
        if generator is not None and self.settings.arrival > 0:
            times = draw_shifts(len(bands), self.settings.arrival, generator)
            turns = torch.polar(torch.ones(()), -2 * torch.pi * self.frequencies * times)
            series = torch.view_as_complex(bands.unflatten(-1, (self.n_bands, 2)).contiguous()) * turns
            bands = torch.view_as_real(series).flatten(2)
        snr = canonical.snr.square().sum(-1).sqrt()[:, None, None]
        return (bands * (snr / USUAL_SNR).sqrt()) @ self.matrix
