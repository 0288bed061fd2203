"""System: atomic writes, checks of output folders, and number of free cores."""

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from chirpleaf.errors import InputError, describe_os_error
from chirpleaf.system import cores, threads
from chirpleaf.system.files import is_stale, write_atomically, write_files
from chirpleaf.system.folders import check_folder, new_folder


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_appears_when_it_is_complete(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "summary.json"
    path.write_text("old")
    with write_atomically(path, durable=durable) as scratch:
        scratch.write_text("new")
        assert path.read_text() == "old"
        assert scratch.parent == path.parent
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("summary.json", "new")]


def test_a_write_that_fails_keeps_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text("old")

    def fail() -> None:
        with write_atomically(path) as scratch:
            scratch.write_text("half of the n")
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("summary.json", "old")]


def test_files_are_written_in_their_order(tmp_path: Path) -> None:
    names = ("b.txt", "a.txt")
    written = write_files({name: lambda path: path.write_text(path.name[-5:]) for name in names}, tmp_path)
    assert written == tuple(tmp_path / name for name in names)
    assert [path.read_text() for path in written] == list(names)


def test_a_new_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    wanted = tmp_path / "out" / "GW150914"
    check_folder(wanted, overwrite=False)
    assert not wanted.exists()
    assert new_folder(wanted, overwrite=False) == wanted
    assert wanted.is_dir()


def test_files_in_a_folder_are_kept_unless_the_user_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="which holds files: add --overwrite"):
        new_folder(tmp_path, overwrite=False)
    new_folder(tmp_path, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="got the file"):
        check_folder(tmp_path / "out", overwrite=True)
    with pytest.raises(InputError, match="can be written to"):
        check_folder(tmp_path / "out" / "GW150914", overwrite=True)


@pytest.mark.parametrize(
    ("available", "load", "free"), [(8, 0.2, 8), (8, 3.6, 4), (2, 1.9, 1), (1, 5.0, 1), (4, 9.0, 1)]
)
def test_only_free_cores_count(available: int, load: float, free: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: set(range(available)), raising=False)
    monkeypatch.setattr(cores.os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert cores.free_cores() == free


def test_results_of_threads_come_in_the_order_of_the_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "available_cores", lambda: 2)
    torch.set_num_threads(1)
    running: set[int] = set()

    def identify(delay: float) -> float:
        running.add(threading.get_ident())
        time.sleep(delay)
        return delay

    delays = [0.05, 0.0, 0.02, 0.0]
    assert threads.map_in_threads(identify, delays, 2) == delays
    assert len(running) == 2
    assert threading.get_ident() not in running


@pytest.mark.parametrize(("cores_here", "of_torch"), [(1, 1), (2, 2)])
def test_there_is_one_thread_where_more_would_wait(
    cores_here: int, of_torch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "available_cores", lambda: cores_here)
    monkeypatch.setattr(torch, "get_num_threads", lambda: of_torch)
    assert len(set(threads.map_in_threads(lambda _: threading.get_ident(), range(20), 2))) == 1


def test_numpy_gets_one_thread_before_it_is_imported() -> None:
    program = (
        "import os, sys\nfrom chirpleaf.system.threads import use_one_numpy_thread\nassert 'numpy' not in sys.modules\n"
        "use_one_numpy_thread()\nimport numpy\nsys.stdout.write(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    for given, expected in (({}, "1"), ({"OPENBLAS_NUM_THREADS": "4"}, "4")):
        environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | given
        ran = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert ran.stdout == expected


def test_files_are_replaced_together_or_not_at_all(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("old")

    def fail(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device") as caught:
        write_files({"a.txt": lambda path: path.write_text("new"), "b.txt": fail}, tmp_path)
    assert (caught.value.errno, caught.value.filename) == (28, str(tmp_path / "b.txt"))
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.txt": "old", "b.txt": "old"}


def test_a_full_disk_is_named_in_a_short_line(tmp_path: Path) -> None:
    """As h5py reports it, in several hundred characters."""
    text = "Can't write (file write failed: filename = 'x', errno = 28, error message = 'No space left', buf = 0x1)"

    def fail(_: Path) -> None:
        raise OSError(text)

    with pytest.raises(OSError, match="No space left") as caught:
        write_files({"posterior.hdf5": fail}, tmp_path)
    assert str(caught.value) == f"[Errno 28] No space left on device: '{tmp_path / 'posterior.hdf5'}'"


def test_an_error_about_another_file_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_files({"a.txt": lambda _: (tmp_path / "none.txt").read_text()}, tmp_path)
    assert caught.value.filename == str(tmp_path / "none.txt")


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom chirpleaf.system.files import write_atomically\n"
        "with write_atomically(Path(sys.argv[1]) / 'a.txt') as scratch:\n"
        "    scratch.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    assert is_stale(left)
    check_folder(tmp_path, overwrite=False)  # what was left is no result
    other = tmp_path / left.name.replace(".chirpleaf-", ".chirpleaf-elsewhere-")
    other.write_text("of a machine that shares the folder")
    (tmp_path / "a.txt").write_text("mine")
    with write_atomically(tmp_path / "b.txt") as scratch:
        scratch.write_text("of a process that runs")
        new_folder(tmp_path, overwrite=True)
        assert scratch.is_file()
    assert {path.name for path in tmp_path.iterdir()} == {other.name, "a.txt", "b.txt"}


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENAMETOOLONG, "choose a shorter name"),
        (errno.EISDIR, "name a file, not a folder"),
        (errno.ENOSPC, "make free space, or name another"),
        (errno.EACCES, "look at its permissions"),
        (errno.EIO, "look at permissions and free space"),
    ],
)
def test_errors_of_the_system_have_their_own_remedy(number: int, remedy: str) -> None:
    error = OSError(number, os.strerror(number), "a" * 300)
    told = describe_os_error(error)
    assert remedy in told
    assert os.strerror(number) in told
    assert len(told) < 250
