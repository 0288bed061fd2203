"""Analysis of GW150914 with bilby and dynesty for comparison; sampling takes hours.

    python benchmarks/bilby_dynesty.py GW150914_fd.npz --calls 2000            # time the likelihood only
    python benchmarks/bilby_dynesty.py GW150914_fd.npz --sample out/bilby      # run the sampler

Data, waveform (IMRPhenomD) and priors are the same as in `certify_reference.py`.
"""

import argparse
import logging
import time
from pathlib import Path

import bilby
import numpy as np

LOGGER = logging.getLogger("bilby_dynesty")


def likelihood(path: Path) -> tuple[bilby.gw.likelihood.GravitationalWaveTransient, bilby.gw.prior.BBHPriorDict]:
    """Make bilby's likelihood (without marginalisation) of the stored data, and the priors."""
    with np.load(path) as stored:
        data = {name: stored[name] for name in stored.files}
    start, trigger = float(data["tstart"]), float(data["t0"])
    interferometers = bilby.gw.detector.InterferometerList(["H1", "L1"])
    for one in interferometers:
        one.minimum_frequency, one.maximum_frequency = 20.0, 1024.0
        one.set_strain_data_from_frequency_domain_strain(
            data[f"h_{one.name}"], frequency_array=data["f"], start_time=start
        )
        one.power_spectral_density = bilby.gw.detector.PowerSpectralDensity(
            frequency_array=data["f"], psd_array=data[f"psd_{one.name}"]
        )
    generator = bilby.gw.WaveformGenerator(
        duration=4.0,
        sampling_frequency=2 * data["f"][-1],
        start_time=start,
        frequency_domain_source_model=bilby.gw.source.lal_binary_black_hole,
        waveform_arguments={
            "waveform_approximant": "IMRPhenomD", "reference_frequency": 20.0, "minimum_frequency": 20.0,
        },
    )  # fmt: skip
    priors = bilby.gw.prior.BBHPriorDict(
        {
            "chirp_mass": bilby.gw.prior.UniformInComponentsChirpMass(10.0, 100.0, name="chirp_mass"),
            "mass_ratio": bilby.gw.prior.UniformInComponentsMassRatio(0.125, 1.0, name="mass_ratio"),
            "chi_1": bilby.core.prior.Uniform(-0.99, 0.99, name="chi_1"),
            "chi_2": bilby.core.prior.Uniform(-0.99, 0.99, name="chi_2"),
            "luminosity_distance": bilby.core.prior.PowerLaw(2.0, 100.0, 3000.0, name="luminosity_distance"),
            "ra": bilby.core.prior.Uniform(0.0, 2 * np.pi, name="ra", boundary="periodic"),
            "dec": bilby.core.prior.Cosine(name="dec"),
            "theta_jn": bilby.core.prior.Sine(name="theta_jn"),
            "psi": bilby.core.prior.Uniform(0.0, np.pi, name="psi", boundary="periodic"),
            "phase": bilby.core.prior.Uniform(0.0, 2 * np.pi, name="phase", boundary="periodic"),
            "geocent_time": bilby.core.prior.Uniform(trigger - 0.1, trigger + 0.1, name="geocent_time"),
        }
    )
    return bilby.gw.likelihood.GravitationalWaveTransient(interferometers, generator, priors=priors), priors


def main() -> None:
    """Time the likelihood, and run the sampler if requested."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--sample", type=Path)
    arguments = parser.parse_args()
    target, priors = likelihood(arguments.data)
    draws = [priors.sample() for _ in range(arguments.calls)]
    start = time.perf_counter()
    for parameters in draws:
        target.log_likelihood_ratio(parameters)
    LOGGER.info(f"{1e3 * (time.perf_counter() - start) / len(draws):.3f} ms per call of the likelihood")
    if arguments.sample:
        result = bilby.run_sampler(target, priors, sampler="dynesty", nlive=1000, outdir=str(arguments.sample))
        LOGGER.info(f"ln Bayes factor {result.log_bayes_factor:.2f} +- {result.log_evidence_err:.2f}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
