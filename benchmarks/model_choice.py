"""Choice between models: which templates of a model of heavy binaries fit signals of light ones.

    OMP_NUM_THREADS=1 python benchmarks/model_choice.py --heavy bbh --light bbh-long --injections 400

Signals from the prior of the light model, below the chirp masses of the heavy one, in noise of the ensemble, are
observed with the heavy model. Logs quantiles of the chirp mass of the best template over the least one of the heavy
model for audible signals; the number of loud signals for which the heavy model is chosen; and, above some limits of the
chirp mass, the number of signals and the largest share of the true signal-to-noise ratio that such templates collect
from loud signals (`inference.observe.ChoiceSettings`).
"""

import argparse
import logging
from dataclasses import replace

import numpy as np
import torch

from chirpleaf.diagnostics.injections import inject
from chirpleaf.inference.observe import DEFAULTS, choose_model, observe
from chirpleaf.models import Model, load_model
from chirpleaf.strain import PowerSpectralDensity, Strain
from chirpleaf.strain.noise import EnsembleNoise
from chirpleaf.strain.segment import Segment

LOGGER = logging.getLogger("model_choice")
RATE = 4096.0
LOUD = 26.0
"""True signal-to-noise ratio from which on noise hardly adds to that of a template."""
START = 1_000_000_000.0


def make_strain(segment: Segment) -> tuple[dict[str, Strain], dict[str, PowerSpectralDensity], float]:
    """Strain in the time domain of a simulated segment, its spectra, and the trigger time."""
    n = round(segment.duration * RATE)
    spectrum = np.zeros((len(segment.detectors), n // 2 + 1), dtype=np.complex128)
    places = np.rint(segment.frequencies * segment.duration).astype(int)
    before = segment.duration - 2.0
    spectrum[:, places] = segment.strain * np.exp(-2j * np.pi * segment.frequencies * before)
    series = np.fft.irfft(spectrum, n=n) * RATE
    names = segment.detectors
    strain = {name: Strain(name, values, START, RATE) for name, values in zip(names, series, strict=True)}
    frequencies = np.append(segment.frequencies, RATE / 2)  # the grids of two models do not end at the same frequency
    spectra = {
        name: PowerSpectralDensity(frequencies, np.append(psd, psd[-1]))
        for name, psd in zip(names, segment.psd, strict=True)
    }
    return strain, spectra, START + before


def measure(
    heavy: Model, light: Model, rng: np.random.Generator, detectors: tuple[str, ...]
) -> tuple[float, float, float, bool]:
    """Found and true ratio, relative chirp mass of the best template, and whether the light model is not chosen."""
    lightest, _ = heavy.architecture.prior.chirp_mass_range
    below = replace(light.architecture.prior, chirp_mass_max=lightest)
    event = inject(light, EnsembleNoise(), rng, prior=below, detectors=detectors)
    strain = make_strain(event.segment)
    found, chosen = observe(heavy, *strain), choose_model([heavy, light], *strain)
    return found.snr, event.snr, found.chirp_mass / lightest, chosen.model.name != light.name


def main() -> None:
    """Simulate, observe and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heavy", default="bbh")
    parser.add_argument("--light", default="bbh-long")
    parser.add_argument("--injections", type=int, default=400)
    parser.add_argument("--detectors", nargs="+", default=["H1", "L1"])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    heavy, light = load_model(arguments.heavy), load_model(arguments.light)
    rng = np.random.default_rng(arguments.seed)
    rows = [measure(heavy, light, rng, tuple(arguments.detectors)) for _ in range(arguments.injections)]
    snr, true, ratio, heavier = np.array(rows).T
    audible = snr > DEFAULTS.audible_snr
    quantiles = np.round(np.quantile(ratio[audible], [0.5, 0.9, 0.99, 1.0]), 3)
    missed = heavier.astype(bool) & (true > LOUD)
    LOGGER.info(
        f"the heavy model is chosen for {missed.sum()} of {(true > LOUD).sum()} loud ones: {true[missed].round(1)}"
    )
    LOGGER.info("%d of %d are audible; quantiles 0.5, 0.9, 0.99, 1: %s", audible.sum(), len(snr), quantiles.tolist())
    for limit in (7 / 6, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0):
        beyond = audible & (ratio > limit)
        loud = (snr / true)[beyond & (true > LOUD)]
        share = f"{loud.max():.2f}" if len(loud) else "no signal"
        LOGGER.info(
            f"above {limit:.2f}: {beyond.sum()} audible; at most {share} of the true ratio of {len(loud)} loud ones"
        )


if __name__ == "__main__":
    main()
