"""Checks that PESummary reads chirpleaf's files: written by one environment, read by another (`make pesummary`).

    python scripts/check_pesummary.py write DIR     # where chirpleaf is
    python scripts/check_pesummary.py read DIR      # where PESummary is

PESummary 1.8 needs older versions of matplotlib and numpy than chirpleaf's tests. Exit code 1 where it reads other
samples than those of equal weight, or not the metadata.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

FILES = ("posterior.hdf5", "pesummary.h5")


def write(folder: Path) -> None:
    """Writes a posterior whose draws have unequal weights, in both formats, with what is expected of them."""
    from dataclasses import replace

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from made_results import PROVENANCE, certified_posterior, draws_of_the_prior

    from chirpleaf.result import Proposal
    from chirpleaf.result.pesummary import write_metafile

    made = draws_of_the_prior(4000)
    truth = {name: float(values[0]) for name, values in made.items()}
    draws = Proposal(made.samples, made.proposal.log_prob, -np.linspace(0, 3, 4000))
    origin = replace(PROVENANCE, duration=4.0, f_min=(20.0, 20.0), f_max=896.0, injection=truth)
    posterior = certified_posterior(proposal=draws, prior=made.prior, provenance=origin)
    folder.mkdir(parents=True, exist_ok=True)
    posterior.save(folder / FILES[0])
    write_metafile(posterior, folder / FILES[1])
    expected = {name: posterior[name].tolist() for name in ("chirp_mass", "luminosity_distance")}
    (folder / "expected.json").write_text(json.dumps({"samples": expected, "truth": truth["chirp_mass"]}))


def read(folder: Path) -> None:
    """Reads both files by PESummary and compares."""
    from pesummary.gw.file.formats.pesummary import PESummary
    from pesummary.io import read as load

    expected = json.loads((folder / "expected.json").read_text())
    metafile: Any = PESummary.load_file(str(folder / FILES[1]))
    (label,) = metafile.labels
    for samples in (load(str(folder / FILES[0]), package="gw").samples_dict, metafile.samples_dict[label]):
        for name, values in expected["samples"].items():
            np.testing.assert_array_equal(np.asarray(samples[name], float), values)
    assert metafile.approximant == ["IMRPhenomXAS"]
    assert float(metafile.extra_kwargs[0]["sampler"]["ln_bayes_factor"]) == 200.1
    assert float(metafile.extra_kwargs[0]["meta_data"]["f_ref"]) == 20.0
    assert abs(metafile.injection_parameters[0]["chirp_mass"] - expected["truth"]) < 1e-9
    assert len(metafile.priors["samples"][label]["chirp_mass"]) == 5000


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](Path(sys.argv[2]))
