"""Time series input: the whitened strain of each detector about the reference time, as in arXiv:1903.01998.

It is made from the same whitened data as the canonical input, on a grid whose bins are single native frequencies.
With K of them among the N / 2 of the series,

    x_d(t_n) = Re sum_k d_dk conj(c_k) exp(2 pi i f_k t_n) / sqrt(K),

c being the grid's carrier; noise then has unit variance in every sample.
"""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt, Le
from jaxtyping import Complex64, Float32
from torch import Tensor, nn

from chirpleaf.errors import InputError
from chirpleaf.representation.multiband import Multiband
from chirpleaf.system.constraints import FORBID_EXTRA, NonNegativeFloat, OpenFraction


@dataclass(frozen=True)
class SeriesSettings:
    """Length and rate of the time series.

    Attributes:
        rate: sampling rate, Hz.
        n_samples: length of the series.
        before: share of the series that lies before the reference time.
        arrival: half width of the random shifts of the series in training, seconds: a network that has seen the merger
            at any of these times does not depend on an exact reference time.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    rate: Annotated[int, Gt(0), Le(2**20)]
    n_samples: Annotated[int, Gt(0), Le(2**22)]
    before: OpenFraction = 0.75
    arrival: NonNegativeFloat = 0.1


class SeriesInput(nn.Module):
    """Turns whitened data into whitened time series.

    Args:
        grid: a grid of single native frequencies.
        settings: length and rate of the series.

    Raises:
        InputError: the grid combines frequencies, or reaches above half the rate, or its segment is shorter than the
            series.

    Example:
        >>> grid = Multiband(4.0, chirp_mass_min=12.0, chirp_mass_max=88.0, widest=0.25, fold=1)
        >>> series = SeriesInput(grid, SeriesSettings(rate=2048, n_samples=2048))
        >>> series(torch.zeros(3, 2, grid.n_bins, dtype=torch.complex64)).shape
        torch.Size([3, 2, 2048])
    """

    phase_factors: Tensor

    def __init__(self, grid: Multiband, settings: SeriesSettings) -> None:
        super().__init__()
        rate, n_samples = settings.rate, settings.n_samples
        length = round(rate * grid.duration)
        if grid.n_bins != len(grid.native_frequencies):
            raise InputError(
                f"expected a grid of single frequencies; got {grid.n_bins} bins of {len(grid.native_frequencies)}: "
                f"set widest to {grid.delta_f:g} and fold to 1"
            )
        if grid.frequencies[-1] >= rate / 2 or n_samples > length:
            raise InputError(
                f"expected at least {2 * grid.frequencies[-1]:g} samples a second, and at most {length} of them; got "
                f"{n_samples} at {rate} Hz: lower maximum_frequency or n_samples"
            )
        self.grid, self.rate, self.n_samples, self.length = grid, rate, n_samples, length
        self.arrival = settings.arrival
        self.first, self.start = int(grid.edges[0]), -round(settings.before * n_samples)
        phase_factors = torch.from_numpy(grid.carrier(grid.frequencies)).conj() * (length / 2 / math.sqrt(grid.n_bins))
        self.register_buffer("phase_factors", phase_factors.to(torch.complex64), persistent=False)

    @property
    def times(self) -> Float32[Tensor, " time"]:
        """Times of the samples after the reference time, seconds."""
        return (torch.arange(self.n_samples) + self.start) / self.rate

    def forward(
        self, data: Complex64[Tensor, "batch detector bin"], generator: torch.Generator | None = None
    ) -> Float32[Tensor, "batch detector time"]:
        """The series of each detector.

        Args:
            data: whitened data on the grid, of unit noise variance.
            generator: shifts each example by a random time, all its detectors alike; without it, none is shifted.
        """
        if generator is not None:
            frequencies = torch.from_numpy(self.grid.frequencies).float()
            times = self.arrival * (2 * torch.rand(len(data), 1, 1, generator=generator) - 1)
            data = data * torch.polar(torch.ones(()), -2 * torch.pi * frequencies * times)
        spectrum = data.new_zeros(*data.shape[:-1], self.length // 2 + 1)
        spectrum[..., self.first : self.first + self.grid.n_bins] = data * self.phase_factors
        series = torch.fft.irfft(spectrum, n=self.length)
        return series.roll(-self.start, dims=-1)[..., : self.n_samples]
