"""Valid files of every kind that is read, and ways to corrupt them; for the fuzzer and its short run in the tests."""

import gzip
import json
import os
import shutil
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import prior_lines
import yaml
from envelopes import write_envelope
from made_results import certified_posterior, network_posterior
from presets_odd import BASES, ODD, list_places, replace_value
from strain_files import START, TIMES, VALUES, write_gwosc

import chirpleaf
from chirpleaf.config import Preset, read_preset
from chirpleaf.errors import InputError
from chirpleaf.inference.certify.target import Prior
from chirpleaf.models.files import load
from chirpleaf.result.external import read_posterior
from chirpleaf.result.json_files import write_json
from chirpleaf.strain.calibration_files import read_envelope
from chirpleaf.strain.psd_files import read_psd
from chirpleaf.strain.readers import read
from chirpleaf.strain.readers.frames import read_frames, run_reader

FILES = Path(__file__).parent / "files"
ATTRIBUTES: tuple[Any, ...] = (0, -1, 1e300, float("nan"), 2**62, "", "x" * 70, b"\xff", [1.0, 2.0], np.empty(0))


Change = Callable[[Path, np.random.Generator], None]
"""Corrupts a file in its place."""


@dataclass(frozen=True)
class Kind:
    """Files of one kind.

    Attributes:
        load: reads a file; raises InputError where it refuses it.
        files: valid ones.
        same: whether what was read is what the valid file holds, for kinds with checksums; None for others.
    """

    load: Callable[[Path], Any]
    files: tuple[Path, ...]
    same: Callable[[Any], bool] | None = None


def make_kinds(folder: Path, model: Path | None = None) -> dict[str, Kind]:
    """Makes valid files of all kinds.

    Args:
        folder: where to write them.
        model: a model file; no model is loaded if None.
    """
    table = "".join(f"{time:.9f} {value:.9e}\n" for time, value in zip(TIMES, VALUES, strict=True))
    column = "".join(f"{value:.9e}\n" for value in VALUES)
    header = f"# strain for H1 at 256 samples per second starting GPS {START} duration 8\n"
    spectrum = "".join(f"{n / 4} {1e-46 * (1 + n % 7):.6e}\n" for n in range(4000))
    text = {"two.txt": table, "gwosc.txt": header + column, "psd.txt": spectrum}
    for name, content in text.items():
        (folder / name).write_text(content)
        (folder / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
    write_gwosc(folder / "bits.hdf5", quality=np.full(8, 127), injections=np.full(8, 31))
    posterior = network_posterior()
    posterior.save(folder / "posterior.hdf5")
    bilby = folder / "bilby.json"
    write_json(certified_posterior().bilby_document, bilby)
    presets = []
    for name, base in BASES.items():
        presets.append(folder / f"{name}.yaml")
        presets[-1].write_text(yaml.safe_dump(Preset.model_validate(base).model_dump(mode="json"), sort_keys=False))
    strain = ("two.txt", "two.txt.gz", "gwosc.txt", "gwosc.txt.gz", "bits.hdf5")
    kinds = {
        "strain": Kind(
            lambda path: read(path, "H1"),
            (*(folder / name for name in strain), *(FILES / name for name in ("gwpy.hdf5", "pycbc.hdf", "gwpy.csv"))),
        ),
        "frames": Kind(lambda path: read_frames(path, "H1", None, start=_fork_reader), (FILES / "gwpy.gwf",)),
        "spectrum": Kind(
            lambda path: read_psd(path, "H1"),
            (
                *(folder / name for name in ("psd.txt", "psd.txt.gz")),
                *(FILES / name for name in ("gwpy_psd.hdf5", "pycbc_psd.hdf", "gwpy_psd.txt", "lal.xml", "lal.xml.gz")),
            ),
        ),
        "preset": Kind(read_preset, tuple(presets)),
        "result": Kind(chirpleaf.read, (folder / "posterior.hdf5",), lambda found: found == posterior),
        "prior": Kind(Prior.load, tuple(_write_priors(folder))),
        "envelope": Kind(lambda path: read_envelope(path, "data"), (write_envelope(folder / "envelope.txt"),)),
        "posterior of others": Kind(
            read_posterior, (*(FILES / name for name in ("posterior_pesummary.h5", "posterior_pycbc.hdf")), bilby)
        ),
    }
    if model is not None:
        kept = load(model)
        weights = kept.estimator.network.state_dict()
        kinds["model"] = Kind(
            load,
            (model,),
            lambda found: (
                found.architecture == kept.architecture
                and all(
                    bool((value == weights[name]).all()) for name, value in found.estimator.network.state_dict().items()
                )
            ),
        )
    return kinds


def _write_priors(folder: Path) -> Iterator[Path]:
    """Prior files of bilby: two ways to write the masses, three for the spins."""
    for masses in ("CHIRP", "COMPONENTS"):
        for spins in ("SPINS", "ALIGNED", "PRECESSING"):
            path = folder / f"{masses}_{spins}.prior"
            lines = (getattr(prior_lines, name) for name in (masses, spins, "DISTANCE", "ANGLES"))
            path.write_text("".join(lines))
            yield path


def corrupt(valid: Path, path: Path, rng: np.random.Generator) -> str:
    """Writes a corrupted copy of a file.

    Args:
        valid: the valid file.
        path: the copy.
        rng: source of randomness.

    Returns:
        How it was corrupted.
    """
    shutil.copyfile(valid, path)
    ways = dict(_BYTES)
    if h5py.is_hdf5(valid):
        ways |= {"attribute": _change_attribute, "dataset": _change_dataset}
    elif valid.suffix == ".yaml":
        ways |= {"setting": _change_setting, "two settings": lambda *args: [_change_setting(*args) for _ in range(2)]}
    elif valid.suffix == ".safetensors":
        ways |= {"header": _change_header}
    way = str(rng.choice([*ways, *(name for name in ways if name not in _BYTES)]))
    ways[way](path, rng)
    return way


def outcome(kind: Kind, path: Path) -> str:
    """Reads a corrupted file: "refused" or "accepted", or what is wrong, such as "traceback KeyError: 'x'"."""
    try:
        found = kind.load(path)
    except InputError as error:
        return "traceback in several lines" if "\n" in str(error) else "refused"
    except Exception as error:  # the fault that is looked for
        return f"traceback {type(error).__name__}: {' '.join(str(error).split())[:160]}"
    return "accepted" if kind.same is None or kind.same(found) else "silent: another content is accepted"


def _fork_reader(arguments: Sequence[str]) -> int:
    """Runs the reader of frames in a copy of this process, which has the library already."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        run_reader(arguments)
    except BaseException:  # as an interpreter would end
        os._exit(1)
    os._exit(0)


def _change_bytes(
    change: Callable[[bytearray, np.random.Generator], bytes],
) -> Callable[[Path, np.random.Generator], None]:
    def apply(path: Path, rng: np.random.Generator) -> None:
        path.write_bytes(change(bytearray(path.read_bytes()), rng))

    return apply


def _flip(content: bytearray, rng: np.random.Generator) -> bytes:
    """Flips bits, half of the time in the first kilobytes, where headers are."""
    span = len(content) if rng.random() < 0.5 else min(len(content), 4096)
    for _ in range(rng.integers(1, 9)):
        content[rng.integers(span)] ^= 1 << rng.integers(8)
    return bytes(content)


def _cut(content: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(content[: rng.integers(len(content))])


def _repeat(content: bytearray, rng: np.random.Generator) -> bytes:
    start, length = rng.integers(len(content)), int(rng.integers(1, 4096))
    return bytes(content[:start] + content[start : start + length] * int(rng.integers(2, 5)) + content[start:])


def _blank(content: bytearray, rng: np.random.Generator) -> bytes:
    start, length = int(rng.integers(len(content))), int(rng.integers(1, 512))
    length = min(length, len(content) - start)
    content[start : start + length] = (b"\xff" if rng.random() < 0.5 else b"\0") * length
    return bytes(content)


def _scatter(content: bytearray, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(len(content)))
    return bytes(content[:start] + rng.bytes(int(rng.integers(1, 64))) + content[start:])


_BYTES = {
    name: _change_bytes(change)
    for name, change in (("flip", _flip), ("cut", _cut), ("repeat", _repeat), ("blank", _blank), ("insert", _scatter))
}


def _change_attribute(path: Path, rng: np.random.Generator) -> None:
    """Gives one attribute of an HDF5 file another value."""
    with h5py.File(path, "r+") as file:
        items: list[Any] = [file]
        file.visititems(lambda _, item: items.append(item))
        places = [(item, name) for item in items for name in item.attrs]
        if places:
            item, name = places[rng.integers(len(places))]
            item.attrs[name] = ATTRIBUTES[rng.integers(len(ATTRIBUTES))]


def _change_dataset(path: Path, rng: np.random.Generator) -> None:
    """Puts a dataset of another shape or type, or none, in the place of one of an HDF5 file."""
    shapes: tuple[Any, ...] = ((), (0,), (1,), (3, 2), (10**9,), (10**5, 10**5))
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        name = names[rng.integers(len(names))]
        attributes = dict(file[name].attrs)
        del file[name]
        if rng.random() < 0.9:
            shape, dtype = shapes[rng.integers(len(shapes))], rng.choice(["f8", "f4", "i8", "u1", "S8", "c16", "?"])
            chunks = (1024,) if shape == (10**9,) else (64, 64) if len(shape) == 2 and shape[0] > 99 else None
            file.create_dataset(name, shape=shape, dtype=dtype, chunks=chunks).attrs.update(attributes)


def _change_setting(path: Path, rng: np.random.Generator) -> None:
    """Gives one setting of a preset an odd value."""
    values = yaml.safe_load(path.read_text())
    places = list(list_places(values))
    if places:
        changed = replace_value(values, places[rng.integers(len(places))], ODD[rng.integers(len(ODD))])
        path.write_text(yaml.safe_dump(changed))


def _change_header(path: Path, rng: np.random.Generator) -> None:
    """Gives one value in the JSON header of a model file, or in the document in it, an odd value."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    inner = rng.random() < 0.7
    values = json.loads(header["__metadata__"]["chirpleaf"]) if inner else header
    places = list(list_places(values))
    values = replace_value(values, places[rng.integers(len(places))], ODD[rng.integers(len(ODD))])
    if inner:
        header["__metadata__"]["chirpleaf"] = json.dumps(values)
    else:
        header = values
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
