"""Write the embedded events, `src/chirpleaf/strain/data/events/*.hdf5`, from public strain.

The strain is release R1 of the Gravitational Wave Open Science Center (CC BY 4.0). The script takes it from the source
distribution of pyRing on PyPI, which contains the unchanged text files, so that it needs a package index only. The
SHA-256 hash of the distribution is fixed. Run from the root of the repository:

    python scripts/make_events.py                        # download the distribution
    python scripts/make_events.py --sdist FILE.tar.gz    # use a local file
"""

from __future__ import annotations

import argparse
import hashlib
import io
import logging
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from chirpleaf.strain.events import SOURCE, Event, events
from chirpleaf.strain.psd_estimation import welch
from chirpleaf.strain.strain import Strain

PACKAGE, VERSION = "pyringgw", "2.11.2"
SHA256 = "9bfc54f0ffb954491050074b19d56acad7f8627302226b15b0c75048ab9b1bee"
START_TIMES = {"GW150914": 1126259447, "GW170814": 1186741846}
SAMPLE_RATE, DURATION = 4096, 32
LARGEST_ROUNDING = 0.01
"""Upper limit of the amplitude spectral density of rounding, relative to the noise in 20-1024 Hz."""

logger = logging.getLogger("make_events")


def download(folder: Path) -> Path:
    """Download the source distribution with pip."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", PACKAGE]
    subprocess.run([*command, "--dest", str(folder), f"{PACKAGE}=={VERSION}"], check=True)
    return next(folder.glob("*.tar.gz"))


def check_hash(sdist: Path) -> Path:
    """Check the hash of the distribution and return its path."""
    digest = hashlib.sha256(sdist.read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{sdist}: expected SHA-256 {SHA256}; got {digest}; fetch {PACKAGE} {VERSION}")
    return sdist


def read_text(archive: tarfile.TarFile, event: str, detector: str) -> Strain:
    """Read one detector's strain from the text file in the distribution, in float64."""
    name = f"{detector[0]}-{detector}_GWOSC_4KHZ_R1-{START_TIMES[event]}-{DURATION}.txt"
    member = archive.extractfile(f"{PACKAGE}-{VERSION}/pyRing/data/Real_data/{event}/{name}")
    assert member is not None
    values = np.loadtxt(io.TextIOWrapper(member, "ascii"))
    assert values.shape == (DURATION * SAMPLE_RATE,)
    assert np.isfinite(values).all()
    return Strain(detector, values, START_TIMES[event], SAMPLE_RATE)


def measure_rounding(strain: Strain) -> float:
    """Measure the largest ratio of the amplitude spectral densities of float32 rounding and noise in 20-1024 Hz."""
    error = replace(strain, values=strain.values.astype(np.float32).astype(np.float64) - strain.values)
    noise, rounded = welch(strain), welch(error)
    band = (noise.frequencies >= 20.0) & (noise.frequencies <= 1024.0)
    return float(np.sqrt(rounded.values[band] / noise.values[band]).max())


def write_event(event: Event, strains: list[Strain], path: Path) -> None:
    """Write the file of one event, with a float32 dataset for each detector."""
    with h5py.File(path, "w", track_order=True) as file:
        file.attrs["event"] = event.name
        file.attrs["trigger_time"] = event.trigger_time
        file.attrs["source"] = SOURCE
        file.attrs["attribution"] = (
            "This research has made use of data or software obtained from the Gravitational Wave Open Science Center "
            "(gwosc.org), a service of the LIGO Scientific Collaboration, the Virgo Collaboration, and KAGRA."
        )
        file.attrs["license"] = "https://creativecommons.org/licenses/by/4.0/"
        file.attrs["changes"] = "rounded from float64 to float32"
        for strain in strains:
            dataset = file.create_dataset(
                strain.detector,
                data=strain.values.astype(np.float32),
                chunks=(len(strain),),
                compression="gzip",
                compression_opts=9,
                shuffle=True,
            )
            dataset.attrs["start_time"] = strain.start_time
            dataset.attrs["sample_rate"] = strain.sample_rate


def main() -> None:
    """Download, check and convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sdist", type=Path, help=f"source distribution of {PACKAGE} {VERSION}; default: download it")
    parser.add_argument("--out", type=Path, default=Path("src/chirpleaf/strain/data/events"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        sdist = check_hash(arguments.sdist or download(Path(folder)))
        with tarfile.open(sdist) as archive:
            for event in events().values():
                strains = [read_text(archive, event.name, detector) for detector in event.detectors]
                for strain in strains:
                    ratio = measure_rounding(strain)
                    logger.info("%s %s: rounding / noise in 20-1024 Hz <= %.1e", event.name, strain.detector, ratio)
                    assert ratio < LARGEST_ROUNDING
                path = arguments.out / f"{event.name}.hdf5"
                write_event(event, strains, path)
                logger.info("%s: %.2f MB", path, path.stat().st_size / 1e6)


if __name__ == "__main__":
    main()
