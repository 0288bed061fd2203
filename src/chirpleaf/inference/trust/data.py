"""Checks of the data before the analysis: are strain, header and noise spectrum what they claim to be?"""

from collections.abc import Sequence

from chirpleaf.inference.preparation import PreparedData
from chirpleaf.result.trust import Finding, Level


def examine_data(data: PreparedData, detectors: Sequence[str]) -> tuple[Finding, ...]:
    """Examines the data of each detector.

    Args:
        data: the prepared data.
        detectors: those whose data are analysed.

    Returns:
        What was found, those of one detector after those of the other.
    """
    doubts = data.doubt(detectors)
    return tuple(Finding("data.burst", Level.REFUSE, doubt, doubt.partition(":")[0]) for doubt in doubts)
