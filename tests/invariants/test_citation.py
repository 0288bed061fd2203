"""The citation is that of CITATION.cff, read as YAML, of the version of the package."""

from importlib.metadata import version
from pathlib import Path

import yaml

from chirpleaf.system.citation import read_citation

ROOT = Path(__file__).parents[2]


def test_the_citation_is_that_of_the_file() -> None:
    document = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    found = read_citation()
    assert (found.author, found.title) == (document["authors"][0]["name"], document["title"])
    assert found.method == document["references"][0]["url"]
    assert found.version == str(document["version"]) == version("chirpleaf")
    assert all(part in found.write() for part in (found.author, found.title, found.version, found.method))
