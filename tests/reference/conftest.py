"""Prior files of bilby."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chirpleaf.inference.certify.bilby_prior import BilbyPrior, read_bilby_prior


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], BilbyPrior]:
    """Reads a prior file of some lines."""

    def call(text: str) -> BilbyPrior:
        path = tmp_path / "some.prior"
        path.write_text(text)
        return read_bilby_prior(path)

    return call
