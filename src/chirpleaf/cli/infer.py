"""`chirpleaf infer EVENT`, or `chirpleaf infer --strain H1=FILE --strain L1=FILE --trigger GPS`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chirpleaf.cli.console import console, finish_run
from chirpleaf.errors import InputError, UntrustedError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from chirpleaf.inference import LeafEstimates, Posterior, PreparedData

MOST_SAMPLES = 1_000_000
"""Largest number of samples. More need tens of gigabytes of memory."""


Event = Annotated[str | None, typer.Argument(help="An embedded event, or one of the open catalogues.")]
StrainFiles = Annotated[
    list[str] | None,
    typer.Option(
        metavar="H1=FILE", help="Strain of a detector (HDF5, GWF or text); again for each, and for files to join."
    ),
]
Trigger = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Time of the merger within 0.1 s: GPS, or UTC as 2015-09-14T09:50:45.4."),
]
Channels = Annotated[
    list[str] | None,
    typer.Option(metavar="H1=NAME", help="Channel of a frame file, or dataset of an HDF5 file, that holds several."),
]
SpectrumFiles = Annotated[
    list[str] | None,
    typer.Option(metavar="H1=FILE", help="Noise spectrum of a detector; estimated from the strain by default."),
]
PsdAnalysis = Annotated[
    str | None, typer.Option(metavar="LABEL", help="Analysis in a PESummary release that holds several spectra.")
]
ModelName = Annotated[str | None, typer.Option(help="A shipped model or a model file; by default chosen by the data.")]
Samples = Annotated[int, typer.Option(help="How many samples.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the samples.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the results, by default out/EVENT.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")]
Certify = Annotated[
    bool | None,
    typer.Option(
        "--certify/--no-certify",
        help="Correct the samples by importance sampling with the exact likelihood; default for joint models.",
    ),
]
EffectiveSamples = Annotated[
    int | None, typer.Option(help="Effective sample size that is wanted; half of --samples by default.")
]
Budget = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Seconds after which certification draws no more samples; 60 by default."),
]
Approximant = Annotated[str | None, typer.Option(help="Waveform model of the likelihood; the network's by default.")]
PriorName = Annotated[
    str, typer.Option(metavar="NAME", help="model (the network's), standard, comoving, or a prior file of bilby.")
]
Cores = Annotated[
    int | None, typer.Option(min=1, help="Cores for waveforms with higher modes; the free ones by default.")
]


def infer(
    event: Event = None,
    strain: StrainFiles = None,
    trigger: Trigger = None,
    channel: Channels = None,
    psd: SpectrumFiles = None,
    psd_analysis: PsdAnalysis = None,
    model: ModelName = None,
    samples: Samples = 10_000,
    seed: Seed = 0,
    out: Out = None,
    overwrite: Overwrite = False,
    certify: Certify = None,
    effective_samples: EffectiveSamples = None,
    budget: Budget = None,
    approximant: Approximant = None,
    prior: PriorName = "model",
    cores: Cores = None,
) -> None:
    """Infer the posterior of an event; print a table, write files and figures."""
    from chirpleaf.cli.collector import paused_collector
    from chirpleaf.cli.drawing import drawing_process
    from chirpleaf.cli.pairs import pair_detectors, pair_single
    from chirpleaf.cli.pictures import prepare_drawing
    from chirpleaf.system.folders import check_folder
    from chirpleaf.system.threads import use_one_numpy_thread

    _check_options(samples, effective_samples, budget)
    files, spectra = pair_detectors("--strain", strain), pair_single("--psd", psd)
    channels = pair_single("--channel", channel, "NAME")
    folder = out or Path("out") / (event or "strain")
    check_folder(folder, overwrite=overwrite)

    use_one_numpy_thread()
    with paused_collector(), drawing_process(prepare_drawing) as executor:
        import torch

        from chirpleaf.inference import analyse, load_candidates, plan_certification, prepare
        from chirpleaf.inference.sources import ReadSettings
        from chirpleaf.inference.timing import Stopwatch
        from chirpleaf.system.cores import free_cores

        torch.set_num_threads(1)  # one event is too little work for two threads; a busy core would slow both

        watch = Stopwatch()
        models = load_candidates(model)
        plan = plan_certification(
            models[0].load(),
            certify,
            prior,
            approximant,
            effective_samples=effective_samples,
            budget=budget,
            workers=cores or free_cores(),
        )
        data = prepare(
            models,
            event,
            strain=files or None,
            trigger_time=trigger,
            psd=spectra,
            settings=ReadSettings(channels, psd_analysis),
            watch=watch,
        )
        result = analyse(data, plan, samples=samples, seed=seed, watch=watch)
        _write(result, data, folder, executor, overwrite=overwrite)
    if not result.trust.trusted:
        raise UntrustedError(f"{'; '.join(result.trust.reasons)}: the files in {folder} say so too")


def _check_options(samples: int, effective_samples: int | None, budget: float | None) -> None:
    """Refuses numbers out of range."""
    if not 1 <= samples <= MOST_SAMPLES:
        raise InputError(f"expected --samples from 1 to {MOST_SAMPLES}; got {samples}: 10000 are usual")
    if effective_samples is not None and effective_samples < 1:
        raise InputError(f"expected --effective-samples of at least 1; got {effective_samples}: 5000 are usual")
    if budget is not None and not 0 < budget < 1e6:
        raise InputError(f"expected --budget in seconds, above 0; got {budget:g}: 60 is usual")


def _write(
    result: "Posterior | LeafEstimates", data: "PreparedData", folder: Path, executor: "Executor", *, overwrite: bool
) -> None:
    """Writes the files and figures, and prints the table."""
    from chirpleaf.cli.pictures import write_result_figures
    from chirpleaf.cli.report import report
    from chirpleaf.system.folders import new_folder

    new_folder(folder, overwrite=overwrite)
    figures = write_result_figures(result, data, folder, executor)
    written = result.write(folder)
    table = report(result)
    written += tuple(figure.result() for figure in figures)
    console.print(table, highlight=False)
    finish_run(folder, written)
