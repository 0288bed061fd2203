"""Bank files: waveform banks larger than memory, or dearer than one training should pay for, in HDF5.

A file is made piece by piece, by any number of processes in any order; what is in it depends on its source alone. It
holds `theta` (n, 4) and `waves` (n, n_bins, 2), each whole and uncompressed, so that training maps them into memory and
reads no more than the rows that it draws; and of each piece the seed of its binaries and the SHA-256 of its rows, which
is written last: a piece without it, or whose rows have another, is made again.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from chirpleaf.errors import InputError
from chirpleaf.training.banks.bank import WaveformBank
from chirpleaf.training.banks.proposal import StratifiedProposal
from chirpleaf.training.banks.source import CHUNK, Rows, WaveformSource

FORMAT = "chirpleaf-bank 1"
_UNMADE = bytes(32)


@dataclass(frozen=True)
class Piece:
    """Rows that are made and checked together.

    Attributes:
        number: its place in the file.
        start: first row.
        stop: row after the last.
    """

    number: int
    start: int
    stop: int


class BankFile:
    """A bank on disk.

    Args:
        path: an HDF5 file that `create` has made.

    Raises:
        InputError: there is none, or it is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with h5py.File(path) as file:
                if file.attrs.get("format") != FORMAT:
                    raise InputError(f"expected a bank by `chirpleaf bank`; got {path}: make one")
                self.description: dict[str, Any] = json.loads(file.attrs["source"])
                self.size = int(file.attrs["piece"])
                self._shape = file["waves"].shape
        except (OSError, KeyError) as error:
            raise InputError(f"expected a bank file; got {path} ({error}): make one by `chirpleaf bank`") from error

    def __len__(self) -> int:
        return int(self._shape[0])

    @classmethod
    def create(cls, path: Path, source: WaveformSource, n: int, piece: int) -> "BankFile":
        """Makes an empty file, with all of its room on the disk.

        Args:
            path: where; a file there is replaced.
            source: makes the rows.
            n: number of rows.
            piece: rows of a piece, a divisor of 8192.

        Raises:
            InputError: a piece of another length, or no room for the file.
        """
        if piece < 1 or CHUNK % piece:
            raise InputError(f"expected pieces of a power of two, at most {CHUNK} rows; got {piece}: round it")
        n_pieces = -(-n // piece)
        try:
            with h5py.File(path, "w") as file:
                file.attrs.update({"format": FORMAT, "piece": piece, "source": json.dumps(describe(source))})
                for name, shape, kind in (
                    ("theta", (n, 4), np.float64),
                    ("waves", (n, source.grid.n_bins, 2), np.float16),
                    ("sha256", (n_pieces, 32), np.uint8),
                    ("seed", (n_pieces, 2), np.int64),
                ):
                    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
                    space, dtype = h5py.h5s.create_simple(shape), h5py.h5t.py_create(np.dtype(kind))
                    h5py.h5d.create(file.id, name.encode(), dtype, space, layout)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise InputError(f"expected room for a bank of {n:,}; got `{error}` for {path}: free some") from error
        return cls(path)

    def pieces(self) -> list[Piece]:
        """All pieces."""
        starts = range(0, len(self), self.size)
        return [Piece(number, start, min(start + self.size, len(self))) for number, start in enumerate(starts)]

    def missing(self) -> list[Piece]:
        """Pieces that are not made, or whose rows are not those of their hash."""
        with h5py.File(self.path) as file:
            theta, waves, digests = file["theta"], file["waves"], file["sha256"][:]
            return [
                piece
                for piece in self.pieces()
                if (wanted := digests[piece.number].tobytes()) == _UNMADE
                or _digest((theta[piece.start : piece.stop], waves[piece.start : piece.stop])) != wanted
            ]

    def write(self, made: Iterator[tuple[Piece, Rows]], *, seed: int) -> Iterator[Piece]:
        """Writes pieces as they come, and gives each on that is safe in the file.

        Args:
            made: pieces and their rows.
            seed: of the source.

        Raises:
            InputError: the disk does not take it.
        """
        try:
            with h5py.File(self.path, "r+") as file:
                for piece, (theta, waves) in made:
                    file["theta"][piece.start : piece.stop] = theta
                    file["waves"][piece.start : piece.stop] = waves
                    file["seed"][piece.number] = seed, piece.start // CHUNK
                    file.flush()
                    file["sha256"][piece.number] = np.frombuffer(_digest((theta, waves)), np.uint8)
                    file.flush()
                    yield piece
        except OSError as error:
            raise InputError(f"expected room for {self.path}; got `{error}`: free some and add --resume") from error

    def check(self, source: WaveformSource) -> None:
        """Compares the file with a source.

        Args:
            source: what should have made it.

        Raises:
            InputError: another one did.
        """
        wanted = json.loads(json.dumps(describe(source)))
        other = [
            name
            for name in wanted
            if name not in _REMARKS and self.description.get(name, _ABSENT.get(name)) != wanted[name]
        ]
        if other:
            raise InputError(
                f"expected a bank of this preset; got {self.path}, made with another {', '.join(other)}: make one by "
                "`chirpleaf bank`"
            )

    def bank(self, source: WaveformSource) -> WaveformBank:
        """The rows, mapped into memory; of several ranks each has a part of its own.

        Args:
            source: what should have made them, for the ranks that it names.

        Raises:
            InputError: another one did, or the file is not finished.
        """
        self.check(source)
        with h5py.File(self.path) as file:
            if not file["sha256"][:].any(axis=1).all():
                raise InputError(f"expected a finished bank; got {self.path}: finish it by `chirpleaf bank --resume`")
            start, stop = (
                len(self) * place // source.ranks.size for place in (source.ranks.rank, source.ranks.rank + 1)
            )
            theta, offset = file["theta"][start:stop], file["waves"].id.get_offset()
        # Copy-on-write: torch wants memory that it could write to, and nothing of it reaches the file.
        waves = np.memmap(self.path, np.float16, "c", offset, self._shape)[start:stop]
        return WaveformBank(torch.from_numpy(theta), torch.from_numpy(waves))


def describe(source: WaveformSource) -> dict[str, Any]:
    """What the rows of a source depend on, as JSON values; and what made them."""
    digest = hashlib.sha256(source.grid.frequencies.tobytes() + source.reference_weights.tobytes())
    return {
        "approximant": source.approximant,
        "prior": asdict(source.proposal.prior),
        "strata": source.proposal.n_strata,
        "seed": source.seed,
        "grid": digest.hexdigest(),
        **{name: version(name) for name in _REMARKS},
    }


_ABSENT = {"strata": StratifiedProposal.n_strata}
"""Values of the settings that older files do not mention."""

_REMARKS = ("chirpleaf", "lalsuite")
"""What a file says of its origin that need not be so again."""


def _digest(rows: Rows) -> bytes:
    digest = hashlib.sha256()
    for part in rows:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.digest()
