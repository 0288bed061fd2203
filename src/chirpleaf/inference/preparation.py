"""First stage of an analysis: from the user's input to the data in the form that a model takes.

    prepare: strain -> noise spectra -> the model that fits the signal -> `PreparedData`

`propose` and `certify` work on its result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chirpleaf.errors import InputError, ShortStrainError
from chirpleaf.inference.observation import Observation
from chirpleaf.inference.observe import choose_model
from chirpleaf.inference.sources import (
    LONG_DURATION,
    PsdSource,
    Source,
    StrainSource,
    gather_spectra,
    gather_strain,
    has_longer_strain,
)
from chirpleaf.inference.timing import Stopwatch
from chirpleaf.models.model import Model
from chirpleaf.models.shipped import load_model, posteriors
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.segment import Segment, cut_segment


@dataclass(frozen=True, eq=False)
class PreparedData:
    """Data of one event, ready for a model.

    Attributes:
        source: name of the event, trigger time and strain of all its detectors.
        spectra: detector name to power spectral density.
        known: detectors whose spectrum the user gave.
        observation: the chosen model and the data in the form that it takes.
    """

    source: Source
    spectra: Mapping[str, PowerSpectralDensity]
    known: frozenset[str]
    observation: Observation

    @property
    def model(self) -> Model:
        """The chosen model."""
        return self.observation.model

    def cut_network_segment(self) -> Segment:
        """Cuts the segment of the observation out of the strain of all detectors, for the likelihood.

        Returns:
            A segment of the same reference time, duration and frequencies as that of the observation.
        """
        segment = self.observation.segment
        if set(self.source.strain) == set(segment.detectors):
            return segment
        return cut_segment(
            self.source.strain,
            self.spectra,
            reference_time=segment.reference_time,
            duration=segment.duration,
            frequencies=segment.frequencies,
        )


def load_candidates(model: str | Path | None = None) -> list[Model]:
    """Loads the models that an analysis may use.

    Args:
        model: name of a shipped model or a model file; all shipped models of all parameters if None.

    Returns:
        At least one model.

    Raises:
        InputError: there is no such model, or none is shipped.
    """
    candidates = [load_model(model)] if model is not None else [load_model(name) for name in posteriors()]
    if not candidates:
        raise InputError("expected a shipped model; got none in this installation: give --model FILE")
    return candidates


def prepare(
    models: Sequence[Model],
    event: str | None = None,
    *,
    strain: Mapping[str, StrainSource] | None = None,
    trigger_time: float | None = None,
    psd: Mapping[str, PsdSource] | None = None,
    watch: Stopwatch | None = None,
) -> PreparedData:
    """Loads strain and noise spectra, chooses the model and makes its input.

    A signal that needs a longer segment than the strain holds is tried again with longer strain of the open
    catalogues, if there is any.

    Args:
        models: candidates, at least one.
        event: name of an embedded event or of one in the open catalogues; or None with `strain`.
        strain: detector name to strain or to a file of it (GWOSC HDF5, GWOSC text, GWF).
        trigger_time: GPS time of the merger within 0.1 s, needed with `strain`, seconds.
        psd: detector name to power spectral density or to a file of it; estimated from the strain otherwise.
        watch: measures load_s and infer_s.

    Returns:
        The data, with the model that was chosen.

    Raises:
        InputError: the input is incomplete, cannot be read, or does not suit the models.
        ShortStrainError: the signal needs longer strain, and there is none.
    """
    watch, psd = watch or Stopwatch(), psd or {}
    source = gather_strain(event, strain, trigger_time)
    watch.lap("load_s")
    try:
        data = _observe(models, source, psd)
    except ShortStrainError:
        if not has_longer_strain(event):
            raise
        source = gather_strain(event, strain, trigger_time, duration=LONG_DURATION)
        data = _observe(models, source, psd)
    watch.lap("infer_s")
    return data


def _observe(models: Sequence[Model], source: Source, psd: Mapping[str, PsdSource]) -> PreparedData:
    """Estimates the spectra and chooses the model."""
    spectra = gather_spectra(source, psd)
    observation = choose_model(models, source.strain, spectra, source.trigger_time)
    return PreparedData(source, spectra, frozenset(psd), observation)
