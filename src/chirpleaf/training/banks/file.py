"""Bank files: waveform banks in HDF5 that are larger than memory, or too expensive to compute for one training.

A file is written in pieces, by any number of processes in any order; its content depends on its source alone. It holds
the parameters `theta` (n, d) and the `series` (n, S, n_bins, 2), each contiguous and uncompressed, so that training
maps them into memory and reads only the rows that it draws. For each piece it holds the seed of its binaries and the
SHA-256 hash of its rows, which is written last: a piece without a hash, or with other rows than those of its hash, is
computed again.

Files of format 1 hold `waves` (n, n_bins, 2): the one series of a quadrupole signal.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from chirpleaf.errors import InputError
from chirpleaf.physics.prior_kinds import encode_prior
from chirpleaf.system.hdf5_files import open_hdf5
from chirpleaf.system.limits import find_fault
from chirpleaf.training.banks.bank import WaveformBank
from chirpleaf.training.banks.source import CHUNK, Rows, WaveformSource

FORMAT = "chirpleaf-bank 2"
"""Format of new files."""
_SERIES_NAMES = {"chirpleaf-bank 1": "waves", FORMAT: "series"}
"""Name of the dataset of the series, for each format that can be read."""
_NO_HASH = bytes(32)
"""Hash of a piece that has not been written."""


@dataclass(frozen=True)
class Piece:
    """Rows that are computed and checked together.

    Attributes:
        number: number of the piece in the file.
        start: number of the first row.
        stop: number after the last row.
    """

    number: int
    start: int
    stop: int


class BankFile:
    """A waveform bank on disk.

    Args:
        path: an HDF5 file made by `create`.

    Raises:
        InputError: there is no such file, or it is no bank.

    Attributes:
        path: the file.
        description: what its rows depend on; see `describe_source`.
        size: rows of a piece.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with open_hdf5(path) as file:
                if file.attrs.get("format") not in _SERIES_NAMES:
                    raise InputError(f"expected a bank by `chirpleaf bank`; got {path}: make one")
                self._series_name = _SERIES_NAMES[file.attrs["format"]]
                self.description: dict[str, Any] = json.loads(file.attrs["source"])
                self.size = int(file.attrs["piece"])
                self._shape = file[self._series_name].shape
                if self.size < 1 or not isinstance(self.description, dict):
                    raise ValueError("its attributes are damaged")
        except InputError:
            raise
        except (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
            what = find_fault(path) or f"cannot be read as HDF5 of a bank ({' '.join(str(error).split())})"
            raise InputError(f"expected a bank file; got {path}, which {what}: make one by `chirpleaf bank`") from error

    def __len__(self) -> int:
        return int(self._shape[0])

    @classmethod
    def create(cls, path: Path, source: WaveformSource, n: int, piece: int) -> "BankFile":
        """Makes an empty file and reserves its space on the disk.

        Args:
            path: the file; replaced if it exists.
            source: computes the rows.
            n: number of rows.
            piece: number of rows in a piece, a divisor of 8192.

        Returns:
            The file.

        Raises:
            InputError: the length of a piece is no divisor of 8192, or the disk has no room for the file.
        """
        if piece < 1 or CHUNK % piece:
            raise InputError(f"expected pieces of a power of two, at most {CHUNK} rows; got {piece}: round it")
        n_pieces = -(-n // piece)
        try:
            with h5py.File(path, "w") as file:
                file.attrs.update({"format": FORMAT, "piece": piece, "source": json.dumps(describe_source(source))})
                for name, shape, kind in (
                    ("theta", (n, len(source.parameters)), np.float64),
                    ("series", (n, *source.row_shape), np.float16),
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
        """All pieces of the file, in order."""
        starts = range(0, len(self), self.size)
        return [Piece(number, start, min(start + self.size, len(self))) for number, start in enumerate(starts)]

    def missing(self) -> list[Piece]:
        """Pieces that are not written, or whose rows do not have their hash."""
        with h5py.File(self.path) as file:
            theta, series, hashes = file["theta"], file[self._series_name], file["sha256"][:]
            return [
                piece
                for piece in self.pieces()
                if (expected := hashes[piece.number].tobytes()) == _NO_HASH
                or _hash_rows((theta[piece.start : piece.stop], series[piece.start : piece.stop])) != expected
            ]

    def write(self, made: Iterator[tuple[Piece, Rows]], *, seed: int) -> Iterator[Piece]:
        """Writes pieces as they arrive.

        Args:
            made: pieces and their rows.
            seed: seed of the source.

        Yields:
            Each piece when it is in the file.

        Raises:
            InputError: the disk has no room.
        """
        for piece, rows in made:  # errors of the work on the rows are not those of the disk
            try:
                self._write_piece(piece, rows, seed)
            except OSError as error:
                raise InputError(f"expected room for {self.path}; got `{error}`: free some and add --resume") from error
            yield piece

    def _write_piece(self, piece: Piece, rows: Rows, seed: int) -> None:
        """Writes the rows of a piece, and their hash after them."""
        theta, series = rows
        with h5py.File(self.path, "r+") as file:
            file["theta"][piece.start : piece.stop] = theta
            file[self._series_name][piece.start : piece.stop] = series.reshape(-1, *self._shape[1:])
            file["seed"][piece.number] = seed, piece.start // CHUNK
            file.flush()
            file["sha256"][piece.number] = np.frombuffer(_hash_rows((theta, series)), np.uint8)

    def check(self, source: WaveformSource) -> None:
        """Checks that a source computes the rows of this file.

        Args:
            source: the source.

        Raises:
            InputError: the rows come from another source.
        """
        wanted = json.loads(json.dumps(describe_source(source)))
        found = _FORMAT_1 | self.description
        other = [name for name in wanted if name not in _VERSIONS and found.get(name) != wanted[name]]
        if other:
            raise InputError(
                f"expected a bank of this preset; got {self.path}, made with another {', '.join(other)}: make one by "
                "`chirpleaf bank`"
            )

    def bank(self, source: WaveformSource) -> WaveformBank:
        """Maps the rows into memory; each rank gets a part of its own.

        Args:
            source: the source of the rows, with the place of this process.

        Returns:
            The bank.

        Raises:
            InputError: the rows come from another source, or the file is not finished.
        """
        self.check(source)
        with h5py.File(self.path) as file:
            if not file["sha256"][:].any(axis=1).all():
                raise InputError(f"expected a finished bank; got {self.path}: finish it by `chirpleaf bank --resume`")
            start, stop = (
                len(self) * place // source.ranks.size for place in (source.ranks.rank, source.ranks.rank + 1)
            )
            theta, offset = file["theta"][start:stop], file[self._series_name].id.get_offset()
        # Copy-on-write, as torch requires writable memory; the file stays unchanged.
        series = np.memmap(self.path, np.float16, "c", offset, self._shape)[start:stop]
        return WaveformBank(torch.from_numpy(theta), torch.from_numpy(series).view(-1, *source.row_shape))


def describe_source(source: WaveformSource) -> dict[str, Any]:
    """Describes what the rows of a source depend on, and the versions that compute them.

    Args:
        source: the source.

    Returns:
        JSON values.
    """
    digest = hashlib.sha256(source.grid.frequencies.tobytes() + source.reference_weights.tobytes())
    return {
        "approximant": source.signal.approximant,
        "harmonics": source.signal.harmonics,
        "parameters": source.parameters,
        "prior": encode_prior(source.proposal.prior),
        "strata": source.proposal.n_strata,
        "seed": source.seed,
        "grid": digest.hexdigest(),
        **{name: version(name) for name in _VERSIONS},
    }


_VERSIONS = ("chirpleaf", "lalsuite")
"""Parts of the description that may differ between the file and the source."""

_FORMAT_1 = {"harmonics": [2], "parameters": ["chirp_mass", "mass_ratio", "chi_1", "chi_2"], "strata": 64}
"""Parts of the description that files of format 1 do not mention."""


def _hash_rows(rows: Rows) -> bytes:
    """SHA-256 of parameters and series."""
    digest = hashlib.sha256()
    for part in rows:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.digest()
