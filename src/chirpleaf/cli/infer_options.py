"""Options of `chirpleaf infer`: their types, by the names of its arguments, and the settings that they stand for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chirpleaf.cli.completion import (
    complete_approximant,
    complete_choice,
    complete_detector_file,
    complete_detectors,
    complete_event,
    complete_model,
    complete_prior,
)
from chirpleaf.cli.pairs import detector_numbers, list_detectors, named_values, pair_single, parse_number
from chirpleaf.errors import InputError

if TYPE_CHECKING:
    from chirpleaf.inference.options import DataOptions, WaveformOptions
    from chirpleaf.inference.systematics.options import Systematics

Event = Annotated[
    str | None,
    typer.Argument(
        help="An embedded event, one of the open catalogues, or a GPS time of open data.", autocompletion=complete_event
    ),
]
StrainFiles = Annotated[
    list[str] | None,
    typer.Option(
        metavar="H1=FILE",
        help="Strain of a detector (HDF5, GWF or text); again for each, and for files to join.",
        autocompletion=complete_detector_file,
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
    typer.Option(
        metavar="H1=FILE",
        help="Noise spectrum of a detector; estimated from the strain by default.",
        autocompletion=complete_detector_file,
    ),
]
PsdAnalysis = Annotated[
    str | None, typer.Option(metavar="LABEL", help="Analysis in a PESummary release that holds several spectra.")
]
ModelName = Annotated[
    str | None,
    typer.Option(help="A shipped model or a model file; by default chosen by the data.", autocompletion=complete_model),
]
Samples = Annotated[int, typer.Option(help="How many samples.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the samples.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the results, by default out/EVENT.")]
Offline = Annotated[bool, typer.Option("--offline", help="Take open data from the cache alone; never ask the network.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")]
Compare = Annotated[
    Path | None,
    typer.Option(help="Other samples of the event for the report: of chirpleaf, bilby, PESummary or GWOSC."),
]
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
    typer.Option(
        metavar="SECONDS",
        help="Seconds of the analysis after which it draws no more samples; the checks follow. No limit by default.",
    ),
]
Approximant = Annotated[
    str | None,
    typer.Option(
        help="Waveform model of the likelihood; the network's by default. One that precesses chooses such a network.",
        autocompletion=complete_approximant,
    ),
]
PriorName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="isotropic (that of the catalogues, the default), uniform, model, standard, comoving, or a file of bilby.",
        autocompletion=complete_prior,
    ),
]
Cores = Annotated[
    int | None, typer.Option(min=1, help="Cores for waveforms with higher modes; the free ones by default.")
]

Detectors = Annotated[
    list[str] | None,
    typer.Option(
        metavar="H1,L1",
        help="Detectors that are used, repeatable; all with strain by default.",
        autocompletion=complete_detectors,
    ),
]
Duration = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Segment of the likelihood; it ends 2 s after the trigger.")
]
LowestFrequency = Annotated[
    list[str] | None,
    typer.Option("--f-min", metavar="HZ | H1=HZ", help="Lowest frequency of the likelihood, of all or of a detector."),
]
HighestFrequency = Annotated[
    float | None, typer.Option("--f-max", metavar="HZ", help="Highest frequency of the likelihood.")
]
ReferenceFrequency = Annotated[
    float | None, typer.Option("--f-ref", metavar="HZ", help="Reference frequency of the waveforms; 20 by default.")
]
HighPass = Annotated[
    str | None, typer.Option(metavar="HZ | none", help="Corner of the high-pass filter of the strain.")
]
WindowRollOff = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Length of each roll-off of the window (Tukey).")
]
PsdMethod = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Estimate of noise spectra: regularised or median (Welch).",
        autocompletion=complete_choice("regularised", "median"),
    ),
]
PsdLength = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Longest strain that noise spectra are estimated from.")
]
WaveformArguments = Annotated[
    list[str] | None,
    typer.Option(
        "--waveform-argument",
        metavar="NAME=VALUE",
        help="Argument of LALSimulation, such as PhenomXPrecVersion=104 or ModeArray='2,2 3,3'; repeatable.",
    ),
]


CalibrationEnvelopes = Annotated[
    list[str] | None,
    typer.Option(
        "--calibration-envelope",
        metavar="H1=FILE",
        help="Marginalise the calibration of a detector: its envelope, text of seven columns.",
        autocompletion=complete_detector_file,
    ),
]
CalibrationCorrection = Annotated[
    str | None,
    typer.Option(
        "--calibration-correction-type",
        metavar="NAME",
        help="What envelopes correct: data (those of the observatories, the default) or template.",
        autocompletion=complete_choice("data", "template"),
    ),
]
PsdUncertainty = Annotated[
    bool, typer.Option("--psd-uncertainty", help="Marginalise the uncertainty of estimated noise spectra.")
]
CertifySpectra = Annotated[
    list[str] | None,
    typer.Option(
        "--certify-psd",
        metavar="H1=FILE",
        help="Noise spectrum of a detector for the likelihood alone; the network sees that of --psd or the estimate.",
        autocompletion=complete_detector_file,
    ),
]


def parse_detectors(texts: Sequence[str] | None) -> tuple[str, ...] | None:
    """Names of detectors from `--detectors`, in any case.

    Args:
        texts: names with commas between them; None for all.

    Raises:
        InputError: a name is empty, or given twice.
    """
    return list_detectors("--detectors", [name for text in texts for name in text.split(",")]) if texts else None


def make_data_options(
    *,
    detectors: Sequence[str] | None = None,
    duration: float | None = None,
    f_min: Sequence[str] | None = None,
    f_max: float | None = None,
    high_pass: str | None = None,
    window_roll_off: float | None = None,
    psd_method: str | None = None,
    psd_length: float | None = None,
) -> "DataOptions":
    """The data of the likelihood.

    Raises:
        InputError: an option is out of range.
    """
    from chirpleaf.inference.options import DEFAULT_DATA
    from chirpleaf.inference.sources import name_detectors
    from chirpleaf.strain.noise_spectrum import parse_method

    conditioning, spectrum = DEFAULT_DATA.conditioning, DEFAULT_DATA.spectrum
    if high_pass is not None:
        corner = None if high_pass == "none" else parse_number("--high-pass", high_pass)
        conditioning = replace(conditioning, high_pass=corner)
    if window_roll_off is not None:
        conditioning = replace(conditioning, roll_off=window_roll_off)
    if psd_method is not None:
        spectrum = replace(spectrum, method=parse_method(psd_method))
    if psd_length is not None:
        spectrum = replace(spectrum, length=psd_length)
    lowest = detector_numbers("--f-min", f_min)
    if isinstance(lowest, dict):
        lowest = name_detectors(lowest, "lowest frequency")
    return replace(
        DEFAULT_DATA,
        detectors=parse_detectors(detectors),
        duration=duration,
        f_min=lowest,
        f_max=f_max,
        conditioning=conditioning,
        spectrum=spectrum,
    )


def make_systematics(
    envelopes: Sequence[str] | None, correction: str | None, psd_uncertainty: bool, psd: Sequence[str] | None
) -> "Systematics":
    """The systematic uncertainties.

    Raises:
        InputError: a value cannot be used.
    """
    from chirpleaf.inference.systematics.options import NO_SYSTEMATICS, Systematics
    from chirpleaf.strain.calibration import parse_correction_type

    if correction is not None and not envelopes:
        raise InputError(
            "expected --calibration-envelope with --calibration-correction-type; got no envelope: add "
            "--calibration-envelope DETECTOR=FILE"
        )
    return Systematics(
        pair_single("--calibration-envelope", envelopes),
        NO_SYSTEMATICS.correction if correction is None else parse_correction_type(correction),
        psd_uncertainty,
        pair_single("--certify-psd", psd),
    )


def make_waveform_options(
    approximant: str | None, f_ref: float | None, arguments: Sequence[str] | None
) -> "WaveformOptions":
    """The waveforms of the likelihood.

    Raises:
        InputError: a name or value cannot be used.
    """
    from chirpleaf.inference.options import DEFAULT_WAVEFORMS
    from chirpleaf.physics.waveform_settings import parse_arguments

    return replace(
        DEFAULT_WAVEFORMS,
        approximant=approximant,
        f_ref=DEFAULT_WAVEFORMS.f_ref if f_ref is None else f_ref,
        arguments=parse_arguments(named_values("--waveform-argument", arguments)),
    )
