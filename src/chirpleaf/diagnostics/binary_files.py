"""Parameters of one binary from a file: a mapping in JSON or YAML, or an injection file of bilby."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chirpleaf.errors import InputError
from chirpleaf.physics.conversions import chirp_mass, component_masses
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.physics.spin_angles import SPIN_ANGLES, from_spin_angles, to_components
from chirpleaf.system.documents import parse_yaml
from chirpleaf.system.limits import LIMITS, find_fault

REQUIRED = ("luminosity_distance", "theta_jn", "phase", "psi", "ra", "dec", "geocent_time")
"""Parameters that every file gives besides masses and spins."""


@dataclass(frozen=True, eq=False)
class BinaryFile:
    """A file of parameters in memory: a JSON or YAML file with a number for each name, or bilby's injection file.

    Attributes:
        path: where it was read from, for messages.
        table: its names with numbers, or with a list for each name (bilby's `injections`).
    """

    path: Path
    table: Mapping[Any, Any]

    @classmethod
    def read(cls, path: Path) -> "BinaryFile":
        """Reads a file.

        Args:
            path: a JSON or YAML file.

        Raises:
            InputError: the file cannot be read, or has no names.
        """
        return cls(path, _read_table(path))

    def select(self, index: int = 0) -> dict[str, float]:
        """The parameters of a binary by bilby's names.

        Args:
            index: which injection of a file with several.

        Returns:
            Name to number; component masses, and chirp or total mass with mass ratio, are added to each other. Unknown
            names of text and what is null are left out.

        Raises:
            InputError: the file has no such injection, or lacks a parameter or its number.
        """
        found = _select(self.table, self.path, index)
        if {"chirp_mass", "mass_ratio"} <= set(found):
            mass_1, mass_2 = component_masses(found["chirp_mass"], found["mass_ratio"])
            found.setdefault("mass_1", mass_1)
            found.setdefault("mass_2", mass_2)
        elif {"total_mass", "mass_ratio"} <= set(found):
            found.setdefault("mass_1", found["total_mass"] / (1 + found["mass_ratio"]))
            found.setdefault("mass_2", found["total_mass"] - found["mass_1"])
        if missing := [name for name in ("mass_1", "mass_2", *REQUIRED) if name not in found]:
            raise InputError(
                f"expected {missing[0]} in {self.path}; got {', '.join(sorted(found)) or 'nothing'}: add it"
            )
        if not 0 < found["mass_2"] <= found["mass_1"]:
            raise InputError(f"expected mass_1 >= mass_2 > 0; got {found['mass_1']}, {found['mass_2']}: exchange them")
        found.setdefault("chirp_mass", chirp_mass(found["mass_1"], found["mass_2"]))
        found.setdefault("mass_ratio", found["mass_2"] / found["mass_1"])
        return found

    def approximant(self, index: int = 0) -> str | None:
        """The approximant that the file names, `waveform_approximant` as bilby writes it; None if it names none.

        Args:
            index: which injection of a file with several.
        """
        found = self.table.get("waveform_approximant")
        if isinstance(found, list):
            found = found[index] if index < len(found) else None
        return found if isinstance(found, str) else None


def read_binary(path: Path, index: int = 0) -> dict[str, float]:
    """Reads the parameters of a binary by bilby's names; see `BinaryFile.select`.

    Args:
        path: a JSON or YAML file.
        index: which injection of a file with several.

    Raises:
        InputError: the file cannot be read, has no such injection, or lacks a parameter or its number.
    """
    return BinaryFile.read(path).select(index)


def make_waveform_parameters(binary: Mapping[str, ArrayLike], reference_frequency: float) -> dict[str, np.ndarray]:
    """Parameters as the waveforms take them: spins as components, with the inclination that belongs to them.

    Args:
        binary: result of `read_binary`, or samples of each parameter, each of shape (n,).
        reference_frequency: frequency at which spins and angles are defined, Hz.

    Returns:
        Name to values of shape (n,), or (1,) for a single binary.
    """
    values = {name: np.atleast_1d(np.asarray(value, np.float64)) for name, value in binary.items()}
    if not all(name in values for name in SPIN_ANGLES):
        return values
    components = to_components(from_spin_angles(values, reference_frequency), values["phase"])
    plain = {name: value for name, value in values.items() if name not in (*SPIN_ANGLES, "chi_1", "chi_2")}
    return {**plain, **{name: np.atleast_1d(value) for name, value in components.items()}}


def _read_table(path: Path) -> Mapping[Any, Any]:
    """Names and values of a file of parameters."""
    if fault := find_fault(path, LIMITS.document_bytes):
        raise InputError(f"expected a file of parameters; got {path}, which {fault}: check the path")
    try:
        document = parse_yaml(path.read_text(encoding="utf-8"))  # JSON is YAML
    except (OSError, ValueError) as error:
        raise InputError(f"expected parameters in JSON or YAML; got {path} ({error}): mend the file") from error
    table = document.get("injections", document) if isinstance(document, Mapping) else None
    if isinstance(table, Mapping):
        table = table.get("content", table)
    if not isinstance(table, Mapping):
        raise InputError(f"expected a number for each parameter in {path}; got no names: write mass_1: 36.0")
    return table


def _select(table: Mapping[Any, Any], path: Path, index: int) -> dict[str, float]:
    """The numbers of one injection."""
    if index and not any(isinstance(value, list) for value in table.values()):
        raise InputError(f"expected --index 0; got {index}: {path} has one injection, so leave it out")
    lengths = {name: len(value) for name, value in table.items() if isinstance(value, list)}
    if len(set(lengths.values())) > 1:
        shortest, longest = (choose(lengths, key=lengths.__getitem__) for choose in (min, max))
        raise InputError(
            f"expected as many values of each parameter in {path}; got {lengths[shortest]} of {shortest} and "
            f"{lengths[longest]} of {longest}: correct the lists"
        )
    found: dict[str, float] = {}
    for name, value in table.items():
        if isinstance(value, list):
            if not 0 <= index < len(value):
                raise InputError(f"expected --index from 0 to {len(value) - 1}; got {index}: {path} has no more")
            value = value[index]  # noqa: PLW2901 - the entry of the list is what the name stands for
        if isinstance(value, bool) or not isinstance(value, int | float):
            if value is None or name not in PARAMETERS:
                continue
            raise InputError(
                f"expected a number for {name} in {path}; got {value!r} ({type(value).__name__}): write it plainly, as "
                "36.0"
            )
        if not np.isfinite(value):
            raise InputError(f"expected a finite {name} in {path}; got {value}: correct it")
        found[str(name)] = float(value)
    return found
