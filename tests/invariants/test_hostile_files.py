"""Files that claim, unpack to or wait for more than there is: every loader refuses them in one line, at once."""

import gzip
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from strain_files import write_gwosc

import chirpleaf
from chirpleaf.config import read_preset
from chirpleaf.errors import InputError
from chirpleaf.inference.certify.target import Prior
from chirpleaf.models.files import load
from chirpleaf.result.external import read_posterior
from chirpleaf.strain.noise import MeasuredNoise
from chirpleaf.strain.psd_files import read_psd
from chirpleaf.strain.readers import read
from chirpleaf.strain.readers.frames import read_frames
from chirpleaf.strain.text_tables import read_table
from chirpleaf.system.documents import parse_json, parse_yaml
from chirpleaf.system.hdf5_files import get_dataset
from chirpleaf.system.hdf5_heaps import find_heap_fault
from chirpleaf.system.limits import LoadLimits
from chirpleaf.training.banks.file import BankFile

LOADERS: dict[str, Callable[[Path], object]] = {
    "strain": lambda path: read(path, "H1"),
    "spectrum": lambda path: read_psd(path, "H1"),
    "result": chirpleaf.read,
    "preset": read_preset,
    "model": load,
    "prior": Prior.load,
    "measured noise": lambda path: MeasuredNoise(path).sample(("H1",), np.array([20.0]), 4.0, np.random.default_rng(0)),
}
HDF5_LOADERS = ("strain", "spectrum", "result", "measured noise")


@pytest.fixture
def no_files(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """What is no file, by the words of the message; a named pipe without a writer would block whoever opens it."""
    places = {name: tmp_path / name.replace(" ", "_") for name in ("named pipe", "socket", "loop", "link to nothing")}
    os.mkfifo(places["named pipe"])
    places["loop"].symlink_to(places["loop"])
    places["link to nothing"].symlink_to(tmp_path / "nowhere")
    here = Path.cwd()
    os.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        os.chdir(here)
        yield places | {"device": Path("/dev/zero")}


@pytest.mark.parametrize("loader", LOADERS)
def test_what_is_no_file_is_named(loader: str, no_files: dict[str, Path]) -> None:
    for name, path in no_files.items():
        with pytest.raises(InputError, match=name) as caught:
            LOADERS[loader](path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("loader", [name for name in LOADERS if name != "result"])
def test_a_folder_is_named(loader: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder"):
        LOADERS[loader](tmp_path)


@pytest.mark.parametrize("loader", LOADERS)
def test_a_large_sparse_file_is_refused(loader: str, tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(10 * 10**9)
    with pytest.raises(InputError, match="has 10 GB, more than"):
        LOADERS[loader](path)


def _claim(path: Path, kind: str) -> Path:
    """An HDF5 file of some kilobytes in the layout of a loader whose datasets claim 8 GB."""
    with h5py.File(path, "w") as file:
        names = {
            "strain": ("H1:STRAIN",),
            "spectrum": ("frequencies", "values"),
            "result": ("proposal/mass_1",),
            "measured noise": ("GW150914/H1",),
        }[kind]
        for name in names:
            dataset = file.create_dataset(name, shape=(10**9,), chunks=(1024,), dtype="f8")
            dataset.attrs.update(x0=0.0, dx=1 / 4096, f0=0.0, delta_f=1.0, scale=1.0)
    return path


@pytest.mark.parametrize("loader", HDF5_LOADERS)
def test_a_claim_of_eight_gigabytes_is_refused_before_it_is_allocated(loader: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"claims? 8 GB"):
        LOADERS[loader](_claim(tmp_path / "claim.hdf5", loader))


def _write_texts(path: Path, libver: str = "earliest") -> Path:
    with h5py.File(path, "w", libver=libver, userblock_size=512) as file:
        file.attrs.update(unit="strain", kind="posterior", format="chirpleaf-bank 2")
        file["texts"] = [f"text {number}" * number for number in range(500)]
    return path


@pytest.mark.parametrize("loader", [*HDF5_LOADERS, "bank", "other posterior"])
def test_a_heap_that_the_library_reads_for_ever_is_refused(loader: str, tmp_path: Path) -> None:
    path = _write_texts(tmp_path / "texts.hdf5")
    content = bytearray(path.read_bytes())
    start = content.index(b"GCOL") + 16
    content[start : start + 64] = bytes(64)
    path.write_bytes(content)
    more = {"bank": BankFile, "other posterior": read_posterior}
    with pytest.raises(InputError, match="damaged heap"):
        (LOADERS | more)[loader](path)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_heaps_are_sound_until_a_size_leaves_them(libver: str, tmp_path: Path) -> None:
    path = _write_texts(tmp_path / "texts.hdf5", libver)
    whole = path.read_bytes()
    heaps = [found.start() for found in re.finditer(b"GCOL", whole)]
    assert len(heaps) > 1
    assert find_heap_fault(path) is None
    for start in heaps:
        for size in (2**64 - 16, 2**63, 10**6):
            content = bytearray(whole)
            content[start + 24 : start + 32] = size.to_bytes(8, "little")
            path.write_bytes(content)
            assert find_heap_fault(path) == f"has a damaged heap of texts at byte {start}"


def test_a_chunk_may_claim_no_more_than_a_dataset(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "chunk.hdf5", "w") as file:
        layout = file.create_dataset("H1:STRAIN", shape=(10,), maxshape=(None,), chunks=(10**8,), dtype="f8")
        layout.attrs.update(x0=0.0, dx=1 / 4096)
    with pytest.raises(InputError, match="claims 800 MB"):
        read(tmp_path / "chunk.hdf5", "H1")


@pytest.mark.parametrize("way", ["link", "external", "virtual"])
def test_values_in_another_file_are_not_read(way: str, tmp_path: Path) -> None:
    path, other = tmp_path / "refers.hdf5", write_gwosc(tmp_path / "other.hdf5")
    with h5py.File(path, "w") as file:
        if way == "link":
            file["strain/Strain"] = h5py.ExternalLink(other, "strain/Strain")
            file["soft"] = h5py.SoftLink("/strain/Strain")
            assert get_dataset(file, "soft") is None
        elif way == "external":
            file.create_dataset("strain/Strain", shape=(2048,), dtype="f8", external=[(str(other), 0, 16384)])
        else:
            layout = h5py.VirtualLayout(shape=(2048,), dtype="f8")
            layout[:] = h5py.VirtualSource(other, "strain/Strain", shape=(2048,))
            file.create_virtual_dataset("strain/Strain", layout)
        if way != "link":
            file["strain/Strain"].attrs.update(Xstart=0.0, Xspacing=1 / 256)
    with pytest.raises(InputError, match="expected HDF5 with strain"):
        read(path, "H1")


def test_groups_without_end_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "deep.hdf5", "w") as file:
        group = file
        for _ in range(50):
            group = group.create_group("g")
        group["again"] = file["/"]
    with pytest.raises(InputError, match="levels"):
        read(tmp_path / "deep.hdf5", "H1")


@pytest.mark.parametrize("line", [b"1.5 2.5\n", b"1 " * 3])
def test_a_compressed_file_unpacks_to_a_limit(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(line * 10**6))
    with pytest.raises(ValueError, match=r"at most 1 MB of text|without end"):
        read_table(path, LoadLimits(text_bytes=10**6))
    with pytest.raises(ValueError, match=r"at most 5 lines|without end"):
        read_table(path, LoadLimits(values=10))
    with pytest.raises(ValueError, match=r"read in -1 s|without end"):
        read_table(path, LoadLimits(seconds=-1.0))


@pytest.mark.parametrize("loader", ["strain", "spectrum"])
@pytest.mark.parametrize("content", ["damaged", "short", "line"])
def test_damaged_text_is_refused(loader: str, content: str, tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"".join(b"%d 1e-46\n" % number for number in range(999))))
    if content == "damaged":
        packed[40:60] = bytes(20)
    path = tmp_path / "text.gz"
    path.write_bytes(b"1 " * 2_000_000 if content == "line" else packed[: -9 if content == "short" else None])
    with pytest.raises(InputError, match="without end" if content == "line" else "compressed file|Error|invalid|CRC"):
        LOADERS[loader](path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("1..2 samples per second starting GPS 9 duration 1", "could not convert"),
        (f"{'9' * 400} samples per second starting GPS 9 duration 1", "expected inf samples"),
    ],
)
def test_headers_of_text_with_impossible_numbers(header: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "strain.txt"
    path.write_text(f"# for H1 {header}\n1e-20\n2e-20\n")
    with pytest.raises(InputError, match=message):
        read(path, "H1")


def test_times_far_apart_are_no_strain(tmp_path: Path) -> None:
    path = tmp_path / "strain.txt"
    rows = [*(start + step / 16384 for start in (0, 16000) for step in range(9))]
    path.write_text("".join(f"{time:.9f} 1e-20\n" for time in rows))
    with pytest.raises(InputError, match="at most 80,000,000 samples"):
        read(path, "H1")


@pytest.mark.parametrize("spacing", [1e-320, 1e-9])
def test_rates_beyond_any_detector_are_refused(spacing: float, tmp_path: Path) -> None:
    path = write_gwosc(tmp_path / "fast.hdf5")
    with h5py.File(path, "r+") as file:
        file["strain/Strain"].attrs["Xspacing"] = spacing
        del file["meta/Duration"]
    with pytest.raises(InputError, match="positive rate"):
        read(path, "H1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [1, 2]\nb: [*a, *a]\n", "an alias"),
        ("a: 1\na: 2\n", "the name 'a' twice"),
        ("[" * 5000, "levels"),
        ("a: 2020-99-99\n", "month"),
    ],
)
def test_yaml_that_is_no_plain_document(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_yaml(text)


@pytest.mark.parametrize(
    ("text", "message"), [("[" * 100_000, "levels"), ("[" * 40 + "]" * 40, "levels"), ('{"a": 1, "a": 2}', "twice")]
)
def test_json_that_is_no_plain_document(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_json(text)


def test_documents_of_plain_values_are_read() -> None:
    assert parse_yaml("a: {b: [1, 2.5, text], c: null}") == {"a": {"b": [1, 2.5, "text"], "c": None}}
    assert parse_yaml("[1e3, -1.5E-3, .5e+2, 1e, e3, '1e3']") == [1000.0, -0.0015, 50.0, "1e", "e3", "1e3"]
    assert parse_json('{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}


def test_frames_that_their_library_reads_for_ever_are_stopped(tmp_path: Path) -> None:
    content = bytearray((Path(__file__).parents[1] / "files" / "gwpy.gwf").read_bytes())
    content[3606:4085] = bytes(479)
    path = tmp_path / "damaged.gwf"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"damaged\.gwf: expected complete GWF frames .*it takes too long"):
        read_frames(path, "H1", None, LoadLimits(seconds=3.0))


def test_frames_are_read_within_limits_that_are_lower() -> None:
    program = (
        "import resource, sys; from pathlib import Path; from chirpleaf.strain.readers.frames import read_frames; "
        "resource.setrlimit(resource.RLIMIT_CPU, (20, 20)); resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31)); "
        "print(len(read_frames(Path(sys.argv[1]), 'H1', None).values))"
    )
    path = Path(__file__).parents[1] / "files" / "gwpy.gwf"
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert done.stdout == "64\n"


def test_a_message_is_one_line_whatever_is_quoted() -> None:
    assert str(InputError("got 'a\nb\x1b[2J', ×2: mend it")) == r"got 'a\nb\x1b[2J', ×2: mend it"
