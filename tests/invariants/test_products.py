"""A later run removes what a former one wrote and nothing else."""

import json
from pathlib import Path

import pytest

from chirpleaf.system.products import RECORD, replace_products


def write(folder: Path, **contents: str) -> list[Path]:
    paths = [folder / name.replace("_", ".") for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_text(content)
    return paths


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {RECORD}


def test_products_of_the_former_run_are_removed(tmp_path: Path) -> None:
    assert replace_products(tmp_path, write(tmp_path, summary_json="1", skymap_fits="1")) == ()
    (tmp_path / "notes.txt").write_text("mine")
    assert replace_products(tmp_path, write(tmp_path, summary_json="2")) == ("skymap.fits",)
    assert names(tmp_path) == {"summary.json", "notes.txt"}
    assert replace_products(tmp_path, write(tmp_path, scaling_json="3")) == ("summary.json",)
    assert names(tmp_path) == {"scaling.json", "notes.txt"}


def test_files_of_the_user_stay_under_any_name(tmp_path: Path) -> None:
    """One that a run did not write, one that the user wrote over, and one outside of the folder."""
    (tmp_path / "skymap.fits").write_text("of BAYESTAR")
    replace_products(tmp_path, write(tmp_path, summary_json="1", corner_png="1"))
    (tmp_path / "corner.png").write_text("my own")
    assert replace_products(tmp_path, write(tmp_path, summary_json="2")) == ()
    assert names(tmp_path) == {"summary.json", "skymap.fits", "corner.png"}
    assert (tmp_path / "skymap.fits").read_text() == "of BAYESTAR"


def test_a_former_product_that_is_gone_is_no_matter(tmp_path: Path) -> None:
    replace_products(tmp_path, write(tmp_path, summary_json="1", skymap_fits="1"))
    (tmp_path / "skymap.fits").unlink()
    (tmp_path / "skymap.fits").mkdir()
    assert replace_products(tmp_path, write(tmp_path, summary_json="2")) == ()
    assert (tmp_path / "skymap.fits").is_dir()


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"files": 3}', '{"files": []}', "\ud800"])
def test_a_damaged_record_removes_nothing(tmp_path: Path, record: str) -> None:
    replace_products(tmp_path, write(tmp_path, summary_json="1"))
    (tmp_path / RECORD).write_bytes(record.encode(errors="surrogatepass"))
    assert replace_products(tmp_path, write(tmp_path, other_json="2")) == ()
    assert names(tmp_path) == {"summary.json", "other.json"}


def test_nothing_outside_of_the_folder_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    replace_products(tmp_path, write(tmp_path, precious_txt="1"))
    content = json.loads((tmp_path / RECORD).read_text())["files"]["precious.txt"]
    (folder / RECORD).write_text(json.dumps({"files": {"../precious.txt": content, "/etc/hosts": "x"}}))
    assert replace_products(folder, write(folder, summary_json="1")) == ()
    assert (tmp_path / "precious.txt").read_text() == "1"


@pytest.mark.parametrize("name", ["..", ".", "/tmp", "link", "../other", 3])
def test_folders_outside_of_the_folder_are_left_alone(tmp_path: Path, name: object) -> None:
    folder, other = tmp_path / "out", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (folder / "link").symlink_to(other)
    for one in (tmp_path, other):
        replace_products(one, write(one, precious_txt="1"))
    (folder / RECORD).write_text(json.dumps({"files": {}, "folders": [name]}))
    assert replace_products(folder, write(folder, summary_json="1")) == ()
    assert (tmp_path / "precious.txt").is_file()
    assert (other / "precious.txt").is_file()


def test_a_moved_folder_keeps_its_record(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    replace_products(folder, write(folder, summary_json="1", skymap_fits="1"))
    moved = folder.rename(tmp_path / "new")
    assert replace_products(moved, write(moved, summary_json="2")) == ("skymap.fits",)
