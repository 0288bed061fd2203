"""Writes the posteriors in tests/files that other packages make, with those packages.

    python scripts/record_foreign_posteriors.py pesummary tests/files/posterior_pesummary.h5
    python scripts/record_foreign_posteriors.py pycbc tests/files/posterior_pycbc.hdf

Each needs an environment with that package (PESummary 1.8.1 and PyCBC 2.10.0 made the present files); they do not fit
beside the pinned versions of the tests, or bring too much. The samples are those of `draw`, which tests expect.
"""

import sys
from pathlib import Path

import numpy as np

SIZE = 300


def draw() -> dict[str, np.ndarray]:
    """Samples by bilby's names: component masses in the detector frame, aligned spins, distance, angles."""
    rng = np.random.default_rng(5)
    mass_1, mass_2 = 36 + rng.standard_normal(SIZE), 30 + rng.standard_normal(SIZE)
    return {
        "mass_1": np.maximum(mass_1, mass_2),
        "mass_2": np.minimum(mass_1, mass_2),
        "spin_1z": 0.1 * rng.standard_normal(SIZE),
        "spin_2z": 0.1 * rng.standard_normal(SIZE),
        "luminosity_distance": 400 + 30 * rng.standard_normal(SIZE),
        "ra": rng.uniform(0, 6.28, SIZE),
        "dec": rng.uniform(-1, 1, SIZE),
        "psi": rng.uniform(0, 3.14, SIZE),
        "geocent_time": 1126259462.4 + 0.01 * rng.standard_normal(SIZE),
    }


def record_pesummary(path: Path) -> None:
    """A metafile of two analyses."""
    from pesummary.gw.file.formats.pesummary import write_pesummary
    from pesummary.utils.samples_dict import MultiAnalysisSamplesDict

    samples = draw()
    shifted = {**samples, "mass_1": samples["mass_1"] + 5}
    labels = {"C01:IMRPhenomXPHM": shifted, "C01:Mixed": samples}
    known = {"sampler": {"log_evidence": -100.0}, "meta_data": {"f_ref": 20.0, "f_low": 20.0, "cosmology": "Planck15"}}
    write_pesummary(
        MultiAnalysisSamplesDict(labels),
        approximant=dict.fromkeys(labels, "IMRPhenomXPHM"),
        file_kwargs=dict.fromkeys(labels, known),
        outdir=str(path.parent),
        filename=path.name,
        hdf5=True,
    )


def record_pycbc(path: Path) -> None:
    """A posterior file of PyCBC, with its names and constants."""
    from pycbc.inference.io import PosteriorFile

    samples = draw()
    names = {"spin_1z": "spin1z", "spin_2z": "spin2z", "luminosity_distance": "distance", "psi": "polarization"}
    table = {names.get(name, name): values for name, values in samples.items() if not name.startswith("mass")}
    table["tc"] = table.pop("geocent_time")
    table["mchirp"] = (samples["mass_1"] * samples["mass_2"]) ** 0.6 / (samples["mass_1"] + samples["mass_2"]) ** 0.2
    table["q"] = samples["mass_1"] / samples["mass_2"]
    with PosteriorFile(str(path), "w") as file:
        file.write_samples(table)
        constants = {"approximant": "IMRPhenomD", "f_ref": 30.0, "f_lower": 20.0, "inclination": 0.5}
        file.attrs["static_params"] = list(constants)
        file.attrs["variable_params"] = list(table)
        for name, value in constants.items():
            file.attrs[name] = value


if __name__ == "__main__":
    {"pesummary": record_pesummary, "pycbc": record_pycbc}[sys.argv[1]](Path(sys.argv[2]))
