"""Files of noise spectra in the formats of common tools.

| file | read as |
|---|---|
| text of two columns: frequency (Hz), density | 1/Hz; header lines, commas and other marks as in `strain.text_tables` |
| text of more columns (LIGO-P1900011) | the column whose name in the header holds the detector's prefix or site |
| HDF5, `frequencies` and `values`; `frequency_array` and `psd_array` or `asd_array` | chirpleaf; bilby |
| HDF5, a dataset with `x0` and `dx`, or with `delta_f` | `FrequencySeries` of gwpy; of pycbc |
| HDF5, two-column datasets `ANALYSIS/psds/DETECTOR`, `psds/ANALYSIS/DETECTOR`, `psds/DETECTOR` | PESummary |
| XML (LIGO Light Weight), also gzipped | series of LAL, as in GraceDB and BAYESTAR |

An amplitude spectral density (1/sqrt(Hz)) is recognised by its scale: detectors have 1e-24 to 1e-19, the power spectral
density is its square. It is squared only if the file also says what it is, by its name, header, unit or dataset;
otherwise it is refused, because a characteristic strain sqrt(f S) has nearly the same scale and would be wrong by f.
"""

from __future__ import annotations

import gzip
import re
import zlib
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.strain.psd import PowerSpectralDensity
from chirpleaf.strain.psd_hdf5 import read_hdf5_spectrum
from chirpleaf.strain.psd_scale import SpectrumTable, declare, find_scale, typical
from chirpleaf.strain.text_tables import TextTable, read_table
from chirpleaf.system.arrays import make_real_array
from chirpleaf.system.bounded_text import GZIP_SIGNATURE, read_bytes
from chirpleaf.system.limits import SPECTRUM_LIMITS, expand_user, find_fault

HIGHEST_START = 1e5
"""Frequency in Hz above which no spectrum of a detector begins; larger numbers are times of strain."""

SITES = {"H1": "HANFORD", "L1": "LIVINGSTON", "V1": "VIRGO", "K1": "KAGRA"}
"""Names by which the header of a table calls the detectors."""

MOST_XML_BYTES = 10**8
"""Largest document of XML, decompressed. Three spectra of 8 Hz to 2048 Hz in steps of 1/8 Hz have some megabytes."""

_DIMENSION = re.compile(rb"<Dim[^>]*>\s*(\d{1,18})")
_XML_SIGNATURES = (b"<?xml", b"<!DOCTYPE LIGO", b"<LIGO_LW")


def read_psd(path: str | Path, detector: str | None = None, *, analysis: str | None = None) -> PowerSpectralDensity:
    """Read a one-sided power spectral density from a file, in any of the formats of this module.

    Args:
        path: the file.
        detector: prefix of the detector, required if the file holds several.
        analysis: label of the analysis in a release of PESummary, or a part of it that only one label has; required if
            the file holds several analyses with different spectra.

    Returns:
        The density.

    Raises:
        InputError: if the file is missing, holds no power spectral density of the detector, or several.
    """
    path = expand_user(path)
    if fault := find_fault(path):
        raise InputError(f"power spectral density: expected a file; got {path}, which {fault}; check the path")
    wanted = None if detector is None else detector.upper()
    try:
        table = _read_table(path, wanted, analysis)
    except InputError:
        raise
    except (ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(
            f"{path}: expected a power spectral density as two columns of text, HDF5 of gwpy, bilby or PESummary, or "
            f"XML of LAL; got a file that cannot be read as such ({reason}); correct the file"
        ) from error
    frequencies, values, note = table.frequencies, table.values, ""
    if len(frequencies) and frequencies[0] > HIGHEST_START:
        raise InputError(
            f"{path}: expected frequencies in Hz; got {frequencies[0]:.0f} first, which is a GPS time; give a noise "
            "spectrum by --psd, and strain by --strain"
        )
    kind = find_scale(path, values)
    if kind == "amplitude":
        if table.declared != "amplitude":
            raise InputError(
                f"{path}: expected power spectral densities in 1/Hz, about 1e-46; got values about "
                f"{typical(values):.0e}, the scale of an amplitude spectral density (1/sqrt(Hz)); square them, or "
                "write ASD into the file's name or header"
            )
        values, note = np.square(values), f"squared the amplitude spectral density of {path.name}"
    return PowerSpectralDensity(frequencies, values, note)


def _read_table(path: Path, detector: str | None, analysis: str | None) -> SpectrumTable:
    """Reads frequencies, values and the stated kind of the values."""
    if h5py.is_hdf5(path):
        return read_hdf5_spectrum(path, detector, analysis)
    if _is_xml(path):
        return _read_xml(path, detector)
    table = read_table(path, SPECTRUM_LIMITS)
    column = _choose_column(path, table, detector)
    declared = declare(" ".join((*table.header, path.stem)))
    return SpectrumTable(table.values[:, 0], table.values[:, column], declared)


def _choose_column(path: Path, table: TextTable, detector: str | None) -> int:
    """Index of the column of densities: the second of two, or the detector's by the header."""
    columns = table.values.shape[1]
    if columns == 2:
        return 1
    header = next((line for line in reversed(table.header) if len(_split_header(line)) == columns), "")
    names = _split_header(header)
    marks = (detector, SITES.get(detector, detector)) if detector else ()
    found = [index for index, name in enumerate(names) if index and any(mark in name.upper() for mark in marks)]
    if columns < 2 or len(found) != 1:
        listed = f" named {', '.join(names)}" if names else ""
        raise InputError(
            f"{path}: expected two columns, frequency (Hz) and power spectral density (1/Hz), or a header that names "
            f"one column of {detector or 'the detector'}; got {columns}{listed}; remove the others"
        )
    return found[0]


def _split_header(line: str) -> list[str]:
    """Names of the columns in a line of the header, without their units in brackets."""
    return re.sub(r"\([^)]*\)|\[[^]]*\]", " ", line.lstrip("#%/ ")).replace(",", " ").split()


def _is_xml(path: Path) -> bool:
    """Whether a file, possibly gzipped, begins as a LIGO Light Weight document."""
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(GZIP_SIGNATURE):
        try:
            with gzip.open(path) as compressed:
                start = compressed.read(64)
        except (OSError, EOFError, zlib.error):
            return False
    return start.lstrip().startswith(_XML_SIGNATURES)


def _read_xml(path: Path, detector: str | None) -> SpectrumTable:
    """Reads a series of LAL from a LIGO Light Weight document."""
    from igwn_ligolw import utils  # noqa: PLC0415 - rarely needed
    from lal import series  # noqa: PLC0415

    content = read_bytes(path, MOST_XML_BYTES)
    if max(map(int, _DIMENSION.findall(content)), default=0) > SPECTRUM_LIMITS.values:
        raise ValueError("a series claims too many values")
    try:
        document = utils.load_fileobj(BytesIO(content), contenthandler=series.PSDContentHandler)
        spectra = series.read_psd_xmldoc(document)
    except Exception as error:  # the parser raises errors of SAX, which are no OSError
        raise ValueError(str(error)) from error
    found = {name.upper(): spectrum for name, spectrum in spectra.items() if spectrum is not None}
    name = next(iter(found)) if detector is None and len(found) == 1 else detector
    if name not in found:
        raise InputError(
            f"{path}: expected a spectrum of {detector or 'one detector'}; got those of {', '.join(found) or 'none'}; "
            "pair the file with its own detector"
        )
    spectrum = found[name]
    values = make_real_array(f"{path}, spectrum of {name}", spectrum.data.data)
    return SpectrumTable(spectrum.f0 + spectrum.deltaF * np.arange(len(values)), values, None)
