"""The report: self-contained, with the verdict first, and with the command that makes it again."""

import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import CERTIFICATE, MAKERS, PROVENANCE, certified_posterior, leaf_estimates, network_posterior

import chirpleaf
from chirpleaf.cli import main
from chirpleaf.inference import PreparedData, Request
from chirpleaf.report.captions import list_pictures
from chirpleaf.report.command import write_command
from chirpleaf.report.content import build_page
from chirpleaf.report.page import render
from chirpleaf.report.published import find_published
from chirpleaf.report.templates import read_page
from chirpleaf.report.words import describe_binary, describe_verdict
from chirpleaf.result import LeafEstimates, Posterior, Proposal
from chirpleaf.result.recipe import Recipe
from chirpleaf.result.reweighting import Reweighting
from chirpleaf.result.trust import VERDICTS, Finding, Level, Trust

IMAGE = b"\x89PNG not really"
VOID = {"meta", "link", "img", "br"}


class Reader(HTMLParser):
    """Collects what a page loads, and checks that its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "poster")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def html_of(result: Posterior | LeafEstimates) -> str:
    pictures = list_pictures(result)
    return render(build_page(result, pictures), {picture.name: IMAGE for picture in pictures})


def doubted(verdict: str) -> Trust:
    reasons = () if verdict == "trusted" else ("one detector disagrees", "the tail is heavy")
    return Trust(verdict, 20.0, {"H1": 16.0}, reasons)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_report_loads_nothing(kind: str) -> None:
    html = html_of(MAKERS[kind]())
    reader = Reader()
    reader.feed(html)
    assert not reader.open
    assert reader.loaded
    assert all(one.startswith("data:") for one in reader.loaded)
    assert not {"script", "iframe", "object", "form"} & set(reader.tags)
    assert not re.search(r"@import|url\(|@font-face", html)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_verdict_comes_first(verdict: str) -> None:
    result = certified_posterior(trust=doubted(verdict))
    html = html_of(result)
    body = html[html.index("<body>") :]
    assert f"<strong>{verdict.capitalize()}</strong>" in body
    assert f"<title>GW150914: {verdict}" in html
    assert body.index(verdict.capitalize()) < body.index(describe_verdict(result)[:20]) < body.index("<table>")
    assert ("Do not use" in body) == (verdict == "untrusted") == ("for diagnosis alone" in body)


def test_the_verdict_says_why() -> None:
    assert describe_verdict(certified_posterior(trust=doubted("untrusted"))) == (
        "Do not use these numbers: one detector disagrees. One further reason stands below."
    )
    assert "2,000 of 4,000 draws are effective" in describe_verdict(certified_posterior(trust=doubted("trusted")))
    again = Reweighting("psd", ("H1",), 2500, 0.8, 2000.0, 0.1, 0.3)
    reweighted = certified_posterior(trust=doubted("trusted"), certificate=replace(CERTIFICATE, reweightings=(again,)))
    assert "2,000 of 2,500 draws are effective" in describe_verdict(reweighted)
    assert "network alone" in describe_verdict(network_posterior(trust=doubted("not certified")))


def test_every_reason_note_and_finding_is_told_once() -> None:
    findings = (Finding("data.a", Level.NOTE, "a note"), Finding("data.b", Level.REFUSE, "a refusal"))
    trust = Trust("trusted", 20.0, {}, ("an old reason",), ("unchecked",)).add(*findings)
    remarks = build_page(network_posterior(trust=trust), ()).remarks
    assert [tuple(one) for one in remarks] == [
        *(("refuse", "an old reason"), ("refuse", "a refusal"), ("note", "a note"), ("note", "unchecked"))
    ]


def test_text_is_escaped() -> None:
    hostile = '<script>alert(1)</script>"'
    origin = replace(PROVENANCE, event=hostile, notes=("a < b & c",), recipe=Recipe(hostile, None, 1, 1))
    html = html_of(network_posterior(provenance=origin))
    assert "<script" not in html
    assert "a &lt; b &amp; c" in html


def test_a_page_has_a_light_a_dark_and_a_printed_form() -> None:
    html = html_of(certified_posterior())
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert 'name="viewport"' in html


def test_colours_of_all_pages_stand_in_one_style_sheet() -> None:
    package = Path(chirpleaf.__file__).parent
    sheets = {path: path.read_text() for kind in ("css", "html") for path in package.rglob(f"*.{kind}")}
    assert len(sheets) >= 5
    base = package / "report" / "base.css"
    shared = set(re.findall(r"--[\w-]+(?=:)", sheets[base])) - {"--rule"}  # borders of fields are darker
    assert {"--paper", "--ink", "--good", "--bad-bg"} <= shared
    for path, text in sheets.items():
        defined = set(re.findall(r"(--[\w-]+):", text))
        assert path == base or not defined & shared, path
    for name in ("chirpleaf.report", "chirpleaf.catalog"):
        assert read_page(name).count(sheets[base]) == 1


def test_pictures_follow_what_the_result_has() -> None:
    names = {kind: [picture.name for picture in list_pictures(make())] for kind, make in MAKERS.items()}
    assert names["certified"] == ["strain", "time-frequency", "sky", "orbit", "final", "corner"]
    assert names["network"] == ["strain", "time-frequency", "final", "corner"]
    assert names["leaves"] == ["strain", "time-frequency", "corner"]
    posterior = certified_posterior()
    nothing = Proposal(posterior.proposal.samples, posterior.proposal.log_prob, np.full(4000, -np.inf))
    impossible = certified_posterior(proposal=nothing)
    assert [picture.name for picture in list_pictures(impossible)] == ["strain", "time-frequency"]
    html = html_of(impossible)
    assert "<table>" not in html
    assert "solar masses" not in html


def test_the_table_has_published_values_and_uncertainty_components() -> None:
    page = build_page(certified_posterior(), ())
    rows = {row.name: row for row in page.rows}
    assert rows["mass_1_source"].published == "35.6 (+4.7 −3.1)"
    assert rows["luminosity_distance"].published == "440 (+150 −170)"
    assert rows["chirp_mass"].published == ""
    assert "arXiv:1811.12907" in page.published_source
    leaves = build_page(leaf_estimates(), ())
    assert leaves.components == ("aleatoric", "epistemic")
    assert all(len(row.components) == 2 for row in leaves.rows)
    assert find_published("strain") is None


def test_the_main_numbers_are_a_sentence() -> None:
    text = describe_binary(certified_posterior())
    assert re.match(r"Two black holes of 0\.\d+ \(\+0\.\d+ −0\.\d+\) and 0\.", text)
    assert "Mpc away; with 90 % probability within" in text
    assert "(detector frame) merged" in describe_binary(network_posterior())
    assert describe_binary(leaf_estimates()) == ""


class StopError(Exception):
    """Raised in place of an analysis."""


REPEATABLE = ("--strain", "--psd", "--channel", "--f-min", "--waveform-argument")

COMMANDS = [
    ("GW150914", "--samples", "500", "--seed", "7"),
    ("GW150914", "--no-certify", "--model", "bbh", "--trigger", "1126259462.4"),
    ("GW150914", "--certify", "--effective-samples", "50", "--budget", "30", "--cores", "2", "--prior", "standard"),
    ("GW150914", "--detectors", "L1", "--duration", "4", "--f-min", "L1=25.5", "--f-max", "512", "--high-pass", "none"),
    ("GW150914", "--f-min", "30", "--window-roll-off", "0.2", "--psd-method", "median", "--psd-length", "32"),
    ("GW150914", "--calibration-envelope", "H1=a b.txt", "--calibration-correction-type", "template"),
    ("GW150914", "--calibration-envelope", "H1=a.txt", "--psd-uncertainty", "--certify-psd", "L1=c.txt"),
    ("GW150914", "--approximant", "IMRPhenomD", "--f-ref", "50", "--waveform-argument", "PhenomXPrecVersion=104"),
    (
        "--strain",
        "H1=a b.hdf5",
        "--strain",
        "H1=c.hdf5",
        "--strain",
        "L1=d.gwf",
        "--channel",
        "L1=X:Y",
        "--trigger",
        "5",
    ),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(arguments)[:40])
def test_the_command_makes_the_same_request(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a user types, and the command that the report of its result names, ask for the same analysis."""
    from chirpleaf.inference import recording
    from chirpleaf.report import analysis

    asked: list[Request] = []

    def stop(request: Request, *_: Callable[..., object], **__: Callable[..., object]) -> Any:
        asked.append(request)
        raise StopError

    monkeypatch.setattr(analysis, "analyse_event", stop)
    monkeypatch.setattr(recording, "_hash_input", lambda *_: {})
    monkeypatch.chdir(tmp_path)

    def record(request: Request) -> Recipe:
        data = object.__new__(PreparedData)  # only its options are recorded, and its hashes would be
        object.__setattr__(data, "options", request.options)
        return recording.record_analysis(data, request)

    with pytest.raises(StopError):
        main(["infer", *arguments, "--out", str(tmp_path / "a")])
    recipe = record(asked[0])
    again = shlex.split(write_command(recipe, tmp_path / "b"))
    assert again[:2] == ["chirpleaf", "infer"]
    flags = [word for word in again if word.startswith("--") and word not in REPEATABLE]
    assert len(set(flags)) == len(flags)  # each option once
    with pytest.raises(StopError):
        main(again[1:])
    assert record(asked[1]) == recipe


def test_the_command_is_short_for_an_analysis_by_default() -> None:
    recipe = Recipe("GW150914", None, 10_000, 0, high_pass=15.0, roll_off=1.0, psd_method="regularised", psd_length=256)
    assert write_command(recipe, "out/x") == "chirpleaf infer GW150914 --samples 10000 --seed 0 --out out/x"
