"""Options of an analysis: the data and the waveforms of the likelihood, where they differ from the defaults.

They reproduce the settings of a published analysis. The network takes its own segment and frequencies in any case: it
proposes samples, and the importance weights follow from the likelihood of these options.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from types import NoneType
from typing import TypeVar

import numpy as np
from jaxtyping import Float64

from chirpleaf.errors import InputError
from chirpleaf.physics.approximants import resolve_approximant
from chirpleaf.physics.detectors import detector
from chirpleaf.physics.waveform_settings import DEFAULT_WAVEFORM, Value, WaveformSettings
from chirpleaf.strain.conditioning import DEFAULT_CONDITIONING, Conditioning
from chirpleaf.strain.noise_spectrum import DEFAULT_SPECTRUM, SpectrumSettings
from chirpleaf.strain.segment import AFTER_TRIGGER, Segment
from chirpleaf.system.checks import check_kind

Kept = TypeVar("Kept")

_MOST_FREQUENCIES = 2**22
"""Frequencies of a segment: 4,096 s up to 1,024 Hz, the longest files of open data."""

_ROUNDING = 1e-6
"""Rounding error of a frequency times the duration."""


@dataclass(frozen=True)
class DataOptions:
    """Data of the likelihood; None stands for the value of the network.

    Attributes:
        detectors: names of the detectors that are used; all with strain if None.
        duration: length of the segment, which ends 2 s after the trigger, s.
        f_min: lowest frequency, or detector name to lowest frequency, Hz.
        f_max: highest frequency, Hz.
        conditioning: high-pass filter and window, of the data of the network, too.
        spectrum: how noise spectra are estimated.
        skip_absent: whether lowest frequencies of detectors without strain are left out, as for one of many events,
            instead of refused.

    Raises:
        InputError: an option is out of range.

    Example:
        >>> options = DataOptions(duration=4.0, f_min={"H1": 25.0}, f_max=512.0)
        >>> options.choose_frequencies(("H1", "L1"), 8.0, np.array([20.0, 1024.0]))[[0, -1]].tolist()
        [20.0, 512.0]
    """

    detectors: tuple[str, ...] | None = None
    duration: float | None = None
    f_min: float | Mapping[str, float] | None = None
    f_max: float | None = None
    conditioning: Conditioning = DEFAULT_CONDITIONING
    spectrum: SpectrumSettings = DEFAULT_SPECTRUM
    skip_absent: bool = False

    def __post_init__(self) -> None:
        self._check_kinds()
        if self.detectors is not None and (not self.detectors or len(set(self.detectors)) < len(self.detectors)):
            raise InputError(
                f"expected at least one detector, each once; got {', '.join(self.detectors) or 'none'}: write H1,L1"
            )
        if self.duration is not None and not AFTER_TRIGGER < self.duration < np.inf:
            raise InputError(
                f"expected a duration above {AFTER_TRIGGER:g} s; got {self.duration:g}: powers of two, such as 4 or 8"
            )
        lowest = self._list_lowest()
        highest = max(lowest, default=20.0) + 1.0 if self.f_max is None else self.f_max
        if not all(0.0 < bound < highest < np.inf for bound in lowest):
            above = "" if self.f_max is None else f" and f_max {self.f_max:g} Hz"
            raise InputError(
                f"expected 0 < f_min < f_max; got f_min {', '.join(f'{bound:g}' for bound in lowest)} Hz{above}: "
                "20 and 1024 are usual"
            )
        count = (self.duration or 1.0) * (self.f_max or 1.0)
        if count > _MOST_FREQUENCIES:
            raise InputError(
                f"expected at most {_MOST_FREQUENCIES:,} frequencies; got {count:,.4g}, the product of duration and "
                "f_max: choose a shorter segment or a lower f_max"
            )

    def _check_kinds(self) -> None:
        """Refuses values of other types."""
        check_kind("detectors", self.detectors, tuple, list, NoneType)
        for name in self.detectors or ():
            check_kind("a detector", name, str)
        check_kind("duration", self.duration, Real, NoneType)
        check_kind("f_min", self.f_min, Real, Mapping, NoneType)
        for name, bound in self.f_min.items() if isinstance(self.f_min, Mapping) else ():
            check_kind(f"f_min of {name}", bound, Real)
        check_kind("f_max", self.f_max, Real, NoneType)
        check_kind("conditioning", self.conditioning, Conditioning)
        check_kind("spectrum", self.spectrum, SpectrumSettings)
        check_kind("skip_absent", self.skip_absent, bool)

    @property
    def changes_band(self) -> bool:
        """Whether duration or frequencies differ from those of the network."""
        return not (self.duration is None and self.f_min is None and self.f_max is None)

    def choose_detectors(self, available: Mapping[str, Kept]) -> dict[str, Kept]:
        """Selects the detectors that are used.

        Args:
            available: detector name to strain, or to anything else.

        Returns:
            The selected ones, in the order of `detectors`.

        Raises:
            InputError: a detector is not available.
        """
        names = tuple(available) if self.detectors is None else self.detectors
        missing = [name for name in names if name not in available]
        if missing:
            kept = [name for name in names if name in available] or available
            raise InputError(
                f"expected detectors among {', '.join(available)}, which have strain; got {', '.join(missing)}: write "
                f"--detectors {','.join(kept)}, or give the strain of all detectors by --strain"
            )
        return {name: available[name] for name in names}

    def choose_lowest(self, detectors: Collection[str]) -> "DataOptions":
        """The options with the lowest frequencies of some detectors alone.

        Args:
            detectors: names of those with strain.

        Raises:
            InputError: another one has a lowest frequency, unless `skip_absent`.
        """
        if not isinstance(self.f_min, Mapping):
            return self
        stray = [name for name in self.f_min if name not in detectors]
        if stray and not self.skip_absent:
            raise InputError(
                f"expected lowest frequencies of {', '.join(detectors)}, which have strain; got one of {stray[0]}: "
                "leave it out of --f-min"
            )
        kept = {name: bound for name, bound in self.f_min.items() if name in detectors}
        return replace(self, f_min=kept or None) if stray else self

    def _list_lowest(self) -> list[float]:
        """All lowest frequencies, Hz; refuses names that are no detectors."""
        if isinstance(self.f_min, Mapping):
            for name in self.f_min:
                detector(name)
            return list(self.f_min.values())
        return [20.0 if self.f_min is None else self.f_min]

    def find_lowest(self, detector: str, own: float) -> float:
        """The lowest frequency of a detector.

        Args:
            detector: its name.
            own: lowest frequency of the network, Hz.

        Returns:
            Hz.
        """
        if isinstance(self.f_min, Mapping):
            return self.f_min.get(detector, own)
        return own if self.f_min is None else self.f_min

    def choose_frequencies(
        self, detectors: Sequence[str], own_duration: float, own: Float64[np.ndarray, " own"]
    ) -> Float64[np.ndarray, " chosen"]:
        """The frequencies of the segment: multiples of 1 / duration.

        Args:
            detectors: names of the detectors.
            own_duration: length of the network's segment, s.
            own: frequencies of the network, Hz.

        Returns:
            From the lowest frequency of any detector to the highest one, Hz.

        Raises:
            InputError: the lowest frequency of a detector is not below the highest one.
        """
        if not self.changes_band:
            return own
        duration = self.duration or own_duration
        lowest = [self.find_lowest(name, float(own[0])) for name in detectors]
        highest = float(own[-1]) if self.f_max is None else self.f_max
        for name, bound in zip(detectors, lowest, strict=True):
            if bound >= highest:
                raise InputError(
                    f"expected a lowest frequency of {name} below the highest one, {highest:g} Hz; got {bound:g} Hz: "
                    "lower --f-min or raise --f-max"
                )
        first, last = np.ceil(min(lowest) * duration - _ROUNDING), np.floor(highest * duration + _ROUNDING)
        return np.arange(first, last + 1) / duration

    def drop_frequencies(self, segment: Segment) -> Segment:
        """Gives frequencies below the lowest one of a detector no weight: the noise is infinite there.

        Args:
            segment: data at `choose_frequencies`.
        """
        if not isinstance(self.f_min, Mapping):
            return segment
        lowest = [self.find_lowest(name, float(segment.frequencies[0])) for name in segment.detectors]
        unused = segment.frequencies < np.array(lowest)[:, None] - _ROUNDING
        return replace(segment, psd=np.where(unused, np.inf, segment.psd))


@dataclass(frozen=True)
class WaveformOptions:
    """Waveforms of the likelihood.

    Attributes:
        approximant: name of an approximant of LALSimulation or pyseobnr; one that precesses needs a model of
            precessing spins. The network's if None.
        f_ref: reference frequency, at which phase and spins are defined, Hz.
        arguments: further arguments of LALSimulation (`WaveformSettings`).

    Raises:
        InputError: a name or a value cannot be used.
    """

    approximant: str | None = None
    f_ref: float = DEFAULT_WAVEFORM.reference_frequency
    arguments: tuple[tuple[str, Value], ...] = ()

    def __post_init__(self) -> None:
        check_kind("approximant", self.approximant, str, NoneType)
        check_kind("f_ref", self.f_ref, Real)
        if self.approximant is not None:
            object.__setattr__(self, "approximant", resolve_approximant(self.approximant))
        self.make_settings("")

    def make_settings(self, own: str) -> WaveformSettings:
        """The settings of the likelihood's waveforms.

        Args:
            own: approximant of the network.
        """
        return WaveformSettings(self.approximant or own, self.f_ref, self.arguments)


DEFAULT_DATA = DataOptions()
"""The data that the network takes, of all detectors."""

DEFAULT_WAVEFORMS = WaveformOptions()
"""The waveforms of the network."""
