"""`chirpleaf evaluate MODEL --injections N --out DIR`."""

from pathlib import Path
from typing import Annotated

import typer

from chirpleaf.cli.completion import complete_detector, complete_model
from chirpleaf.cli.console import Json, console, errors, finish_run, print_json
from chirpleaf.system.defaults import EVALUATION_SAMPLES


def evaluate(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A shipped model or a model file.", autocompletion=complete_model)],
    out: Annotated[Path, typer.Option(help="Folder of evaluation.json and the figures.")],
    injections: Annotated[int, typer.Option(min=2, help="Number of simulated events.")] = 1000,
    samples: Annotated[int, typer.Option(min=100, help="Posterior samples for each event.")] = EVALUATION_SAMPLES,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Seed of the events and of the samples.")] = 0,
    psd_file: Annotated[
        Path | None,
        typer.Option(help="Measured noise spectra (HDF5, EVENT/DETECTOR); by default those of the simulator."),
    ] = None,
    detectors: Annotated[
        list[str] | None,
        typer.Option(
            metavar="H1",
            help="Detector of the events, repeatable; all of the model's by default.",
            autocompletion=complete_detector,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")] = False,
    as_json: Json = False,
) -> None:
    """Calibration and errors of a model on simulated events."""
    import json
    from functools import partial
    from importlib.metadata import version

    from chirpleaf.system.threads import use_one_numpy_thread

    use_one_numpy_thread()

    import torch
    from rich.progress import track

    from chirpleaf.system.claims import claim_folder

    context.with_resource(claim_folder(out, overwrite=overwrite))

    from chirpleaf.cli.evaluation import draw_evaluation, make_evaluation_table
    from chirpleaf.cli.pairs import list_detectors
    from chirpleaf.diagnostics import evaluation as diagnostics
    from chirpleaf.errors import InputError
    from chirpleaf.models import load_model
    from chirpleaf.report.pictures import Writer, figure_writers
    from chirpleaf.strain.noise import MeasuredNoise
    from chirpleaf.system.files import write_files

    if psd_file is not None and not psd_file.is_file():
        raise InputError(f"expected a file of measured noise spectra; got no file {psd_file}: check --psd-file")
    torch.set_num_threads(1)  # one event at a time is too little work for two threads
    asked = list_detectors("--detectors", detectors)
    loaded = load_model(model)
    stray = [name for name in asked if name not in loaded.detectors]
    if stray:
        raise InputError(f"expected detectors among {', '.join(loaded.detectors)}; got {stray[0]}: leave it out")
    names = loaded.select_detectors(asked or loaded.detectors, "--detectors {}")
    noise = None if psd_file is None else MeasuredNoise(psd_file)
    show = partial(track, description="injections", console=errors, transient=True, disable=not errors.is_terminal)
    evaluation = diagnostics.evaluate(
        loaded, injections, seed=seed, samples=samples, noise=noise, detectors=names, track=show
    )
    origin = {
        "model": loaded.name,
        "detectors": list(names),
        "data_sha256": loaded.provenance.get("data_sha256", ""),
        "seed": seed,
        "samples": samples,
        "spectra": "simulator" if psd_file is None else psd_file.name,
        "chirpleaf_version": version("chirpleaf"),
    }
    content = {**origin, **evaluation.to_json()}
    document = json.dumps(content, indent=2) + "\n"
    writers: dict[str, Writer] = {
        "evaluation.json": lambda scratch: scratch.write_text(document),
        **figure_writers(draw_evaluation(evaluation)),
    }
    written = write_files(writers, out)
    if as_json:
        print_json(content)
    else:
        console.print(make_evaluation_table(evaluation, loaded.name), highlight=False)
    finish_run(out, written, quiet=as_json)
