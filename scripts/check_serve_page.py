"""Uses the page of `chirpleaf serve` in headless Chromium, as a person would, and takes screenshots.

    pip install selenium; apt-get install chromium chromium-driver
    python scripts/check_serve_page.py [http://127.0.0.1:8000] --out screenshots

Without an address it starts a server of its own.

An event and uploaded files are analysed, on a laptop (light) and on a phone (dark). The script fails if the browser
reports an error or a violation of the page's policy, if anything is loaded from elsewhere, if the page is wider than
the screen, or if a field has no label.
"""

import argparse
import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import h5py
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from chirpleaf.strain import events, load_event

LOGGER = logging.getLogger("check_serve_page")
SCREENS = {"laptop": (1280, 800, 1.0, "light"), "phone": (390, 844, 2.0, "dark")}
"""Width, height, pixels for each point, and colour scheme."""
PATIENCE = 600.0
"""Seconds for an analysis on a busy machine."""

LABELS = """
return [...document.querySelectorAll("input, select, progress, iframe")].filter((one) =>
  !(one.labels && one.labels.length) && !one.getAttribute("aria-labelledby") && !one.title).map((one) => one.outerHTML);
"""
ELSEWHERE = """
return performance.getEntriesByType("resource").map((one) => one.name).filter(
  (one) => !one.startsWith(location.origin));
"""


@contextmanager
def start_server() -> Iterator[str]:
    """Starts a server on a free port, and ends it."""
    command = [sys.executable, "-m", "chirpleaf", "serve", "--port", "0", "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found, "the server did not say its address"
        try:
            yield found[0]
        finally:
            server.terminate()


def open_browser() -> webdriver.Chrome:
    """Starts headless Chromium with a log of the console."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))


def set_screen(browser: webdriver.Chrome, name: str) -> None:
    """Gives the browser the size and colours of a device."""
    width, height, ratio, scheme = SCREENS[name]
    size = {"width": width, "height": height, "deviceScaleFactor": ratio, "mobile": name == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)


def check_page(browser: webdriver.Chrome) -> None:
    """Fails if the page has a fault that a script can see."""
    width, inner = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= inner, f"the page is {width} wide on a screen of {inner}"
    assert not (bare := browser.execute_script(LABELS)), f"fields without a label: {bare}"
    assert not (found := browser.execute_script(ELSEWHERE)), f"loaded from elsewhere: {found}"
    severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    severe = [entry for entry in severe if "503" not in entry["message"]]  # the models are being loaded
    assert not severe, severe


def take(browser: webdriver.Chrome, path: Path) -> None:
    """Takes a screenshot of what the screen shows."""
    browser.save_screenshot(str(path))
    LOGGER.info("wrote %s", path)


def fill(browser: webdriver.Chrome, name: str, value: str) -> None:
    """Replaces the value of a field."""
    field = browser.find_element(By.ID, name)
    field.clear()
    field.send_keys(value)


def wait_for_result(browser: webdriver.Chrome, shot: Path) -> None:
    """Waits for the report, with a screenshot of the progress, and looks into it."""
    stage = browser.find_element(By.ID, "stage")
    WebDriverWait(browser, 60).until(lambda _: stage.is_displayed() and "waiting" not in stage.text)
    take(browser, shot)
    result = browser.find_element(By.ID, "result")
    fault = browser.find_element(By.ID, "fault")
    WebDriverWait(browser, PATIENCE).until(lambda _: result.is_displayed() or fault.is_displayed())
    assert not fault.is_displayed(), fault.text
    time.sleep(1.0)  # the frame loads
    browser.switch_to.frame("report")
    heading: Any = browser.find_element(By.TAG_NAME, "h1")
    assert heading.text
    assert browser.find_elements(By.CSS_SELECTOR, "figure img")
    assert heading.value_of_css_property("font-size") != "32px", "the style of the report is blocked"
    browser.switch_to.default_content()


def write_strain(folder: Path) -> dict[str, Path]:
    """Writes the strain of GW150914 as the Open Science Center releases it."""
    paths = {}
    for name, strain in load_event("GW150914").items():
        paths[name] = folder / f"{name}.hdf5"
        with h5py.File(paths[name], "w") as file:
            data = file.create_dataset("strain/Strain", data=strain.values)
            data.attrs.update(Xstart=strain.start_time, Xspacing=1 / strain.sample_rate)
            file["meta/Detector"] = name.encode()
    return paths


def main() -> None:
    """Goes through the page on each screen."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--samples", default="2000")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    strain = write_strain(out)
    with ExitStack() as stack:
        address = arguments.address or stack.enter_context(start_server())
        browser = open_browser()
        stack.callback(browser.quit)
        for screen in SCREENS:
            set_screen(browser, screen)
            browser.get(address)
            WebDriverWait(browser, 120).until(lambda page: "GW150914" in page.find_element(By.ID, "embedded").text)
            browser.find_element(By.TAG_NAME, "summary").click()
            fill(browser, "samples", arguments.samples)
            take(browser, out / f"{screen}-start.png")
            if screen == "phone":
                browser.find_element(By.CSS_SELECTOR, "input[value=files]").click()
                browser.find_element(By.ID, "start").click()
                assert "time of the merger" in browser.find_element(By.ID, "fault").text
                fill(browser, "trigger", str(events()["GW150914"].trigger_time))
                for name, path in strain.items():
                    browser.find_element(By.ID, f"strain_{name}").send_keys(str(path.resolve()))
                take(browser, out / f"{screen}-files.png")
            check_page(browser)
            browser.find_element(By.ID, "start").click()
            wait_for_result(browser, out / f"{screen}-progress.png")
            take(browser, out / f"{screen}-result.png")
            check_page(browser)


if __name__ == "__main__":
    main()
