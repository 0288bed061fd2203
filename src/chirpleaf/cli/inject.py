"""`chirpleaf inject PARAMETERS --out DIR`."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chirpleaf.cli.completion import complete_approximant, complete_choice, complete_detector, complete_detector_file
from chirpleaf.cli.console import console, errors, finish_run, is_given
from chirpleaf.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FAINT = 4.0
"""Network signal-to-noise ratio below which a line says that noise hides the signal. A larger one would warn of signals
that are injected to study where detection ends."""

NOISES = ("O1", "O2", "O3", "O4", "design", "zero")
"""Noise that can be simulated."""


def inject(
    context: typer.Context,
    parameters: Annotated[
        Path, typer.Argument(help="Parameters of the binary, JSON or YAML, or an injection file of bilby.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the strain files and injection.json.")],
    detector: Annotated[
        list[str] | None,
        typer.Option(metavar="H1", help="Detector, repeatable; H1 and L1.", autocompletion=complete_detector),
    ] = None,
    strain: Annotated[
        list[str] | None,
        typer.Option(
            metavar="H1=FILE",
            help="Recorded noise, instead of simulated; repeatable.",
            autocompletion=complete_detector_file,
        ),
    ] = None,
    noise: Annotated[
        str,
        typer.Option(help="Simulated noise: O1, O2, O3, O4, design or zero.", autocompletion=complete_choice(*NOISES)),
    ] = "design",
    duration: Annotated[int, typer.Option(help="Length of simulated strain, s.")] = 128,
    sample_rate: Annotated[int, typer.Option(help="Sampling rate of simulated strain, Hz.")] = 4096,
    approximant: Annotated[
        str, typer.Option(help="Waveform model.", autocompletion=complete_approximant)
    ] = "IMRPhenomXAS",
    f_ref: Annotated[float, typer.Option(help="Reference frequency of spins and phase, Hz.")] = 20.0,
    index: Annotated[int, typer.Option(min=0, help="Which injection of a file with several.")] = 0,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Seed of the noise.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Put a known signal into simulated or recorded noise, as GWOSC HDF5 that infer reads."""
    from functools import partial

    from chirpleaf.cli.pairs import list_detectors, pair_single
    from chirpleaf.system.folders import check_folder, new_folder
    from chirpleaf.system.limits import LIMITS, find_fault
    from chirpleaf.system.threads import use_one_numpy_thread

    if noise not in NOISES:
        raise InputError(f"expected --noise among {', '.join(NOISES)}; got {noise!r}: choose one")
    if fault := find_fault(parameters, LIMITS.document_bytes):
        raise InputError(f"expected a file of parameters; got {parameters}, which {fault}: check the path")
    check_folder(out, overwrite=overwrite)
    files = pair_single("--strain", strain)
    names = list_detectors("--detector", detector) or tuple(files) or ("H1", "L1")
    _check_noise(context, names, files, noise)
    use_one_numpy_thread()

    import numpy as np

    from chirpleaf.diagnostics.binary_checks import check_signal
    from chirpleaf.diagnostics.binary_files import BinaryFile
    from chirpleaf.diagnostics.strain_injection import StrainSettings, add_signal, measure_signal, simulate_noise
    from chirpleaf.physics.approximants import resolve_approximant
    from chirpleaf.physics.waveform_settings import WaveformSettings
    from chirpleaf.result.json_files import write_json
    from chirpleaf.strain.readers import read as read_strain
    from chirpleaf.strain.writing import write_gwosc
    from chirpleaf.system.files import write_files

    waveform = WaveformSettings(approximant, f_ref)
    given = BinaryFile.read(parameters)
    binary = given.select(index)
    check_signal(binary, waveform.reference_frequency)
    stated = given.approximant(index)
    if stated is not None and resolve_approximant(stated) != resolve_approximant(approximant):
        raise InputError(
            f"expected the approximant of the file, {stated}; got {approximant}: add --approximant {stated}"
        )
    if files:
        background = {name: read_strain(files[name], name) for name in names}
    else:
        settings = StrainSettings(duration, sample_rate, noise)
        background = simulate_noise(names, binary["geocent_time"], settings, np.random.default_rng(seed))
    data = add_signal(background, binary, waveform)
    ratios = measure_signal(background, data) if files or noise != "zero" else {}
    description = f"injection, {approximant}, in {'recorded' if files else noise} noise, seed {seed}"
    document = {"injections": {"__dataframe__": True, "content": {name: [value] for name, value in binary.items()}}}
    new_folder(out, overwrite=overwrite)
    writers = {f"{name}.hdf5": partial(write_gwosc, one, description=description) for name, one in data.items()}
    written = write_files({**writers, "injection.json": partial(write_json, lambda: document, indented=True)}, out)
    finish_run(out, written)
    _show_ratios(ratios)
    arguments = " ".join(f"--strain {name}={out / f'{name}.hdf5'}" for name in data)
    trigger = f"--trigger {binary['geocent_time']}"
    console.print(f"next: chirpleaf infer {arguments} {trigger}", highlight=False, markup=False, soft_wrap=True)


def _show_ratios(ratios: "Mapping[str, float]") -> None:
    """Prints the signal-to-noise ratio, and whether noise hides the signal; nothing without noise."""
    if not ratios:
        return
    network = math.hypot(*ratios.values())
    each = ", ".join(f"{name} {ratio:.2g}" for name, ratio in ratios.items())
    console.print(f"optimal signal-to-noise ratio {network:.2g} ({each})", highlight=False, markup=False)
    if network < FAINT:
        text = f"the noise hides this signal: from {FAINT:g} on it may be found; lower luminosity_distance"
        errors.print(text, highlight=False, markup=False, soft_wrap=True)


def _check_noise(context: typer.Context, names: "Sequence[str]", files: "Mapping[str, str]", noise: str) -> None:
    """Refuses recorded noise of other detectors, and options that the noise has no use for."""
    if not files:
        if noise == "zero" and is_given(context, "seed"):
            raise InputError("expected --seed for random noise; got --noise zero, which has none: leave one out")
        return
    if set(names) != set(files):
        raise InputError(f"expected --strain for each --detector; got {', '.join(files)}: name the same detectors")
    for name in ("noise", "duration", "sample_rate", "seed"):
        if is_given(context, name):
            raise InputError(
                f"expected --{name.replace('_', '-')} for simulated noise; got recorded noise by --strain, which has "
                "its own: leave one out"
            )
