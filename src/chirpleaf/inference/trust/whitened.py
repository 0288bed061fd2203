"""Checks of the whitened data of the analysed segment: is the noise that of the noise spectrum?

The map of whitened power (`chirpleaf.strain.whiteness`) is examined where no signal is: outside of the time that an
inspiral like the best template spends in a band. Over the segment, its mean compares spectrum and data; a tile far
above the noise is a burst or a disturbance that no binary explains; one far below it means that the noise changes.
"""

from collections.abc import Sequence

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.inference.preparation import PreparedData
from chirpleaf.inference.trust.levels import Threshold, grade_value
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, DataSettings
from chirpleaf.result.trust import Finding, Level
from chirpleaf.strain.segment import Segment
from chirpleaf.strain.whiteness import PowerMap, compute_power_map, is_off_track, to_normal


def examine_whitened(
    data: PreparedData, detectors: Sequence[str], settings: DataSettings = DEFAULT_TRUST.data
) -> tuple[Finding, ...]:
    """Examines the whitened data of the detectors.

    Args:
        data: the prepared data.
        detectors: those whose data are analysed.
        settings: thresholds.
    """
    segment = data.observation.segment
    if data.options.changes_band or set(detectors) - set(segment.detectors):
        try:
            segment = data.cut_network_segment()
        except InputError:
            detectors = [name for name in detectors if name in segment.detectors]
    segment = data.mask_notches(data.use_likelihood_spectra(segment))
    found: list[Finding] = []
    for name in detectors:
        row, known = segment.detectors.index(name), name in data.known or name in data.likelihood_spectra
        roll_off, chirp_mass = data.options.conditioning.roll_off, data.observation.chirp_mass
        found += examine_segment(segment, row, chirp_mass, settings, roll_off=roll_off, known=known)
    return tuple(found)


def examine_segment(
    segment: Segment,
    row: int,
    chirp_mass: float,
    settings: DataSettings = DEFAULT_TRUST.data,
    *,
    roll_off: float,
    known: bool = False,
) -> tuple[Finding, ...]:
    """Examines the whitened data of one detector.

    Args:
        segment: the analysed data.
        row: index of the detector.
        chirp_mass: of the best template, solar masses.
        settings: thresholds.
        roll_off: length of each roll-off of the segment's window, s.
        known: whether the user gave the noise spectrum.
    """
    with np.errstate(all="ignore"):
        maps = [compute_power_map(segment, row, tiling, roll_off) for tiling in settings.tilings]
        name, light = segment.detectors[row], chirp_mass * settings.chirp_mass_margin
        used = [is_off_track(one, light, settings.track_margin) for one in maps]
        remedy = "give the spectrum of this strain" if known else "leave this detector out or give --psd"
        return (
            *_compare_power(maps[0], used[0], name, settings, remedy),
            *_find_excess(maps, used, name, settings),
        )


def _compare_power(
    found: PowerMap, used: np.ndarray, name: str, settings: DataSettings, remedy: str
) -> tuple[Finding, ...]:
    """Compares the mean power over the segment with the spectrum: in all bands together, and in each band."""
    power, degrees = found.average(used)
    total = degrees.sum()
    if not total:
        return ()
    mean = float((degrees * power).sum() / total)
    judged = [(_grade_power(mean, total, settings.power, settings), mean, "")]
    for value, own, (low, high) in zip(power.tolist(), degrees.tolist(), found.edges, strict=True):
        level = _grade_power(value, own, settings.band, settings) if own else Level.NOTE
        judged.append((level, value, f" at {low:.0f}-{high:.0f} Hz"))
    level, value, where = max(judged, key=lambda one: one[0])
    if level is Level.NOTE:
        return ()
    message = f"{name}: the data have {value:.3g} times the power of the noise spectrum{where}; {remedy}"
    return (Finding("data.power", level, message, name, value),)


def _grade_power(power: float, degrees: float, factor: Threshold, settings: DataSettings) -> Level:
    """The level of a mean power that differs from one by a factor, and by more than its sampling error."""
    if abs(float(to_normal(power, degrees))) <= settings.power_significance:
        return Level.NOTE
    return grade_value(max(power, 1.0 / power) if power > 0.0 else np.inf, factor)


def _find_excess(
    maps: Sequence[PowerMap], used: Sequence[np.ndarray], name: str, settings: DataSettings
) -> tuple[Finding, ...]:
    """Finds the tile farthest above the noise, and the one farthest below it."""
    found = []
    deviates = [np.where(kept, to_normal(one.power, one.degrees), 0.0) for one, kept in zip(maps, used, strict=True)]
    filled = [place for place, one in enumerate(deviates) if one.size]
    if not filled:
        return ()
    high = max(filled, key=lambda place: deviates[place].max())
    value = float(deviates[high].max())
    level = grade_value(value, settings.excess)
    if level is not Level.NOTE:
        where = _describe_tile(maps[high], int(deviates[high].argmax()))
        message = f"{name}: excess power of {value:.1f} sigma {where}, where no binary like this signal has any"
        found.append(Finding("data.excess", level, message, name, value))
    slow = deviates[0]
    if slow.size and slow.min() < -settings.deficit_warn:
        where = _describe_tile(maps[0], int(slow.argmin()))
        message = f"{name}: the noise changes within the segment: {-slow.min():.1f} sigma too quiet {where}"
        found.append(Finding("data.stationarity", Level.WARN, message, name, float(slow.min())))
    return tuple(found)


def _describe_tile(found: PowerMap, place: int) -> str:
    """Time and band of a tile."""
    band, tile = divmod(place, len(found.times))
    low, high = found.edges[band]
    return f"at {found.times[tile]:+.2f} s from the trigger and {low:.0f}-{high:.0f} Hz"
