"""Settings of the simulated training data."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt, Le

from chirpleaf.errors import InputError
from chirpleaf.strain.ensemble import PsdEnsemble
from chirpleaf.strain.noise import EnsembleNoise
from chirpleaf.system.constraints import FORBID_EXTRA, NonNegativeInt, PositiveInt
from chirpleaf.training.subsets import SubsetSettings

SnrBound = Annotated[float, Ge(0.1), Le(1e5)]


@dataclass(frozen=True)
class Curriculum:
    """Loud signals first, quieter ones as the training goes on (arXiv:1711.03121 calls it decreasing SNR).

    Attributes:
        snr_min: least signal-to-noise ratio of the first batch. A larger one begins with an easier task, which is
            further from the one that counts.
        batches: batches, of all ranks, after which the whole range of `Simulation.snr_range` is drawn; until then the
            least signal-to-noise ratio falls geometrically. More of them leave fewer for quiet signals.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    snr_min: SnrBound = 30.0
    batches: PositiveInt = 10_000

    def restrict(self, snr_range: tuple[float, float], index: int) -> tuple[float, float]:
        """The range of the signal-to-noise ratio in a batch.

        Args:
            snr_range: the whole range.
            index: number of the batch.

        Returns:
            Least and greatest signal-to-noise ratio.

        Example:
            >>> [Curriculum(28.0, 100).restrict((7.0, 60.0), index) for index in (0, 50, 100, 500)]
            [(28.0, 60.0), (14.0, 60.0), (7.0, 60.0), (7.0, 60.0)]
        """
        lowest, highest = snr_range
        left = max(0.0, 1.0 - index / self.batches)
        return lowest * (max(self.snr_min, lowest) / lowest) ** left, highest


@dataclass(frozen=True)
class Simulation:
    """Sizes and ranges of the simulated training data.

    Attributes:
        waveforms: waveforms in the training bank, shared out among the ranks. A larger bank over-fits later; it costs
            time to compute and four bytes of memory for each bin of each waveform.
        fresh: waveforms of the bank that each batch replaces by new ones. More of them delay over-fitting; each costs
            the time of one waveform in every batch. 0 keeps the bank as it is.
        validation_waveforms: waveforms in the bank of the validation batches, which training never draws from.
        spectra: noise spectra that are drawn for each detector before training. More of them cover the noise source
            better; time and memory grow in proportion.
        validation_spectra: greatest number of noise spectra for the validation batches.
        snr_range: least and greatest optimal signal-to-noise ratio of the present detectors together; log-uniform
            between.
        curriculum: loud signals first; None draws from the whole range from the beginning on.
        subsets: probabilities of the subsets of detectors that are present; None means that all always are.
        jitter: half width of the uniform error of the reference time in seconds. The network accepts reference times
            that are wrong by as much; a larger jitter asks more of it.
        strata: intervals of ln(chirp mass) from which the same number of binaries is drawn. 1 draws from the prior;
            more of them show the network light binaries, which are rare in the prior, as often as heavy ones.
        batch_size: examples in a batch of one rank. Larger batches give less noisy gradients, and fewer steps in the
            same time.
        validation_batches: batches on which the loss is measured after each epoch, shared out among the ranks.
        families: families of noise curves that the spectra are drawn from (`strain.ensemble`), those that a detector
            has with equal probability. More of them suit more observing runs, and show each of them less often.
        bank: waveform file made by `chirpleaf bank`; the waveforms are computed when None.
    """

    waveforms: PositiveInt = 1_000_000
    fresh: NonNegativeInt = 0
    validation_waveforms: PositiveInt = 20_000
    spectra: PositiveInt = 8192
    validation_spectra: PositiveInt = 1024
    snr_range: tuple[SnrBound, SnrBound] = (7.0, 60.0)
    curriculum: Curriculum | None = None
    subsets: SubsetSettings | None = None
    jitter: Annotated[float, Ge(0), Le(1)] = 0.0015
    strata: Annotated[int, Gt(0), Le(100_000)] = 64
    batch_size: Annotated[int, Gt(0), Le(2**20)] = 512
    validation_batches: PositiveInt = 32
    families: tuple[str, ...] = PsdEnsemble.families
    bank: Path | None = None

    __pydantic_config__: ClassVar = FORBID_EXTRA

    def check(self, detectors: tuple[str, ...]) -> None:
        """Checks that the settings fit each other and the detectors.

        Args:
            detectors: names of the detectors.

        Raises:
            InputError: they do not.
        """
        if not self.snr_range[0] < self.snr_range[1]:
            raise InputError(
                f"expected simulation.snr_range with the smaller number first; got {list(self.snr_range)}: 7 and 60 "
                "are usual"
            )
        if self.curriculum is not None and not self.curriculum.snr_min < self.snr_range[1]:
            raise InputError(
                f"expected simulation.curriculum.snr_min below {self.snr_range[1]:g}, the end of simulation.snr_range; "
                f"got {self.curriculum.snr_min:g}: lower it"
            )
        if not self.families or len(set(self.families)) < len(self.families):
            raise InputError(
                f"expected simulation.families with at least one family, each once; got {list(self.families)}: leave "
                "them out for the default"
            )
        if self.subsets is not None:
            self.subsets.probabilities(len(detectors))
        self.make_noise(detectors)

    def make_noise(self, detectors: tuple[str, ...]) -> EnsembleNoise:
        """The noise of the training data, unless another source is given.

        Args:
            detectors: names of the detectors.

        Raises:
            InputError: a family is unknown, or a detector has none of them.
        """
        return EnsembleNoise(PsdEnsemble(detectors, self.families))

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values, for a model's provenance; without the place of the bank on this machine."""
        values = asdict(self)
        del values["bank"]
        return values
