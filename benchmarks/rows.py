"""Rows of a benchmark that takes hours: each is a line of a JSON file, made once, so that a stopped run goes on."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def read_rows(path: Path) -> list[Row]:
    """Rows that are there; none if there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def append_row(path: Path, row: Row) -> None:
    """Append a row, whole."""
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def find_missing(rows: Iterable[Row], wanted: Iterable[int]) -> list[int]:
    """Those of some indices that no row has."""
    done = {row["index"] for row in rows}
    return [index for index in wanted if index not in done]
