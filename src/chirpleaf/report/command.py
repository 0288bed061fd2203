"""The command that makes a result again, from its recipe.

It names every choice that differs from the defaults of the present version. `chirpleaf verify` compares its result.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path

from chirpleaf.inference.options import DEFAULT_DATA, DEFAULT_WAVEFORMS
from chirpleaf.result.recipe import Recipe

_PLAIN = {
    "trigger_time": "--trigger",
    "psd_analysis": "--psd-analysis",
    "model": "--model",
    "duration": "--duration",
    "f_max": "--f-max",
    "approximant": "--approximant",
    "prior": "--prior",
    "effective_samples": "--effective-samples",
    "budget": "--budget",
}
"""Attributes of a recipe that are None by default, and their options."""


def write_command(recipe: Recipe, folder: str | Path | None = None) -> str:
    """The command line of `chirpleaf infer` for a recipe.

    Args:
        recipe: how the result was made.
        folder: folder of the results; the default of the command if None.

    Returns:
        One line; names with spaces are quoted as a shell reads them.

    Example:
        >>> write_command(
        ...     Recipe(
        ...         "GW150914", None, 10000, 1, high_pass=15.0, roll_off=1.0, psd_method="regularised", psd_length=256.0
        ...     )
        ... )
        'chirpleaf infer GW150914 --samples 10000 --seed 1'
    """
    words = ["chirpleaf", "infer", *([recipe.event] if recipe.event else []), *_list_options(recipe)]
    return shlex.join([*words, *(["--out", str(folder)] if folder else [])])


def _list_options(recipe: Recipe) -> Iterator[str]:
    """The options, each followed by its value."""
    yield from _list_files(recipe)
    for name, option in _PLAIN.items():
        value = getattr(recipe, name)
        if value is not None:
            yield from (option, _text(value))
    yield from ("--samples", str(recipe.samples), "--seed", str(recipe.seed))
    if recipe.certify is not None:
        yield "--certify" if recipe.certify else "--no-certify"
    if recipe.detectors is not None:
        yield from ("--detectors", ",".join(recipe.detectors))
    if recipe.psd_uncertainty:
        yield "--psd-uncertainty"
    yield from _list_data_options(recipe)
    for argument in recipe.waveform_arguments:
        yield from ("--waveform-argument", argument)
    if recipe.workers != 1:
        yield from ("--cores", str(recipe.workers))


def _list_files(recipe: Recipe) -> Iterator[str]:
    """The options that name files and channels of detectors."""
    for detector, files in recipe.strain.items():
        for file in files:
            yield from ("--strain", f"{detector}={file}")
    pairs = {
        "--psd": recipe.psd,
        "--channel": recipe.channel,
        "--calibration-envelope": recipe.calibration,
        "--certify-psd": recipe.certify_psd,
    }
    for option, mapping in pairs.items():
        for detector, value in mapping.items():
            yield from (option, f"{detector}={value}")
    if recipe.calibration:
        yield from ("--calibration-correction-type", recipe.calibration_correction)


def _list_data_options(recipe: Recipe) -> Iterator[str]:
    """The options of the data that differ from the defaults."""
    lowest = recipe.f_min
    if isinstance(lowest, int | float):
        yield from ("--f-min", _text(lowest))
    elif lowest is not None:
        for detector, value in lowest.items():
            yield from ("--f-min", f"{detector}={_text(value)}")
    conditioning, spectrum = DEFAULT_DATA.conditioning, DEFAULT_DATA.spectrum
    if recipe.high_pass != conditioning.high_pass:
        yield from ("--high-pass", "none" if recipe.high_pass is None else _text(recipe.high_pass))
    choices: tuple[tuple[str, float | str, float | str], ...] = (
        ("--window-roll-off", recipe.roll_off, conditioning.roll_off),
        ("--psd-method", recipe.psd_method, spectrum.method),
        ("--psd-length", recipe.psd_length, spectrum.length),
        ("--f-ref", recipe.f_ref, DEFAULT_WAVEFORMS.f_ref),
    )
    for option, chosen, default in choices:
        if chosen != default:
            yield from (option, _text(chosen))


def _text(value: float | str) -> str:
    """A value as the command line reads it; whole numbers without a decimal point."""
    return f"{value:.17g}" if isinstance(value, float) and value.is_integer() else str(value)
