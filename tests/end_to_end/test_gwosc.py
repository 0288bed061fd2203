"""Open data over HTTP: what is fetched, from a server on this machine that answers as the Open Science Center does."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from open_data import (
    DETECTORS,
    LISTED,
    NAME,
    QUICK,
    START,
    TRIGGER,
    VALUES,
    Server,
    cached_files,
    file_name,
    strain_file,
)

from chirpleaf.errors import InputError
from chirpleaf.strain import gwosc
from chirpleaf.strain.gwosc import fetch_catalogue
from chirpleaf.system.cache import cache_folder
from chirpleaf.system.progress import watch_progress

fetch_event = partial(gwosc.fetch_event, settings=QUICK)


def test_an_event_is_fetched_once_and_needs_no_network_again(server: Server, tmp_path: Path) -> None:
    event, strains = fetch_event(NAME, host=server.host, cache=tmp_path)
    assert (event.name, event.trigger_time, event.detectors) == (NAME, TRIGGER, DETECTORS)
    assert "Open Science Center" in event.source
    for detector in DETECTORS:
        assert (strains[detector].detector, strains[detector].start_time) == (detector, START)
        np.testing.assert_array_equal(strains[detector].values, VALUES)
    assert cached_files(tmp_path) == ["H1.hdf5", "L1.hdf5", "V1.hdf5", "event.json"]
    server.asked.clear()
    again, cached = fetch_event(NAME, host=server.host, cache=tmp_path, offline=True)
    assert again == event
    np.testing.assert_array_equal(cached["L1"].values, VALUES)
    assert server.asked == []


@pytest.mark.parametrize("name", [NAME.lower(), "gw200129", f"{NAME}-V1"])
def test_names_may_be_in_lower_case_and_without_the_time_of_day(server: Server, tmp_path: Path, name: str) -> None:
    event, _ = fetch_event(name, host=server.host, cache=tmp_path)
    assert event.name == (f"{NAME}-v1" if "V1" in name else NAME)
    assert fetch_event(event.name.lower(), host="http://127.0.0.1:9", cache=tmp_path, offline=True)[0] == event


def test_a_date_with_two_events_is_answered_with_both(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"got 'GW200202'; close matches: .*GW200202_1") as caught:
        fetch_event("GW200202", host=server.host, cache=tmp_path)
    assert all(name in str(caught.value) for name in LISTED[3:])


def test_progress_of_a_download_is_reported(server: Server, tmp_path: Path) -> None:
    reports: list[tuple[str, int, int]] = []
    with watch_progress(lambda *report: reports.append(report)):
        fetch_event(NAME, host=server.host, cache=tmp_path)
    size = len(server.files[file_name("H1")])
    assert reports[0] == (f"downloading {NAME} H1", size, size)


def test_strain_of_a_time_may_be_in_two_files(server: Server, tmp_path: Path) -> None:
    server.files = {file_name(d, at): strain_file(d, at) for d in DETECTORS for at in (START + 32, START)}
    event, strains = fetch_event(f"{START + 30.5}", host=server.host, cache=tmp_path)
    assert (event.name, event.trigger_time) == (f"GPS {START + 30.5}", START + 30.5)
    assert (strains["L1"].start_time, strains["L1"].duration) == (START, 64.0)
    assert fetch_event(f"{START + 30.5}", cache=tmp_path, offline=True)[0] == event


def test_releases_without_short_files_give_the_runs(server: Server, tmp_path: Path) -> None:
    server.short_files = False
    _, strains = fetch_event(NAME, host=server.host, cache=tmp_path)
    assert set(strains) == set(DETECTORS)
    assert "/api/v2/runs/O3b/strain-files" in server.asked


def test_an_unknown_event_is_answered_with_close_matches(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"got 'GW200129_06545'; close matches: .*{NAME}"):
        fetch_event("GW200129_06545", host=server.host, cache=tmp_path)
    with pytest.raises(InputError, match="close matches: GW150914"):
        fetch_event("GW150915", host=server.host, cache=tmp_path)
    assert cached_files(tmp_path) == []


@pytest.mark.parametrize("name", ["gwtc-3", "GWTC-3-confident"])
def test_a_catalogue_is_listed_and_kept_for_offline_use(server: Server, tmp_path: Path, name: str) -> None:
    exact, events = fetch_catalogue(name, host=server.host, cache=tmp_path, settings=QUICK)
    assert exact == "GWTC-3-confident"
    assert {one.name for one in events} == set(LISTED)
    assert [one.version.removesuffix("-v1") for one in events] == [one.name for one in events]
    assert np.all(np.diff([one.trigger_time for one in events]) >= 0)
    server.asked.clear()
    assert fetch_catalogue(name, cache=tmp_path, offline=True) == (exact, events)
    assert server.asked == []


def test_an_unknown_catalogue_is_answered_with_close_matches(server: Server, tmp_path: Path) -> None:
    fetch = partial(fetch_catalogue, host=server.host, cache=tmp_path, settings=QUICK)
    with pytest.raises(InputError, match="got 'GWTC-3-marg'; close matches: GWTC-3-marginal"):
        fetch("GWTC-3-marg")
    with pytest.raises(InputError, match="expected events in catalogue GWTC-3-marginal; got none"):
        fetch("GWTC-3-marginal")
    with pytest.raises(InputError, match=r"list of catalogue GWTC-3 in .* got none: run once without --offline"):
        fetch("GWTC-3", offline=True)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "GW 1", "/tmp/x", "."])
def test_what_is_no_name_never_becomes_a_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the name of an event"):
        fetch_event(name, host="http://127.0.0.1:9", cache=tmp_path)


def test_the_cache_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHIRPLEAF_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("CHIRPLEAF_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() in (tmp_path / "xdg" / "chirpleaf", Path.home() / "Library" / "Caches" / "chirpleaf")


def test_infer_takes_strain_from_the_server_of_the_environment(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chirpleaf: Any
) -> None:
    """It ends with the first thing that is wrong with this strain, which the server gave: 64 Hz are no band."""
    monkeypatch.setenv("GWOSC_SERVER_URL", server.host)
    monkeypatch.setenv("CHIRPLEAF_CACHE", str(tmp_path / "cache"))
    ran = chirpleaf("infer", NAME, "--offline", "--out", tmp_path / "out")
    assert ran.status == 2
    assert f"expected strain of {NAME} (4096 Hz, 32 s) in" in ran.stderr
    assert server.asked == []
    assert chirpleaf("infer", NAME, "--out", tmp_path / "out").status == 2
    assert cached_files(tmp_path / "cache") == ["H1.hdf5", "L1.hdf5", "V1.hdf5", "event.json"]
    assert not (tmp_path / "out").exists()
