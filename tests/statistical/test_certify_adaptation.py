"""Adaptation of the extrinsic points to an event."""

import numpy as np
import pytest
from made_marginal import NETWORKS, adapted

from chirpleaf.inference.certify.likelihood_settings import TableSettings
from chirpleaf.inference.certify.marginal import draw_sobol_points


def test_the_adaptation_ends_by_effective_points_not_by_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds that were enlarged count by their points: two at the full likelihood are enough here, in place of four."""
    sizes = []

    def draw(n: int, seed: int, stream: int) -> np.ndarray:
        sizes.append(n)
        return draw_sobol_points(n, seed, stream)

    monkeypatch.setattr("chirpleaf.inference.certify.adaptation.draw_sobol_points", draw)
    found = adapted(NETWORKS[2], 12.0, 0, 1.0, TableSettings(points=1024, settled_points=512))
    assert sizes == [1024, 4096, 4096]
    assert found.proposal.correction is None
