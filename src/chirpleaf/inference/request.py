"""Request: all that a user asks of one analysis, as `analyse_event`, the recipe of a result and its replay take it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import NoneType

from chirpleaf.errors import InputError
from chirpleaf.inference.options import DEFAULT_DATA, DEFAULT_WAVEFORMS, DataOptions, WaveformOptions
from chirpleaf.inference.plan import CertificationPlan, plan_certification
from chirpleaf.inference.preparation import PreparedData, prepare
from chirpleaf.inference.sources import (
    DEFAULT_READ_SETTINGS,
    SPECTRUM,
    PsdSource,
    ReadSettings,
    StrainSource,
    check_analysis,
    name_detectors,
    name_strain,
)
from chirpleaf.inference.systematics.options import NO_SYSTEMATICS, Systematics
from chirpleaf.inference.timing import Stopwatch
from chirpleaf.models.model import Model
from chirpleaf.models.shipped import Candidate
from chirpleaf.system.checks import check_kind
from chirpleaf.system.defaults import SAMPLES

_KINDS: Mapping[str, tuple[type, ...]] = {
    "event": (str, NoneType),
    "settings": (ReadSettings,),
    "model": (str, Path, NoneType),
    "certify": (bool, NoneType),
    "options": (DataOptions,),
    "waveform": (WaveformOptions,),
    "prior": (str, Path, NoneType),
    "systematics": (Systematics,),
}
"""Types of what is no number, time or value by detector."""


@dataclass(frozen=True)
class Request:
    """What is asked of one analysis.

    Attributes:
        event: name of an event, in any case; None with `strain`.
        strain: detector name to strain, or to one or several files of it; None with `event`.
        trigger_time: GPS time of the merger, seconds, or UTC as text; needed with `strain`.
        psd: detector name to power spectral density (1/Hz) or to a file of it; the others are estimated.
        settings: what to read from the files.
        model: name of a shipped model or a model file; the data choose if None.
        samples: number of draws.
        seed: seed of the draws.
        certify: whether to weight the draws by the exact likelihood; if the model allows it, when None.
        effective_samples: effective sample size that is wanted; half of `samples` if None.
        budget: seconds of the whole analysis after which it makes and reweights no more draws; no limit if None.
        options: data of the likelihood.
        waveform: waveforms of the likelihood.
        prior: name of a preset or a prior file of bilby; the default of the field if None.
        workers: processes that share waveforms with more than the (2, 2) mode.
        systematics: calibration and noise spectra that are uncertain, or are others for the likelihood.

    Raises:
        InputError: something is of another type, or a detector is named twice.

    Example:
        >>> Request("GW150914").seed
        0
    """

    event: str | None = None
    strain: Mapping[str, StrainSource] | None = None
    trigger_time: float | str | None = None
    psd: Mapping[str, PsdSource] = field(default_factory=dict)
    settings: ReadSettings = DEFAULT_READ_SETTINGS
    model: str | Path | None = None
    samples: int = SAMPLES
    seed: int = 0
    certify: bool | None = None
    effective_samples: int | None = None
    budget: float | None = None
    options: DataOptions = DEFAULT_DATA
    waveform: WaveformOptions = DEFAULT_WAVEFORMS
    prior: str | Path | None = None
    workers: int = 1
    systematics: Systematics = NO_SYSTEMATICS

    def __post_init__(self) -> None:
        for name, kinds in _KINDS.items():
            check_kind(name, getattr(self, name), *kinds)
        if self.strain is not None:
            name_strain(self.strain)
        name_detectors(self.psd, "power spectral density", SPECTRUM)

    def plan_certification(self, model: Model) -> CertificationPlan | None:
        """The certification that is asked for; see `plan.plan_certification`.

        Args:
            model: one of the candidates.

        Returns:
            The plan; None if the network answers alone.

        Raises:
            InputError: as `plan.plan_certification`, or the network answers alone, whose band cannot be changed.
        """
        plan = plan_certification(
            model,
            self.certify,
            self.prior,
            self.waveform,
            effective_samples=self.effective_samples,
            budget=self.budget,
            workers=self.workers,
        )
        if plan is None and self.options.changes_band:
            raise InputError(
                "expected certification with a duration, --f-min or --f-max; got an answer of the network alone, whose "
                "segment is its own: leave them out"
            )
        return plan

    def prepare(self, models: Sequence[Candidate], watch: Stopwatch) -> PreparedData:
        """Reads the data and makes the input of the model that fits them; see `preparation.prepare`.

        Args:
            models: the candidates.
            watch: measures load_s and infer_s.

        Returns:
            The data of the network; a noise spectrum for the likelihood alone is not among them.

        Raises:
            InputError: as `preparation.prepare`.
        """
        check_analysis(self.settings.psd_analysis, (*self.psd.values(), *self.systematics.psd.values()))
        return prepare(
            models,
            self.event,
            strain=self.strain,
            trigger_time=self.trigger_time,
            psd=self.psd,
            options=self.options,
            settings=self.settings
            if self.psd or not self.systematics.psd
            else replace(self.settings, psd_analysis=None),
            watch=watch,
        )
