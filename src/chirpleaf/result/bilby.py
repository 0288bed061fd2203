"""Conversion to bilby: the JSON document of `bilby.core.result.Result`, and the object itself."""

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from chirpleaf.errors import InputError


def load_result(document: Mapping[str, Any]) -> Any:
    """Makes a result of bilby from its JSON document.

    Args:
        document: as `bilby.core.result.read_in_result` takes it from a file.

    Returns:
        A `bilby.core.result.Result`.

    Raises:
        InputError: bilby is not installed.
    """
    try:
        result, utils = import_module("bilby.core.result"), import_module("bilby.core.utils")
    except ImportError as error:
        raise InputError("expected bilby for its results; got no such package: pip install bilby") from error
    text = json.dumps(document, allow_nan=False)
    return result.Result(**json.loads(text, object_hook=utils.decode_bilby_json))
