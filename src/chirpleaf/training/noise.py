"""Noise of training batches: rows of a noise table, as tensors."""

from dataclasses import dataclass

import torch
from jaxtyping import Complex64, Float32, Int64
from torch import Tensor

from chirpleaf.strain.noise import NoiseTable


@dataclass(frozen=True, eq=False)
class TabulatedNoise:
    """Draws whitening weights and whitened noise of batches from a table.

    Attributes:
        weights: whitening weights of the bins over the reference weights, shape (detector, row, bin).
        recorded: recorded whitened noise, same shape; None for Gaussian noise.
        coherent: whether a row belongs together across the detectors.
    """

    weights: Float32[Tensor, "detector row bin"]
    recorded: Complex64[Tensor, "detector row bin"] | None = None
    coherent: bool = False

    @classmethod
    def from_table(cls, table: NoiseTable) -> "TabulatedNoise":
        """Takes over a noise source's table without copying it.

        Args:
            table: result of `NoiseSource.tabulate`.

        Returns:
            The noise.
        """
        recorded = None if table.noise is None else torch.from_numpy(table.noise)
        return cls(torch.from_numpy(table.weights), recorded, table.coherent)

    def sample_rows(self, n: int, generator: torch.Generator) -> Int64[Tensor, "batch detector"]:
        """Draws a row of the table for each example and detector.

        Args:
            n: number of examples.
            generator: source of randomness.

        Returns:
            Numbers of rows, shape (n, detector).
        """
        detectors, rows = self.weights.shape[:2]
        if self.coherent:
            return torch.randint(rows, (n, 1), generator=generator).expand(n, detectors)
        return torch.stack([torch.randint(rows, (n,), generator=generator) for _ in range(detectors)], dim=1)

    def weights_at(self, rows: Int64[Tensor, "batch detector"]) -> Float32[Tensor, "batch detector bin"]:
        """Whitening weights over the reference weights.

        Args:
            rows: result of `sample_rows`.

        Returns:
            Shape (n, detector, bin).
        """
        return torch.stack([own[chosen] for own, chosen in zip(self.weights, rows.T, strict=True)], dim=1)

    def sample_noise(
        self, rows: Int64[Tensor, "batch detector"], generator: torch.Generator
    ) -> Complex64[Tensor, "batch detector bin"]:
        """Whitened noise: that of the rows where it is recorded, else new Gaussian noise.

        Args:
            rows: result of `sample_rows`.
            generator: source of randomness; not used for recorded noise.

        Returns:
            Shape (n, detector, bin), of unit variance in the real and in the imaginary part.
        """
        if self.recorded is not None:
            return torch.stack([own[chosen] for own, chosen in zip(self.recorded, rows.T, strict=True)], dim=1)
        shape = (*rows.shape, self.weights.shape[-1])
        return torch.view_as_complex(torch.randn(*shape, 2, generator=generator))
