"""Extension of griffe: `Example:` sections of docstrings are code, as `Examples:` of the Google style are."""

from typing import Any

import griffe


class Examples(griffe.Extension):
    """Renames the section before docstrings are parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Renames the section of one object.

        Args:
            obj: an object that was loaded.
        """
        if obj.docstring is not None:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")
