"""GW150914 by cogwheel and by chirpleaf: effective samples in a second of one core, with IMRPhenomXPHM.

    OMP_NUM_THREADS=1 python benchmarks/cogwheel_beside.py GW150914_fd.npz --out out/cogwheel
    OMP_NUM_THREADS=1 python benchmarks/cogwheel_beside.py GW150914_fd.npz --out out/cogwheel --calls 200

The file is that of `precessing_reference.py`: strain and noise of the reference analysis. cogwheel 1.6.0
(arXiv:2404.02435) needs other packages than chirpleaf, so the script makes an environment of its own in `OUT`,
by venv and pip from the network, and runs itself in it: a posterior of fifteen parameters, of which cogwheel
marginalises the extrinsic ones, sampled by nautilus. `--calls N` computes N marginal likelihoods in place of sampling,
as a trial. chirpleaf then certifies the event twice in this process, and the second, warm answer counts. Both are told
to use one core; the rate is that of processor time.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

import numpy as np

LOGGER = logging.getLogger("cogwheel_beside")
PACKAGE = "cogwheel-pe==1.6.0"
PRIOR = "CartesianIntrinsicIASPrior"
APPROXIMANT, CHIRP_MASS = "IMRPhenomXPHM", 30.0


def make_environment(folder: Path) -> Path:
    """The interpreter of an environment with cogwheel, which is made once."""
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE], check=True)
        (folder / "complete").touch()
    return python


def count_effective(weight: np.ndarray) -> float:
    """Effective sample size of weights."""
    return float(weight.sum() ** 2 / np.square(weight).sum())


def read_event(path: Path) -> Any:
    """The data as cogwheel takes them: frequencies from zero, whitening filter, time of the event in the segment."""
    from cogwheel.data import EventData, highpass_filter

    with np.load(path) as stored:
        frequencies = stored["f"]
        inside = frequencies <= 1024.0
        strain, psd = (np.stack([stored[f"{kind}_{name}"][inside] for name in ("H1", "L1")]) for kind in ("h", "psd"))
        start, trigger = float(stored["tstart"]), float(stored["t0"])
    frequencies = frequencies[inside]
    whitening = highpass_filter(frequencies, 20.0, 1.0) / np.sqrt(psd)
    return EventData("GW150914", frequencies, strain, whitening, "HL", trigger, trigger - start)


def run_cogwheel(options: argparse.Namespace) -> dict[str, float]:
    """Inside the environment: sample, or compute some likelihoods; processor time and effective samples."""
    from cogwheel import sampling
    from cogwheel.posterior import Posterior

    begun = time.process_time()
    posterior = Posterior.from_event(read_event(options.data), CHIRP_MASS, APPROXIMANT, PRIOR)
    prepared = time.process_time()
    if options.calls:
        place = posterior.prior.inverse_transform(**posterior.likelihood.par_dic_0)
        some = {name: place[name] for name in posterior.prior.sampled_params}
        values = [posterior.lnposterior(**some) for _ in range(options.calls)]
        seconds = time.process_time() - prepared
        return {"preparation": prepared - begun, "per_call": seconds / options.calls, "log_posterior": max(values)}
    sampler = sampling.Nautilus(posterior, run_kwargs={"n_live": options.live, "seed": 0})
    folder = sampler.get_rundir(str(options.out))
    sampler.run(folder)
    weight = np.exp(sampler.sampler.posterior()[1])
    spent = time.process_time() - begun
    return {"seconds": spent, "effective": count_effective(weight), "log_evidence": float(sampler.sampler.log_z)}


def run_chirpleaf(effective: int) -> dict[str, float]:
    """The second of two certified answers in this process."""
    import torch

    import chirpleaf
    from chirpleaf.result import Posterior

    torch.set_num_threads(1)
    for _ in range(2):
        begun = time.process_time()
        found = chirpleaf.infer("GW150914", approximant=APPROXIMANT, effective_samples=effective)
    assert isinstance(found, Posterior)
    certificate = found.certificate
    assert certificate is not None
    return {
        "seconds": time.process_time() - begun,
        "effective": certificate.effective_samples,
        "log_bayes_factor": certificate.log_bayes_factor,
    }


def main() -> None:
    """Run both, and print the ratio of their rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--live", type=int, default=1000, help="live points of nautilus")
    parser.add_argument("--calls", type=int, default=0, help="compute some likelihoods only")
    parser.add_argument("--effective-samples", type=int, default=9000)
    parser.add_argument("--inside", action="store_true", help="used by the script itself")
    options = parser.parse_args()
    result = options.out / ("calls.json" if options.calls else "cogwheel.json")
    if options.inside:
        result.write_text(json.dumps(run_cogwheel(options)))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    python = make_environment(options.out / "environment")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([python, *sys.argv, "--inside"], check=True, env=environment)
    theirs = json.loads(result.read_text())
    LOGGER.info(f"cogwheel: {theirs}")
    if options.calls:
        return
    ours = run_chirpleaf(options.effective_samples)
    LOGGER.info(f"chirpleaf: {ours}")
    rates = [one["effective"] / one["seconds"] for one in (ours, theirs)]
    LOGGER.info(
        f"effective samples in a second of one core: chirpleaf {rates[0]:.1f}, cogwheel {rates[1]:.1f}: "
        f"{rates[0] / rates[1]:.1f} times as many"
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
