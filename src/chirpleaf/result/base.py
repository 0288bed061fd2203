"""Base class of results: summaries, conversions, figures and files.

| file | holds |
|---|---|
| `summary.json` | medians and 90 % intervals, verdict, timing |
| `posterior.hdf5` | every draw with its density and weight, and everything else that `chirpleaf.read` needs |
| `result.json` | samples of equal weight and the prior, for `bilby.core.result.read_in_result` |
| `skymap.fits` | the sky map of a certified posterior |
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chirpleaf.errors import InputError
from chirpleaf.physics.derived import Samples
from chirpleaf.physics.parameters import PARAMETERS
from chirpleaf.result.bilby import load_result
from chirpleaf.result.hdf5 import FILE_NAME, Record, write_record
from chirpleaf.result.prior import AnalysisPrior
from chirpleaf.result.provenance import Provenance
from chirpleaf.result.trust import Trust
from chirpleaf.system.files import write_files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, float | str]
"""Line of a summary: median, lower, upper (numbers), unit (text), and uncertainty components of leaf estimates."""

_TREATMENT = (
    *("high_pass", "roll_off", "psd_method", "psd_length", "flaws", "data_quality", "notes"),
    *("duration", "f_min", "f_max", "f_ref", "waveform_arguments"),
)
"""Fields of the provenance that say how strain and waveforms were treated: `data` in `summary.json`."""

_SUMMARISED = ("event", "trigger_time", "detectors", "model", "approximant", "seed")
"""Fields of the provenance in `summary.json`."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result(ABC):
    """Samples of one event, with their origin and the verdict on them. Base of `Posterior` and `LeafEstimates`.

    Attributes:
        samples: parameter name to samples of equal weight, each of shape (n,), in the units of `physics.parameters`.
        provenance: origin of the result.
        trust: whether the result can be trusted, and reasons if not.
        timing: seconds by stage: load_s, infer_s, certify_s (None if not certified), total_s.
        prior: prior of the analysis; None if a file does not hold it.
    """

    samples: Samples
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

    def __len__(self) -> int:
        return len(next(iter(self.samples.values())))

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        if name not in self.samples:
            raise InputError(f"expected a parameter of {', '.join(self.samples)}; got {name!r}: name one of them")
        return self.samples[name]

    def __repr__(self) -> str:
        text = f"{self.provenance.event}, {len(self)} samples of {len(self.samples)} parameters, {self.trust.verdict}"
        return f"{type(self).__name__}({text})"

    def summary(self, parameters: Sequence[str] | None = None) -> dict[str, Row]:
        """Median and 90 % interval of parameters.

        Args:
            parameters: names; all if None.

        Returns:
            Name to {"median", "lower", "upper", "unit"}; lower and upper are the 5 % and 95 % quantiles.

        Raises:
            InputError: the result has no parameter of this name.
        """
        rows: dict[str, Row] = {}
        for name in self.samples if parameters is None else parameters:
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
        return pandas.DataFrame(self.samples)

    def to_bilby(self) -> Any:
        """The samples of equal weight and the prior as a `bilby.core.result.Result`.

        Raises:
            InputError: bilby is not installed.
        """
        return load_result(self.bilby_document())

    def plot_corner(self, parameters: Sequence[str] | None = None) -> "Figure":
        """Draws one- and two-dimensional marginals.

        Args:
            parameters: names; those of `headline` if None.

        Returns:
            A matplotlib figure.

        Raises:
            InputError: the result has no parameter of this name.
        """
        from chirpleaf.plots.corner import plot_corner  # noqa: PLC0415 - matplotlib is slow to load

        names = self.headline if parameters is None else tuple(parameters)
        return plot_corner({name: self[name] for name in names}, names)

    def save(self, path: str | Path) -> None:
        """Writes a `posterior.hdf5`, which `chirpleaf.read` turns into an equal result.

        Args:
            path: file name, or an existing folder; an existing file is replaced.

        Raises:
            InputError: the folder does not exist.
        """
        path = Path(path)
        write_record(self.to_record(), path / FILE_NAME if path.is_dir() else path)

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Writes all files of the result, each completely or not at all.

        Args:
            folder: an existing folder; files of the same names are replaced.

        Returns:
            The files.
        """
        return write_files(self._writers(), folder)

    def bilby_document(self) -> dict[str, Any]:
        """The content of `result.json`, which `bilby.core.result.read_in_result` reads."""
        constraints, priors = self._bilby_priors()
        return {
            "label": self.provenance.event,
            "outdir": ".",
            "sampler": "chirpleaf",
            "search_parameter_keys": list(self.search_parameters),
            "fixed_parameter_keys": [],
            "constraint_parameter_keys": constraints,
            "priors": priors,
            "posterior": {
                "__dataframe__": True,
                "content": {name: values.tolist() for name, values in self.samples.items()},
            },
            "meta_data": {**self.provenance.to_json(), "trust": self.trust.to_json()},
            "sampling_time": self.timing.get("infer_s"),
            "version": f"chirpleaf={version('chirpleaf')}",
        }

    def summary_document(self) -> dict[str, Any]:
        """The content of `summary.json`."""
        origin = self.provenance.to_json()
        return {
            **{name: origin[name] for name in _SUMMARISED},
            "n_samples": self.n_draws,
            "parameters": self.summary(),
            "prior": self.prior.name if self.prior else None,
            "certificate": self._certificate_document(),
            "trust": self.trust.to_json(),
            "timing": dict(self.timing),
            "data": {name: origin[name] for name in _TREATMENT},
        }

    def _writers(self) -> dict[str, Callable[[Path], object]]:
        """File name to the function that writes it."""
        return {
            "summary.json": partial(_write_json, self.summary_document, 2),
            FILE_NAME: partial(write_record, self.to_record()),
            "result.json": partial(_write_json, self.bilby_document, None),
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


def _write_json(document: Callable[[], dict[str, Any]], indent: int | None, path: Path) -> None:
    end = "\n" if indent else ""
    path.write_text(json.dumps(document(), indent=indent, allow_nan=False) + end)
