"""Files of calibration envelopes: orders of columns, and everything that is none."""

import os
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from envelopes import HEADER, make_columns, write_envelope

from chirpleaf.errors import InputError
from chirpleaf.strain.calibration import parse_correction_type
from chirpleaf.strain.calibration_files import read_envelope


def test_layouts_of_the_same_envelope(tmp_path: Path) -> None:
    expected = read_envelope(write_envelope(tmp_path / "plain.txt"), "template")
    columns = make_columns()
    np.testing.assert_allclose(expected.amplitude, columns[:, 1] - 1)
    np.testing.assert_allclose(expected.amplitude_error, (columns[:, 5] - columns[:, 3]) / 2)
    header = "freq,amp,-1 sigma amp,+1 sigma amp,phase,-1 sigma phase,+1 sigma phase"
    files = [
        write_envelope(tmp_path / "bare.txt", header="# made by hand"),
        write_envelope(tmp_path / "sorted.txt", columns[:, [0, 1, 3, 5, 2, 4, 6]], header=header),
        write_envelope(tmp_path / "reversed.txt", columns[:, [0, 1, 2, 5, 6, 3, 4]]),  # -1 and +1 sigma exchanged
    ]
    np.savetxt(tmp_path / "comma.csv", columns, delimiter=",", header=HEADER.replace("  ", ", "), comments="")
    for file in (*files, tmp_path / "comma.csv"):
        found = read_envelope(file, "template")
        for name in ("frequencies", "amplitude", "amplitude_error", "phase", "phase_error"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12, err_msg=file.name)


def test_the_conventions_are_inverse_to_each_other(tmp_path: Path) -> None:
    path = write_envelope(tmp_path / "envelope.txt")
    data, template = read_envelope(path, "data"), read_envelope(path, "template")
    np.testing.assert_allclose((1 + data.amplitude) * (1 + template.amplitude), 1.0)
    np.testing.assert_allclose(data.phase, -template.phase)
    np.testing.assert_allclose(data.phase_error, template.phase_error)


def test_two_lines_are_enough(tmp_path: Path) -> None:
    columns = np.array([[10.0, 1.0, 0.0, 0.95, -0.03, 1.05, 0.03], [2048.0, 1.0, 0.0, 0.95, -0.03, 1.05, 0.03]])
    model = read_envelope(write_envelope(tmp_path / "flat.txt", columns), "template").place_nodes(20.0, 1024.0, 10)
    np.testing.assert_allclose(model.amplitude_error, 0.05)
    np.testing.assert_allclose(model.phase_error, 0.03)


def _changed(column: int, value: float, row: int = 50) -> np.ndarray:
    columns = make_columns()
    columns[row, column] = value
    return columns


DEGREES = make_columns() * np.where(np.arange(7) % 2, 1.0, np.where(np.arange(7) > 0, 57.3, 1.0))
RELATIVE = make_columns() - np.isin(np.arange(7), (1, 3, 5))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (_changed(2, np.nan), "finite numbers; got others in line 51"),
        (_changed(3, np.inf), "finite numbers"),
        (_changed(0, 10.0), "increasing frequencies"),
        (make_columns()[::-1], "increasing frequencies"),
        (_changed(0, 0.0, row=0), "above 0 Hz"),
        (RELATIVE, "amplitudes as factors near 1"),
        (_changed(1, 0.0), "amplitudes as factors near 1"),
        (DEGREES, "phases in rad"),
        (make_columns()[:, [0, 3, 2, 1, 4, 5, 6]], "medians between -1 and \\+1 sigma.*order the columns"),
        (make_columns()[:, [0, 1, 2, 1, 2, 1, 2]], "expected errors; got bounds equal to the median"),
        (make_columns()[:, :5], "seven columns.*got 5 columns"),
        (make_columns()[:1], "seven columns.*1 lines"),
        (np.ones((0, 7)), "cannot be read as such"),
    ],
)
def test_what_is_no_envelope_is_refused(columns: np.ndarray, said: str, tmp_path: Path) -> None:
    path = write_envelope(tmp_path / "envelope.txt", columns)
    with pytest.raises(InputError, match=said) as error:
        read_envelope(path, "data")
    assert "envelope.txt" in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_file_of_text_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["deltaR"] = np.ones(3)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "words.txt").write_text("not an envelope\n" * 3)
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "empty.txt").write_text("")
    cases = {
        "a.hdf5": "got HDF5",
        "pipe": "is a named pipe",
        ".": "is a folder",
        "nowhere.txt": "does not exist",
        "words.txt": "cannot be read as such",
        "binary": "cannot be read as such",
        "empty.txt": "cannot be read as such",
    }
    for name, said in cases.items():
        with pytest.raises(InputError, match=said) as error:
            read_envelope(tmp_path / name, "data")
        assert "\n" not in str(error.value)


def test_a_band_that_is_not_covered_is_refused(tmp_path: Path) -> None:
    envelope = read_envelope(write_envelope(tmp_path / "envelope.txt"), "data")
    envelope.place_nodes(14.9, 2030.0, 10)  # a table may round its ends
    for low, high in ((10.0, 1024.0), (20.0, 4096.0)):
        with pytest.raises(InputError, match=re.escape(f"from {low:g} to {high:g} Hz; got one from 15 to 2000 Hz")):
            envelope.place_nodes(low, high, 10)


def test_other_corrections_are_refused() -> None:
    assert parse_correction_type("Template") == "template"
    with pytest.raises(InputError, match="expected a calibration correction of data or template; got 'strain'"):
        parse_correction_type("strain")
