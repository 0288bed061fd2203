"""The pictures and the report of `chirpleaf infer`, and functions by which every verb writes its figures.

Everything is drawn by an executor (`report.drawing`), whose process keeps the images until the report is rendered.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chirpleaf.report import draw

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from chirpleaf.inference import PreparedData
    from chirpleaf.result import LeafEstimates, Posterior

Writer = Callable[[Path], object]
"""Writes one file to the path that it is given."""

FILES = ("corner", "strain", "spins")
"""Pictures that are files of their own, beside the report."""

SIGNALS = 40
"""Posterior samples whose signals make the interval in the figure. More are smoother, at some milliseconds each."""

LOWEST = 30.0
"""Frequency from which the time-frequency map shows the inspiral, Hz."""

BEFORE, AFTER = (0.25, 1.0), 0.1
"""Least and greatest time before the trigger, and the time after it, in the time-frequency map, seconds."""


@dataclass
class FigureDrawing:
    """Drawing of the pictures of an analysis, each as soon as its content is known.

    The time-frequency map needs the data alone; a certified posterior is drawn while the checks of its verdict run. At
    the end the verdict is written on pictures that are already drawn.

    Attributes:
        executor: draws the figures (`drawing_process`).
        others: other samples of the event, by parameter name, to compare with; may be empty.
        others_name: their name.
        drawn: the pictures that are begun.
        complete: whether the pictures of the posterior are among them.
    """

    executor: "Executor"
    others: "Mapping[str, NDArray[np.float64]]" = field(default_factory=dict)
    others_name: str = ""
    drawn: "list[Future[None]]" = field(default_factory=list)
    complete: bool = False

    def begin_data(self, data: "PreparedData") -> None:
        """Begins to draw the time-frequency map: the argument `on_data` of `inference.analyse_event`.

        Args:
            data: the prepared data.
        """
        from chirpleaf.physics.inspiral import chirp_time

        trigger, observation = data.source.trigger_time, data.observation
        before = min(max(float(chirp_time(observation.chirp_mass, LOWEST)), BEFORE[0]), BEFORE[1])
        window = (trigger - before, trigger + AFTER)
        self.drawn.append(self.executor.submit(draw.draw_time_frequency, observation.segment, window, trigger))

    def begin(self, data: "PreparedData", result: "Posterior | LeafEstimates") -> None:
        """Begins to draw a result whose verdict may be unknown: the argument `preview` of `inference.analyse_event`.

        Args:
            data: the data that it belongs to.
            result: a posterior or leaf estimates.
        """
        if not result.impossible:
            # It is drawn while this process computes the signals of the next figure.
            samples = {name: result[name] for name in result.headline}
            shared = {name: values for name, values in self.others.items() if name in samples}
            arguments = (samples, result.corner_notes, shared, self.others_name)
            self.drawn.append(self.executor.submit(draw.draw_corner, *arguments))
        self.drawn.append(self.executor.submit(draw.draw_strain, *_view_strain(result, data)))
        self.drawn += _draw_planes(result, self.executor)
        self.complete = True

    def finish(
        self, data: "PreparedData", result: "Posterior | LeafEstimates", folder: Path | None = None
    ) -> dict[str, Writer]:
        """The pictures and the report of a result with its verdict.

        Args:
            data: the data that it belongs to.
            result: a posterior or leaf estimates.
            folder: folder of the results, which the report names.

        Returns:
            File name to a function that waits for the content and writes it to the path that it is given
            (`write_files`). There is no corner plot of a posterior whose draws are all impossible.
        """
        from chirpleaf.report.captions import list_pictures
        from chirpleaf.report.content import build_page
        from chirpleaf.result.trust import Grade

        if not self.complete:
            self.begin(data, result)
        word = result.trust.verdict if result.trust.grade is Grade.REFUSE else None
        pictures = list_pictures(result)
        names = [picture.name for picture in pictures]
        notes = result.verdict_notes if "corner" in names else ()
        finished = self.executor.submit(draw.finish_pictures, names, word, notes, len(result.corner_notes))
        comparison = self._compare(result)
        page = build_page(result, pictures, folder=folder, comparison=comparison, comparison_name=self.others_name)
        report = self.executor.submit(draw.render_report, page)

        def write_picture(name: str, path: Path) -> None:
            path.write_bytes(finished.result()[name])

        def write_report(path: Path) -> None:
            waiting: list[Future[Any]] = [*self.drawn, finished]
            for one in waiting:
                one.result()  # an error of any picture is raised here
            path.write_bytes(report.result())

        writers: dict[str, Writer] = {f"{name}.png": partial(write_picture, name) for name in FILES if name in names}
        return {**writers, "report.html": write_report}

    def _compare(self, result: "Posterior | LeafEstimates") -> tuple[tuple[str, ...], ...]:
        """The comparison with the other samples, a row for each parameter."""
        if not self.others or result.impossible:
            return ()
        from chirpleaf.report.comparison import compare_samples

        return compare_samples(result, self.others)


def figure_writers(figures: "Mapping[str, Figure]") -> dict[str, Writer]:
    """Functions that write figures as PNG, for `write_files`.

    Args:
        figures: file name to figure.

    Returns:
        File name to a function that writes the figure to the path that it is given.
    """
    return {name: partial(figure.savefig, **draw.PNG) for name, figure in figures.items()}


def _draw_planes(result: "Posterior | LeafEstimates", executor: "Executor") -> "Iterator[Future[None]]":
    """Begins to draw the sky map and the planes of two parameters that the report shows."""
    from chirpleaf.report.captions import PRECESSION, find_pairs, find_spins, list_pictures
    from chirpleaf.report.published import find_published
    from chirpleaf.result import Posterior

    known = find_published(result.provenance.event)
    for picture in list_pictures(result):
        pairs = find_pairs(picture.name, result)
        if pairs:
            samples = {name: result[name] for pair in pairs for name in pair}
            values = {name: known.values[name] for name in samples if known and name in known.values}
            label = known.name if known else "published"
            yield executor.submit(draw.draw_planes, picture.name, samples, pairs, values, label)
        elif picture.name == "sky" and isinstance(result, Posterior):
            yield executor.submit(draw.draw_sky, *_view_sky(result))
        elif picture.name == "spins":
            spins = {name: result[name] for name in find_spins(result)}
            yield executor.submit(draw.draw_spins, spins, _find_largest_spin(result))
        elif picture.name == "precession":
            yield executor.submit(draw.draw_precession, {name: result[name] for name in PRECESSION})


def _find_largest_spin(result: "Posterior | LeafEstimates") -> float:
    """Largest magnitude of the prior of precessing spins; one if the result does not hold it."""
    from chirpleaf.physics.precessing_prior import PrecessingPrior

    intrinsic = result.prior.intrinsic if result.prior else None
    return intrinsic.spin_max if isinstance(intrinsic, PrecessingPrior) else 1.0


def _view_sky(result: "Posterior") -> tuple[Any, ...]:
    """Probability of the pixels, the sample in the densest one (rad), and the areas (square degrees)."""
    import numpy as np

    from chirpleaf.result.healpix import find_pixel

    sky = result.sky
    assert sky is not None
    densest = int(np.argmax(sky.probability[find_pixel(result["ra"], result["dec"], sky.nside)]))
    direction = (float(result["ra"][densest]), float(result["dec"][densest]))
    return sky.probability.astype(np.float32), direction, sky.area(0.5), sky.area(0.9)


def _view_strain(
    result: "Posterior | LeafEstimates", data: "PreparedData"
) -> "tuple[float, tuple[str, ...], tuple[Any, ...]]":
    """Trigger time (GPS, s), detectors and the arrays of a `WhitenedView`.

    They are a plain tuple, because the drawing process would have to import torch to receive a `WhitenedView`.
    """
    from chirpleaf.inference.reconstruction import whiten_view
    from chirpleaf.result import Posterior

    samples = None
    if isinstance(result, Posterior) and not result.impossible:
        samples = result.resample(min(SIGNALS, result.n_draws))
    trigger = data.source.trigger_time
    view = whiten_view(data.observation, trigger, samples, band=draw.BAND)
    return trigger, data.observation.segment.detectors, tuple(view)
