"""JSON files of a result: finite numbers alone, or a message that names the place of another."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from chirpleaf.errors import InputError


def write_json(document: Callable[[], dict[str, Any]], indent: int | None, path: Path) -> None:
    """Writes a document.

    Args:
        document: makes the document.
        indent: blanks of each level; all on one line if None.
        path: file name.

    Raises:
        InputError: a number is not finite; JSON has none for it.
    """
    content, end = document(), "\n" if indent else ""
    try:
        text = json.dumps(content, indent=indent, allow_nan=False)
    except ValueError as error:
        raise InputError(f"expected finite numbers in a result; got {_find_wrong(content)}: correct it") from error
    path.write_text(text + end, encoding="utf-8")


def _find_wrong(content: Any, place: str = "") -> str:
    """Place and value of the first number that is not finite; empty if there is none."""
    if isinstance(content, float) and not math.isfinite(content):
        return f"{place} = {content}"
    entries: Iterable[tuple[Any, Any]] = ()
    if isinstance(content, Mapping):
        entries = content.items()
    elif isinstance(content, list | tuple):
        entries = enumerate(content)
    found = (_find_wrong(value, f"{place}.{name}".lstrip(".")) for name, value in entries)
    return next(filter(None, found), "")
