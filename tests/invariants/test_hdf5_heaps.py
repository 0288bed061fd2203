"""The search for heaps in HDF5 files: what looks like one, files without content, files of whole pages."""

import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from chirpleaf.system.hdf5_heaps import find_heap_fault


@pytest.mark.parametrize("name", ["a_heap.hdf5", "empty.hdf5"])
def test_numbers_that_look_like_a_heap_are_none(name: str, tmp_path: Path) -> None:
    (tmp_path / "a_heap.hdf5").write_bytes(b"GCOL\2\0\0\0" + bytes(64))
    (tmp_path / "empty.hdf5").touch()
    assert find_heap_fault(tmp_path / name) is None


def test_files_of_whole_pages_are_searched(tmp_path: Path) -> None:
    """Python before 3.11.5 reads the byte after those that `mmap.find` searches: here it would end the process."""
    (tmp_path / "pages.hdf5").write_bytes(bytes(2 * mmap.PAGESIZE))
    program = """if True:
        import mmap, sys
        from pathlib import Path
        from chirpleaf.system.hdf5_heaps import find_heap_fault
        guards = [mmap.mmap(-1, 2 * mmap.PAGESIZE, prot=0) for _ in range(1000)]  # the file lies below the last of them
        print(find_heap_fault(Path(sys.argv[1])))
    """
    command = [sys.executable, "-c", program, tmp_path / "pages.hdf5"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "None\n")
