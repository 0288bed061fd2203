"""JSON files of a result: finite numbers alone, or a message that names the place of another."""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from chirpleaf.errors import InputError


def write_json(document: Callable[[], dict[str, Any]], path: Path, *, indented: bool = False) -> None:
    """Writes a document.

    Args:
        document: makes the document.
        path: file name.
        indented: whether each entry has its own line; all on one line if not.

    Raises:
        InputError: a number is not finite; JSON has none for it.
    """
    content = document()
    if wrong := _find_wrong(content):
        raise InputError(f"expected finite numbers in a result; got {'.'.join(wrong)}: correct it")
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE if indented else 0
    path.write_bytes(orjson.dumps(content, option=options))


def _find_wrong(content: Any) -> tuple[str, ...]:
    """Names that lead to the first number that is not finite, the last with its value; empty if there is none."""
    entries: Iterable[tuple[Any, Any]] = ()
    if isinstance(content, Mapping):
        entries = content.items()
    elif isinstance(content, list | tuple):
        entries = enumerate(content)
    for name, value in entries:
        if isinstance(value, float):
            if not math.isfinite(value):
                return (f"{name} = {value}",)
        elif found := _find_wrong(value):
            return (str(name), *found)
    return ()
