"""`chirpleaf stream --replay H1=FILE --replay L1=FILE`: the network's answer for every second of strain."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chirpleaf.cli.completion import complete_detector_file, complete_model
from chirpleaf.cli.console import Json, console
from chirpleaf.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chirpleaf.inference.stream import StreamAnswer

Replay = Annotated[
    list[str] | None,
    typer.Option(
        metavar="H1=FILE",
        help="Strain of a detector that is played; again for each, and to join files.",
        autocompletion=complete_detector_file,
    ),
]
SHOWN = (("chirp_mass", 1), ("mass_1", 1), ("mass_2", 1), ("chi_eff", 2))
"""Parameters of a line, and their decimals."""


def stream(
    replay: Replay = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A shipped model or a model file; that of heavy binaries by default.", autocompletion=complete_model
        ),
    ] = None,
    speed: Annotated[
        str,
        typer.Option(metavar="NUMBER | max", help="Seconds of data in a second; 1 is real time, max does not wait."),
    ] = "max",
    channel: Annotated[
        list[str] | None, typer.Option(metavar="H1=NAME", help="Channel of a file that holds several.")
    ] = None,
    psd: Annotated[
        list[str] | None,
        typer.Option(
            metavar="H1=FILE", help="Noise spectrum; estimated by default.", autocompletion=complete_detector_file
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Play strain through a rolling buffer; print the network's posterior of every second. Nothing is certified."""
    from chirpleaf.cli.pairs import pair_detectors, pair_single
    from chirpleaf.system.threads import use_one_numpy_thread

    files, spectra = pair_detectors("--replay", replay), pair_single("--psd", psd)
    channels = pair_single("--channel", channel, "NAME")
    if not files:
        raise InputError("expected strain to play; got none: add --replay H1=FILE for each detector")
    pace = _parse_speed(speed)
    use_one_numpy_thread()
    import torch

    from chirpleaf.inference import load_candidates
    from chirpleaf.inference.sources import check_owners
    from chirpleaf.inference.stream import DEFAULTS, Stream
    from chirpleaf.inference.stream import replay as cut_steps
    from chirpleaf.physics.detectors import detector
    from chirpleaf.strain.psd_files import read_psd
    from chirpleaf.strain.readers import read

    torch.set_num_threads(1)
    own = load_candidates(model)[0].load()
    check_owners("channels", channels, files, "--replay")
    check_owners("power spectral densities", spectra, files, "--replay")
    for name in files:
        detector(name)  # refuses one that does not exist
    strain = {name: read(paths, name, channel=channels.get(name)) for name, paths in files.items()}
    running = Stream(own, DEFAULTS, {name: read_psd(path, name) for name, path in spectra.items()})
    answers: list[StreamAnswer] = []
    begin = time.perf_counter()
    for place, chunk in enumerate(cut_steps(strain, DEFAULTS.step)):
        if pace is not None:
            time.sleep(max(0.0, begin + (place + 1) * DEFAULTS.step / pace - time.perf_counter()))
        answer = running.push(chunk)
        if answer is not None:
            answers.append(answer)
            _show(answer, json=json)
        running.refresh()
    _finish(answers, time.perf_counter() - begin, json=json)


def _parse_speed(text: str) -> float | None:
    """Seconds of data in a second; None for no waiting."""
    from chirpleaf.cli.pairs import parse_number
    from chirpleaf.system.checks import check_positive

    return None if text == "max" else check_positive("--speed", parse_number("--speed", text), remedy="1 is real time")


def _show(answer: "StreamAnswer", *, json: bool) -> None:
    """Prints one answer."""
    if json:
        _print_line(_describe(answer))
        return
    time_ = f"GPS {answer.end_time:.1f}"
    if answer.reason:
        console.print(f"{time_}  no answer: {answer.reason}", highlight=False, markup=False, soft_wrap=True)
        return
    numbers = "  ".join(
        f"{name} {answer.posterior[name][0]:.{digits}f} ({answer.posterior[name][1]:.{digits}f} to "
        f"{answer.posterior[name][2]:.{digits}f})"
        for name, digits in SHOWN
        if name in answer.posterior
    )
    what = "network alone, not certified" if answer.audible else "no signal above noise"
    line = f"{time_}  SNR {answer.snr:4.1f}  {numbers}  {1000 * answer.latency:.0f} ms  {what}"
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _describe(answer: "StreamAnswer") -> dict[str, Any]:
    """One answer as JSON."""
    common = {"end_time": answer.end_time, "trigger_time": answer.trigger_time, "latency_s": answer.latency}
    if answer.reason:
        return {**common, "reason": answer.reason}
    parameters = {
        name: dict(zip(("median", "lower", "upper"), values, strict=True)) for name, values in answer.posterior.items()
    }
    return {
        **common,
        "reference_time": answer.reference_time,
        "snr": answer.snr,
        "snr_by_detector": dict(answer.snr_by_detector),
        "template_chirp_mass": answer.template_chirp_mass,
        "audible": answer.audible,
        "certified": False,
        "parameters": parameters,
    }


def _finish(steps: "Sequence[StreamAnswer]", seconds: float, *, json: bool) -> None:
    """Prints how long answers took, and for how many steps there is none."""
    import numpy as np

    from chirpleaf.inference.stream import DEFAULTS

    latencies = [step.latency for step in steps if not step.reason]
    if not steps:
        raise InputError(
            f"expected at least {DEFAULTS.first:g} s of strain that all detectors have; got less: play longer ones, or "
            "use `chirpleaf infer`"
        )
    if not latencies:
        raise InputError(
            f"expected strain that allows an answer; got {len(steps)} s without one, first because: {steps[0].reason}"
        )
    unanswered = len(steps) - len(latencies)
    p50, p99 = np.quantile(latencies, (0.5, 0.99))
    if json:
        times = {"p50_s": float(p50), "p99_s": float(p99), "seconds": seconds}
        _print_line({"summary": {"answers": len(latencies), "unanswered": unanswered, **times}})
        return
    without = f", {unanswered} s without one" if unanswered else ""
    console.print(
        f"{len(latencies)} answers{without}; latency p50 {1000 * p50:.0f} ms, p99 {1000 * p99:.0f} ms; {seconds:.1f} s "
        "in all. Certify a candidate by `chirpleaf infer`.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _print_line(document: dict[str, Any]) -> None:
    """Prints a document on one line."""
    from json import dumps

    console.out(dumps(document, allow_nan=False), highlight=False)
