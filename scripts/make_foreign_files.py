"""Write the small files of other tools that the tests read, `tests/files/`.

The tests need none of the tools. Run in an environment of its own that has them, from the root of the repository:

    pip install gwpy pycbc && python scripts/make_foreign_files.py

The values are 1e-21 (strain), 1e-46 (power) or 1e-23 (amplitude spectral densities) times 1, 2, 3, ...
"""

from pathlib import Path

import numpy as np
from gwpy.frequencyseries import FrequencySeries
from gwpy.timeseries import TimeSeries, TimeSeriesDict
from igwn_ligolw import ligolw, utils
from lal import CreateREAL8FrequencySeries, LIGOTimeGPS, StrainUnit, series
from pycbc import types

FOLDER = Path("tests/files")
START, RATE, N = 1126259447, 16, 64
FIRST, STEP, F = 20.0, 0.125, 64


def write_strain() -> None:
    """Strain by gwpy and pycbc."""
    strain = np.arange(1.0, N + 1) * 1e-21
    both = TimeSeriesDict()
    for factor, detector in enumerate(("H1", "L1"), start=1):
        name = f"{detector}:GDS-CALIB_STRAIN"
        both[name] = TimeSeries(factor * strain, t0=START, sample_rate=RATE, name=name, channel=name, unit="strain")
    one = both["H1:GDS-CALIB_STRAIN"]
    one.write(FOLDER / "gwpy.hdf5", overwrite=True)
    one.write(FOLDER / "gwpy_path.hdf5", path="deep/er", overwrite=True)
    TimeSeries(strain, t0=START, sample_rate=RATE).write(FOLDER / "gwpy_unnamed.hdf5", path="x", overwrite=True)
    both.write(FOLDER / "gwpy_dict.hdf5", overwrite=True)
    one.write(FOLDER / "gwpy.txt")
    one.write(FOLDER / "gwpy.csv")
    one.write(FOLDER / "gwpy.gwf", overwrite=True)
    for name, group in (("pycbc.hdf", None), ("pycbc_group.hdf", "H1/strain")):
        (FOLDER / name).unlink(missing_ok=True)
        types.TimeSeries(strain, delta_t=1 / RATE, epoch=START).save(str(FOLDER / name), group=group)
    types.TimeSeries(strain, delta_t=1 / RATE, epoch=START).save(str(FOLDER / "pycbc.txt"))


def write_spectra() -> None:
    """Noise spectra by gwpy, pycbc and LAL."""
    density = np.arange(1.0, F + 1) * 1e-46
    psd = FrequencySeries(density, f0=FIRST, df=STEP, unit="strain^2/Hz", name="H1")
    psd.write(FOLDER / "gwpy_psd.hdf5", path="psd", overwrite=True)
    psd.write(FOLDER / "gwpy_psd.txt")
    (psd**0.5).write(FOLDER / "gwpy_amplitude.hdf5", path="spectrum", overwrite=True)
    below = np.concatenate((np.zeros(round(FIRST / STEP)), density))
    (FOLDER / "pycbc_psd.hdf").unlink(missing_ok=True)
    types.FrequencySeries(below, delta_f=STEP).save(str(FOLDER / "pycbc_psd.hdf"))
    types.FrequencySeries(below, delta_f=STEP).save(str(FOLDER / "pycbc_psd.txt"))
    found = {}
    for factor, detector in enumerate(("H1", "L1"), start=1):
        found[detector] = CreateREAL8FrequencySeries("psd", LIGOTimeGPS(START), FIRST, STEP, StrainUnit**2, F)
        found[detector].data.data = factor * density
    document = series.make_psd_xmldoc(found)
    assert isinstance(document, ligolw.Document)
    for name in ("lal.xml", "lal.xml.gz"):
        utils.write_filename(document, str(FOLDER / name))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write_strain()
    write_spectra()
