r"""YAML and JSON documents of others, parsed within the limits of `system.limits`.

Refused are documents that are harmless to write and costly to read: nested lists without end, aliases of YAML, by which
a few lines stand for billions of entries, and names that occur twice in a section, of which one would be lost.

>>> parse_yaml("a: 1\na: 2")
Traceback (most recent call last):
...
ValueError: the name 'a' twice in one section, line 2
"""

import json
import re
from typing import Any

import yaml

from chirpleaf.system.limits import LIMITS, LoadLimits


class _PlainLoader(yaml.SafeLoader):
    """YAML of plain values, without aliases, repeated names or deep levels."""

    limits = LIMITS
    level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Makes a node of the next event."""
        if self.check_event(yaml.AliasEvent):
            line = self.peek_event().start_mark.line + 1
            raise ValueError(f"an alias (*), which no preset needs, line {line}")
        self.level += 1
        if self.level > self.limits.depth:
            raise ValueError(f"more than {self.limits.depth} levels of lists and sections")
        node = super().compose_node(parent, index)
        self.level -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Makes a section, whose names must differ."""
        names: set[Any] = set()
        for entry, _ in node.value:
            name = entry.value if isinstance(entry, yaml.ScalarNode) else None
            if name in names:
                raise ValueError(f"the name {name!r} twice in one section, line {entry.start_mark.line + 1}")
            names.add(name)
        return super().construct_mapping(node, deep=deep)


# Numbers such as 1e3 are numbers in YAML 1.2 and JSON, and text in YAML 1.1.
_PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+"), list("-+.0123456789")
)


def parse_yaml(text: str) -> Any:
    """The value of a YAML document: plain numbers, text, lists and sections.

    Args:
        text: the document.

    Raises:
        ValueError: it is no YAML, has aliases, repeated names or too many levels, or a number or date out of range.
    """
    try:
        return yaml.load(text, _PlainLoader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        raise ValueError(f"a value that cannot be read ({' '.join(str(error).split())})") from error


def parse_json(text: str | bytes, limits: LoadLimits = LIMITS) -> Any:
    """The value of a JSON document.

    Args:
        text: the document, which is in memory already.
        limits: limit of depth.

    Raises:
        ValueError: it is no JSON, has repeated names or too many levels.
    """
    try:
        value = json.loads(text, object_pairs_hook=_make_section)
    except RecursionError as error:
        raise ValueError(f"more than {limits.depth} levels of lists and sections") from error
    _check_depth(value, limits.depth)
    return value


def _make_section(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A section of JSON, whose names must differ."""
    section = dict(pairs)
    if len(section) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} twice in one section")
    return section


def _check_depth(value: Any, most: int) -> None:
    """Refuses values of more than some levels; level by level, not by recursion."""
    level = [value]
    for _ in range(most + 1):
        level = [
            entry
            for one in level
            if isinstance(one, dict | list)
            for entry in (one.values() if isinstance(one, dict) else one)
            if isinstance(entry, dict | list)
        ]
        if not level:
            return
    raise ValueError(f"more than {most} levels of lists and sections")
