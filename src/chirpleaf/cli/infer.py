"""`chirpleaf infer EVENT`, or `chirpleaf infer --strain H1=FILE --strain L1=FILE --trigger GPS`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from chirpleaf.cli import infer_options as option
from chirpleaf.cli.completion import PRIORS
from chirpleaf.cli.console import Json, console, finish_run, print_json
from chirpleaf.errors import InputError, UntrustedError
from chirpleaf.system.checks import check_integer, check_positive
from chirpleaf.system.defaults import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from chirpleaf.inference import LeafEstimates, Posterior

MOST_SAMPLES = 1_000_000
"""Largest number of samples. More need tens of gigabytes of memory."""


def infer(
    event: option.Event = None,
    strain: option.StrainFiles = None,
    trigger: option.Trigger = None,
    channel: option.Channels = None,
    psd: option.SpectrumFiles = None,
    psd_analysis: option.PsdAnalysis = None,
    model: option.ModelName = None,
    samples: option.Samples = SAMPLES,
    seed: option.Seed = 0,
    out: option.Out = None,
    overwrite: option.Overwrite = False,
    compare: option.Compare = None,
    json: Json = False,
    certify: option.Certify = None,
    effective_samples: option.EffectiveSamples = None,
    budget: option.Budget = None,
    approximant: option.Approximant = None,
    prior: option.PriorName = None,
    cores: option.Cores = None,
    detectors: option.Detectors = None,
    duration: option.Duration = None,
    f_min: option.LowestFrequency = None,
    f_max: option.HighestFrequency = None,
    f_ref: option.ReferenceFrequency = None,
    high_pass: option.HighPass = None,
    window_roll_off: option.WindowRollOff = None,
    psd_method: option.PsdMethod = None,
    psd_length: option.PsdLength = None,
    waveform_argument: option.WaveformArguments = None,
    calibration_envelope: option.CalibrationEnvelopes = None,
    calibration_correction_type: option.CalibrationCorrection = None,
    psd_uncertainty: option.PsdUncertainty = False,
    certify_psd: option.CertifySpectra = None,
    offline: option.Offline = False,
) -> None:
    """Infer the posterior of an event; print a table, write files and figures."""
    from chirpleaf.cli.collector import paused_collector
    from chirpleaf.cli.pairs import pair_detectors, pair_single
    from chirpleaf.cli.stages import show_stages
    from chirpleaf.report.draw import prepare_processes
    from chirpleaf.report.drawing import drawing_process
    from chirpleaf.report.pictures import FigureDrawing
    from chirpleaf.system.claims import claim_folder
    from chirpleaf.system.threads import use_one_numpy_thread

    check_options(samples, effective_samples, budget, prior)
    check_source(event, strain, trigger)
    files, spectra = pair_detectors("--strain", strain), pair_single("--psd", psd)
    channels = pair_single("--channel", channel, "NAME")
    folder = out or Path("out") / (event or "strain")
    use_one_numpy_thread()
    others, others_name = _read_others(compare)
    with (
        claim_folder(folder, overwrite=overwrite),
        paused_collector(),
        drawing_process(prepare_processes) as executor,
    ):
        import torch

        from chirpleaf.inference import Request
        from chirpleaf.inference.sources import ReadSettings
        from chirpleaf.report.analysis import write_analysis
        from chirpleaf.result.trust import Grade
        from chirpleaf.system.cores import free_cores

        torch.set_num_threads(1)  # one event is too little work for two threads; a busy core would slow both

        request = Request(
            event,
            strain=files or None,
            trigger_time=trigger,
            psd=spectra,
            settings=ReadSettings(channels, psd_analysis, offline),
            model=model,
            samples=samples,
            seed=seed,
            certify=certify,
            effective_samples=effective_samples,
            budget=budget,
            options=option.make_data_options(
                detectors=detectors,
                duration=duration,
                f_min=f_min,
                f_max=f_max,
                high_pass=high_pass,
                window_roll_off=window_roll_off,
                psd_method=psd_method,
                psd_length=psd_length,
            ),
            waveform=option.make_waveform_options(approximant, f_ref, waveform_argument),
            prior=prior,
            workers=cores or free_cores(),
            systematics=option.make_systematics(
                calibration_envelope, calibration_correction_type, psd_uncertainty, certify_psd
            ),
        )
        drawing = FigureDrawing(executor, others, others_name)
        with show_stages() as enter_stage:
            result, written = write_analysis(request, drawing, folder, enter_stage)
        _show(result, folder, written, json=json)
    if result.trust.grade is Grade.REFUSE:
        raise UntrustedError(f"{'; '.join(result.trust.reasons)}: the files in {folder} say so too")


def check_options(samples: int, effective_samples: int | None, budget: float | None, prior: str | None) -> None:
    """Refuses numbers out of range and unknown priors by the names of their options, before anything is loaded."""
    check_integer("--samples", samples, 1, MOST_SAMPLES, remedy="10000 are usual")
    if effective_samples is not None:
        check_integer("--effective-samples", effective_samples, 1, remedy="5000 are usual")
    if budget is not None:
        check_positive("--budget in seconds", budget, remedy="leave it out for no limit of time")
    if prior is not None and prior not in PRIORS and not os.path.lexists(prior):
        raise InputError(
            f"expected --prior {', '.join(PRIORS)} or a prior file of bilby; got {prior}, which is none of them: "
            "choose a preset or check the name of the file"
        )


def check_source(event: str | None, strain: list[str] | None, trigger: str | None) -> None:
    """Refuses strain that is incomplete, before anything is loaded."""
    if (event is None) == (not strain):
        raise InputError("expected an event or strain; got both or neither: give EVENT, or --strain with --trigger")
    if strain and trigger is None:
        raise InputError("expected the trigger time of the strain; got none: add --trigger GPS")


def _read_others(path: Path | None) -> "tuple[Mapping[str, NDArray[np.float64]], str]":
    """The samples to compare with and their name, with the verdict on them; none without a file."""
    if path is None:
        return {}, ""
    from chirpleaf.result.external import read_posterior, select_known

    found = read_posterior(path)
    return select_known(found), f"{path.name} ({found.trust.verdict})" if found.trust else path.name


def _show(result: "Posterior | LeafEstimates", folder: Path, written: "Sequence[Path]", *, json: bool) -> None:
    """Prints the table, or the summary as JSON."""
    from chirpleaf.cli.report import report

    if json:
        print_json({**result.summary_document(), "folder": str(folder), "files": [file.name for file in written]})
    else:
        console.print(report(result), highlight=False)
    finish_run(folder, written, quiet=json)
