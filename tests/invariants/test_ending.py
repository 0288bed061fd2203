"""The end of a process: exit code, output and the work of exit handlers are as ever; objects are left as they are."""

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, sys
from chirpleaf.cli.ending import QuickEnding

class Slow:
    def __del__(self):
        print("taken apart")

ending, slow = QuickEnding(), Slow()
slow.itself = slow
atexit.register(print, "handler")
print("output", end=" ")
{last}
"""


@pytest.mark.parametrize(
    ("last", "code", "output"),
    [
        ("sys.exit(ending.end_with(3))", 3, "output handler"),
        ("ending.end_with(0)", 0, "output handler"),
        ("sys.stdout.flush(); sys.stdout = None; ending.end_with(0)", 0, "output"),
        ("sys.exit(2)", 2, "output handler taken apart"),
        ("raise ValueError", 1, "output handler taken apart"),
    ],
)
def test_a_process_ends_with_its_code_and_its_handlers(last: str, code: int, output: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(last=last)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (code, output.split())
