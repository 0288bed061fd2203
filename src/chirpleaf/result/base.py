"""Base class of results: summaries, conversions, figures and files.

| file | holds |
|---|---|
| `summary.json` | medians and 90 % intervals, verdict, timing |
| `posterior.hdf5` | every draw with its density and weight, and everything else that `chirpleaf.read` needs |
| `result.json` | samples of equal weight and the prior, for `bilby.core.result.read_in_result` |
| `skymap.fits` | the sky map of a certified posterior |
"""

import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError, UnknownParameterError
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.result.arviz import convert_to_arviz
from chirpleaf.result.bilby import load_result, make_document
from chirpleaf.result.frozen import FrozenMapping
from chirpleaf.result.hdf5 import FILE_NAME, Record, choose_file, write_record
from chirpleaf.result.json_files import write_json
from chirpleaf.result.prior import AnalysisPrior
from chirpleaf.result.provenance import Provenance
from chirpleaf.result.trust import Grade, Trust
from chirpleaf.system.files import write_files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, float | str]
"""Line of a summary: median, lower, upper (numbers), unit (text), and uncertainty components of leaf estimates."""

_TREATMENT = (
    *("high_pass", "roll_off", "psd_method", "psd_length", "flaws", "data_quality", "notes"),
    *("duration", "f_min", "f_max", "f_ref", "waveform_arguments", "spins"),
)
"""Fields of the provenance that say how strain and waveforms were treated: `data` in `summary.json`."""

_SUMMARISED = ("event", "trigger_time", "detectors", "model", "approximant", "seed")
"""Fields of the provenance in `summary.json`."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result(ABC):
    """Samples of one event, with their origin and the verdict on them. Base of `Posterior` and `LeafEstimates`.

    A result is used as a mapping of parameter names to arrays: `result["mass_1"]`, `"mass_1" in result`,
    `dict(result)`. Its length, however, is the number of samples, as that of a table. Arrays and mappings are
    read-only: copy what is to be changed. Two results are equal if a file would hold the same of both.

    Attributes:
        samples: parameter name to samples of equal weight, each of shape (n,), in the units of `physics.parameters`.
        provenance: origin of the result.
        trust: whether the result can be trusted, and reasons if not.
        timing: seconds by stage: load_s, infer_s, certify_s (None if not certified), trust_s, systematics_s, total_s.
        prior: prior of the analysis; None if a file does not hold it.
    """

    samples: Mapping[str, NDArray[np.float64]]
    provenance: Provenance
    trust: Trust
    timing: Mapping[str, float | None] = field(default_factory=dict)
    prior: AnalysisPrior | None = None

    @property
    @abstractmethod
    def headline(self) -> tuple[str, ...]:
        """Names of the parameters of the corner plot."""

    @property
    @abstractmethod
    def tabulated(self) -> tuple[str, ...]:
        """Names of the parameters of the table that `chirpleaf infer` prints."""

    @property
    def corner_notes(self) -> tuple[str, ...]:
        """What a corner plot says beside its panels: event, detectors and waveforms."""
        origin = self.provenance
        return (origin.event, f"{' '.join(origin.detectors)} \N{MIDDLE DOT} {origin.waveforms}")

    @property
    def verdict_notes(self) -> tuple[str, ...]:
        """Loudness and verdict, further lines of `corner_notes`: they are known later than the samples."""
        loudness = self.trust.network_snr
        known = () if math.isnan(loudness) else (f"signal-to-noise ratio {loudness:.1f}",)
        return (*known, self.trust.verdict)

    @property
    def impossible(self) -> bool:
        """Whether no draw is possible under the likelihood, so that there is nothing to summarise."""
        return False

    @property
    @abstractmethod
    def n_draws(self) -> int:
        """Number of draws, `n_samples` of `summary.json`."""

    @property
    @abstractmethod
    def search_parameters(self) -> tuple[str, ...]:
        """Names of the parameters that were sampled; all others follow from them."""

    @abstractmethod
    def to_record(self) -> Record:
        """The result as the content of a `posterior.hdf5`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "timing", FrozenMapping(self.timing))

    def __len__(self) -> int:
        return len(next(iter(self.samples.values())))

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        if name not in self:
            near = difflib.get_close_matches(str(name), self.samples, 1)
            remedy = f"did you mean {near[0]}?" if near else "name one of them"
            known = ", ".join(self.samples)
            raise UnknownParameterError(f"expected a parameter of {known}; got {name!r}: {remedy}")
        return self.samples[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self.samples

    def __iter__(self) -> Iterator[str]:
        return iter(self.samples)

    def __eq__(self, other: object) -> bool:
        return self.to_record().equals(other.to_record()) if isinstance(other, Result) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.provenance.event, self.provenance.seed, len(self)))

    def keys(self) -> KeysView[str]:
        """Names of the parameters."""
        return self.samples.keys()

    def values(self) -> ValuesView[NDArray[np.float64]]:
        """Samples of the parameters, each of shape (n,)."""
        return self.samples.values()

    def items(self) -> ItemsView[str, NDArray[np.float64]]:
        """Names and samples of the parameters."""
        return self.samples.items()

    def __repr__(self) -> str:
        text = f"{self.provenance.event}, {len(self)} samples of {len(self.samples)} parameters, {self.trust.verdict}"
        return f"{type(self).__name__}({text})"

    def summary(self, parameters: str | Sequence[str] | None = None) -> dict[str, Row]:
        """Median and 90 % interval of parameters.

        Args:
            parameters: one name or several; all if None.

        Returns:
            Name to {"median", "lower", "upper", "unit"}; lower and upper are the 5 % and 95 % quantiles.

        Raises:
            InputError: the result has no parameter of this name.
        """
        rows: dict[str, Row] = {}
        for name in self._list_names(parameters, tuple(self.samples)):
            lower, median, upper = self._quantiles(name, (0.05, 0.5, 0.95))
            values: Row = {"median": float(median), "lower": float(lower), "upper": float(upper)}
            rows[name] = {**values, "unit": PARAMETERS[name].unit}
        return rows

    def to_dataframe(self) -> Any:
        """The samples of equal weight as a `pandas.DataFrame` with a column for each parameter.

        Raises:
            InputError: pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise InputError("expected pandas for a DataFrame; got no such package: pip install pandas") from error
        return pandas.DataFrame(dict(self.samples))

    def to_bilby(self) -> Any:
        """The samples of equal weight, prior and evidence as a `bilby.gw.result.CBCResult`, a bilby `Result`.

        Raises:
            InputError: bilby is not installed.
        """
        return load_result(self.bilby_document())

    def to_arviz(self) -> Any:
        """The samples of equal weight as ArviZ's `InferenceData`, or its `DataTree` from ArviZ 1 on.

        Raises:
            InputError: ArviZ is not installed.
        """
        return convert_to_arviz(dict(self.samples), self.provenance, self.trust, self.prior)

    def plot_corner(self, parameters: str | Sequence[str] | None = None) -> "Figure":
        """Draws one- and two-dimensional marginals.

        Args:
            parameters: one name or several; those of `headline` if None.

        Returns:
            A matplotlib figure; it carries the verdict of a result that is not trusted.

        Raises:
            InputError: the result has no parameter of this name.
        """
        from chirpleaf.plots.corner import plot_corner  # noqa: PLC0415 - matplotlib is slow to load
        from chirpleaf.plots.style import stamp  # noqa: PLC0415

        names = self._list_names(parameters, self.headline)
        figure = plot_corner({name: self[name] for name in names}, names, notes=self.corner_notes + self.verdict_notes)
        if self.trust.grade is Grade.REFUSE:
            stamp(figure, self.trust.verdict)
        return figure

    def save(self, path: str | Path) -> None:
        """Writes a `posterior.hdf5`, which `chirpleaf.read` turns into an equal result.

        Args:
            path: file name, or an existing folder; an existing file is replaced.

        Raises:
            InputError: `path` is not a path, or its folder does not exist.
        """
        write_record(self.to_record(), choose_file(path))

    def write(self, folder: Path, further: Mapping[str, Callable[[Path], object]] | None = None) -> tuple[Path, ...]:
        """Writes all files of the result; none replaces its former version before all are complete.

        Args:
            folder: an existing folder; files of the same names are replaced.
            further: files that belong to the result, such as figures: file name to a function that writes the file to
                the path that it is given.

        Returns:
            The files.
        """
        return write_files({**self._writers(), **(further or {})}, folder)

    def bilby_document(self) -> dict[str, Any]:
        """The content of `result.json`, which `bilby.core.result.read_in_result` reads."""
        return make_document(
            dict(self.samples),
            self.provenance,
            self.trust,
            sampled=self.search_parameters,
            seconds=self.timing.get("infer_s"),
            prior=self._bilby_priors(),
        )

    def summary_document(self) -> dict[str, Any]:
        """The content of `summary.json`."""
        origin = self.provenance.to_json()
        return {
            **{name: origin[name] for name in _SUMMARISED},
            "n_samples": self.n_draws,
            "parameters": {} if self.impossible else self.summary(),
            "prior": self.prior.name if self.prior else None,
            "certificate": self._certificate_document(),
            "trust": self.trust.to_json(),
            "timing": dict(self.timing),
            "data": {name: origin[name] for name in _TREATMENT},
            "recipe": origin["recipe"],
        }

    def _list_names(self, given: str | Sequence[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
        """The names that a user gave, or the default."""
        if given is None:
            return default
        return (given,) if isinstance(given, str) else tuple(given)

    def _writers(self) -> dict[str, Callable[[Path], object]]:
        """File name to the function that writes it."""
        return {
            "summary.json": partial(write_json, self.summary_document, indented=True),
            FILE_NAME: partial(write_record, self.to_record()),
            "result.json": partial(write_json, self.bilby_document),
        }

    def _certificate_document(self) -> dict[str, Any] | None:
        """`certificate` of `summary.json`."""
        return None

    def _bilby_priors(self) -> tuple[list[str], dict[str, Any] | None]:
        """Names of the constrained parameters, and the prior as bilby's JSON; none for single quantities."""
        return [], None

    @abstractmethod
    def _quantiles(self, name: str, probabilities: Sequence[float]) -> NDArray[np.float64]:
        """Quantiles of a parameter, same shape as `probabilities`."""
