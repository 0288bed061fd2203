"""Strain that keeps coming: a rolling buffer, and the network's answer for every second of it.

The last seconds of each detector are held in a `RollingBuffer`. When a second of data has arrived, the stages of an
analysis run on the buffer as on a file: `prepare` about the middle of the newest second that a segment can be cut
around (segments end 2 s after the trigger), with reference times over the whole of this second, then `propose`. Nothing
is certified: the likelihood needs seconds, and the answer of a network alone is never called trusted.

Noise spectra are estimated from the buffer between two answers, and used for the next ones, so that they do not delay
an answer; a signal does not enter the spectrum that it is whitened by.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.inference.kinds import propose
from chirpleaf.inference.noise_spectra import gather_spectra, select_noise
from chirpleaf.inference.observe import DEFAULTS as CHOICE
from chirpleaf.inference.observe import check_sampling_rates
from chirpleaf.inference.options import DEFAULT_DATA
from chirpleaf.inference.preparation import PreparedData, prepare
from chirpleaf.inference.reference_time import SearchSettings, refine_reference_time
from chirpleaf.inference.sources import SPECTRUM, STEP, check_owners, gather_strain, name_detectors
from chirpleaf.models.model import Model
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import AFTER_TRIGGER
from chirpleaf.strain.strain import Strain

Interval = tuple[float, float, float]
"""Median, 5 % and 95 % quantile."""


@dataclass(frozen=True)
class StreamSettings:
    """Settings of a stream.

    Attributes:
        buffer: strain that is held of each detector, s. More makes better noise spectra, which follow changes later.
        first: strain before the first answer, s: one step more than the least that noise spectra need, so that they
            are estimated before. Less is not possible, more makes the first spectra better.
        step: strain between two answers, s. Less finds signals sooner, at the cost of computing in proportion.
        refresh: strain after which noise spectra are estimated again, s. Less follows changes of the noise sooner.
        draws: samples of the network of each answer. More make smoother quantiles, at some microseconds each.
        margin: reference times beyond both ends of a step that are tried, s, so that no arrival is lost between two
            steps: light travels 21 ms from the geocentre.
        waveforms: draws of the network that are tried about each reference time to find the loudest. More find the
            time of the merger better, at the cost of time in proportion; an audible signal is searched again with the
            number of an analysis.
    """

    buffer: float = 64.0
    first: float = 17.0
    step: float = 1.0
    refresh: float = 8.0
    draws: int = 2000
    margin: float = 0.04
    waveforms: int = 4

    def make_search(self) -> SearchSettings:
        """Search of reference times over the whole of a step, none of them more likely than another."""
        half_width = np.ceil((self.step / 2 + self.margin) / SearchSettings.spacing) * SearchSettings.spacing
        return SearchSettings(half_width=float(half_width), trigger_error=np.inf, draws=self.waveforms)


DEFAULTS = StreamSettings()
"""Default settings."""


class RollingBuffer:
    """The last seconds of strain of each detector.

    Args:
        duration: strain that is held, s.
    """

    def __init__(self, duration: float) -> None:
        self._duration = duration
        self._strain: dict[str, Strain] = {}

    @property
    def strain(self) -> Mapping[str, Strain]:
        """Detector name to strain; all end at the same time."""
        return self._strain

    @property
    def length(self) -> float:
        """Strain that every detector has, s."""
        return min((one.duration for one in self._strain.values()), default=0.0)

    @property
    def end_time(self) -> float:
        """GPS time of the end, s."""
        return min(one.end_time for one in self._strain.values())

    def push(self, chunk: Mapping[str, Strain]) -> None:
        """Appends strain, and drops what is older than the duration.

        Args:
            chunk: detector name to strain that follows what the buffer holds.

        Raises:
            InputError: it does not follow, has another sampling rate, or is that of other detectors.
        """
        if self._strain and set(chunk) != set(self._strain):
            raise InputError(
                f"expected strain of {', '.join(self._strain)}; got {', '.join(chunk)}: mark missing samples as NaN"
            )
        chunk = {name: new.require_detector(name) for name, new in chunk.items()}
        self._strain = {name: self._append(self._strain.get(name), new) for name, new in chunk.items()}

    def _append(self, held: Strain | None, new: Strain) -> Strain:
        """Strain of one detector with more at its end."""
        if held is None:
            return new
        rate = held.sample_rate
        if new.sample_rate != rate or abs(new.start_time - held.end_time) * rate > 0.5:
            raise InputError(
                f"{held.detector}: expected strain at {rate:g} Hz from GPS {held.end_time:.6f}; got "
                f"{new.sample_rate:g} Hz from GPS {new.start_time:.6f}: send all in order, missing samples as NaN"
            )
        values = np.concatenate((held.values, new.values))
        dropped = max(0, len(values) - round(self._duration * rate))
        return replace(held, values=values[dropped:], start_time=held.start_time + dropped / rate)


@dataclass(frozen=True)
class StreamAnswer:
    """The network's answer for one step of strain. It is not certified.

    Attributes:
        end_time: GPS time of the end of the strain that it was made from, s.
        trigger_time: GPS time of the middle of the step that was searched, s.
        latency: time from the arrival of the strain to the answer, s.
        reason: why there is no answer; empty if there is one. What follows is then empty.
        snr: signal-to-noise ratio of the loudest waveform in all detectors.
        snr_by_detector: that of the loudest waveform that was tried, for each detector.
        reference_time: arrival in the loudest detector, GPS s.
        template_chirp_mass: chirp mass of the best template, solar masses.
        audible: whether the ratio is above that of noise alone. If not, the posterior describes noise.
        posterior: parameter to median, 5 % and 95 % quantile, in bilby's units.
    """

    end_time: float
    trigger_time: float
    latency: float
    reason: str = ""
    snr: float = float("nan")
    snr_by_detector: Mapping[str, float] = field(default_factory=dict)
    reference_time: float = float("nan")
    template_chirp_mass: float = float("nan")
    audible: bool = False
    posterior: Mapping[str, Interval] = field(default_factory=dict)


class Stream:
    """Answers for strain that comes a step at a time.

    Args:
        model: the model that answers.
        settings: settings.
        psd: detector name to power spectral density; those of others are estimated from the buffer.
    """

    def __init__(
        self, model: Model, settings: StreamSettings = DEFAULTS, psd: Mapping[str, PowerSpectralDensity] | None = None
    ) -> None:
        self._model, self._settings = model, settings
        self._buffer = RollingBuffer(settings.buffer)
        self._given = name_detectors({} if psd is None else psd, "power spectral density", SPECTRUM)
        self._spectra: dict[str, PowerSpectralDensity] = {}
        self._search = settings.make_search()
        self._next_refresh = -np.inf

    def push(self, chunk: Mapping[str, Strain]) -> StreamAnswer | None:
        """Takes strain, and answers once there is enough of it.

        Args:
            chunk: a step of strain by detector, which follows the former one.

        Returns:
            The answer; None if more strain is needed.

        Raises:
            InputError: the strain does not follow the former one, or is none that the model can answer: of other
                detectors, or of too low a sampling rate.
        """
        begin = time.perf_counter()
        name_detectors(chunk, "strain", STEP)
        if not self._buffer.strain:
            self._check_start(chunk)
        self._buffer.push(chunk)
        if self._buffer.length < self._settings.first:
            return None
        end_time = self._buffer.end_time
        trigger_time = end_time - AFTER_TRIGGER - self._settings.step / 2
        try:
            data = self._prepare(trigger_time)
            return self._answer(data, begin)
        except InputError as error:  # a gap, for example
            return StreamAnswer(end_time, trigger_time, time.perf_counter() - begin, str(error))

    def refresh(self) -> bool:
        """Estimates the noise spectra from the buffer if it is time to; call it between two steps.

        Returns:
            Whether it was done.
        """
        early = self._buffer.length < self._settings.first - self._settings.step  # before the first answer
        if early or self._buffer.end_time < self._next_refresh:
            return False
        spectrum, conditioning = DEFAULT_DATA.spectrum, DEFAULT_DATA.conditioning
        try:
            source = gather_strain(None, self._buffer.strain, self._buffer.end_time - AFTER_TRIGGER)
            source, _, noise = select_noise(source, [self._model.duration], spectrum, conditioning)
            self._spectra = gather_spectra(source, self._given, noise)
        except InputError:  # too many gaps: the former spectra are better than none
            return False
        self._next_refresh = self._buffer.end_time + self._settings.refresh
        return True

    def _check_start(self, chunk: Mapping[str, Strain]) -> None:
        """Refuses what no step of a stream can mend."""
        taken = self._model.select_detectors(chunk, "--replay {}=FILE")
        other = [name for name in chunk if name not in taken]
        if other:
            raise InputError(
                f"expected strain of {', '.join(self._model.detectors)}, which model {self._model.name} takes; got "
                f"that of {other[0]}: leave it out"
            )
        check_owners("power spectral densities", self._given, chunk, "--replay")
        check_sampling_rates(self._model, chunk)

    def _prepare(self, trigger_time: float) -> PreparedData:
        """First stage, with the spectra that were estimated before."""
        return prepare(
            [self._model],
            strain=self._buffer.strain,
            trigger_time=trigger_time,
            psd=self._given,
            search=self._search,
            estimated=self._spectra,
        )

    def _answer(self, data: PreparedData, begin: float) -> StreamAnswer:
        """Second stage: draws of the network."""
        if data.observation.snr > CHOICE.audible_snr:
            data = replace(data, observation=refine_reference_time(self._model, data.observation.segment))
        output = propose(data, self._settings.draws, seed=0)
        observation = data.observation
        return StreamAnswer(
            self._buffer.end_time,
            data.source.trigger_time,
            time.perf_counter() - begin,
            snr=observation.snr,
            snr_by_detector=observation.snr_by_detector,
            reference_time=observation.segment.reference_time,
            template_chirp_mass=observation.chirp_mass,
            audible=observation.snr > CHOICE.audible_snr,
            posterior={name: _summarise(values) for name, values in output.samples.items()},
        )


def replay(strain: Mapping[str, Strain], step: float) -> Iterator[dict[str, Strain]]:
    """Cuts strain into steps, over the time that all detectors have.

    Args:
        strain: detector name to strain.
        step: length of a step, s.

    Yields:
        Detector name to strain of a step.

    Raises:
        InputError: the detectors have no time in common, or no whole number of samples in a step.
    """
    start = max(one.start_time for one in strain.values())
    end = min(one.end_time for one in strain.values())
    steps = int(np.floor((end - start) / step + 1e-6))
    if steps < 1:
        raise InputError(f"expected detectors with a time in common; got {', '.join(strain)} without: check the files")
    for name, one in strain.items():
        if abs(one.sample_rate * step - round(one.sample_rate * step)) > 1e-6:
            raise InputError(f"{name}: expected whole samples in {step:g} s; got {one.sample_rate:g} Hz: resample it")
    for place in range(steps):
        yield {name: one.cut(start + place * step, start + (place + 1) * step) for name, one in strain.items()}


def _summarise(values: NDArray[np.float64]) -> Interval:
    low, median, high = np.quantile(values, (0.05, 0.5, 0.95))
    return float(median), float(low), float(high)
