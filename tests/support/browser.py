"""A headless Chromium for tests, driven by selenium; where one of the two is not installed, the tests skip and say so.

from tests.support.browser import browser, window  # fixtures: a window of 1366x768, as new for each test file

def test_it(browser: Browser) -> None:
    browser.open("http://127.0.0.1:8000/")
    browser.wait(lambda: browser.text("#fps") != "")
    assert browser.complaints() == []
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "build" / "axe" / "axe.min.js"  # make axe: MPL-2.0, development only, no part of this program
CHROMIUM, DRIVER = ("chromium", "chromium-browser", "google-chrome"), ("chromedriver", "chromium-driver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1 , EXCLUDE *.localhost",
)
SIZE = 1366, 768
PATIENCE_S = 60.0  # a busy machine is no failure: 20 s were not enough at a load of 28
SERIOUS = ("serious", "critical")


def missing() -> str:
    """Why there is no browser; "" where there is one."""
    for what, names in (("chromium", CHROMIUM), ("chromedriver", DRIVER)):
        if not any(map(shutil.which, names)):
            return f"needs {what}: apt-get install chromium chromium-driver"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "needs selenium, of the extra [test]"
    return ""


class Browser:
    """One window. ``driver``: selenium's own, for what is not here."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        """Go there, and wait until its scripts have run; pictures and streams are not waited for."""
        self.driver.get(url)

    def run(self, script: str, *arguments: object) -> Any:
        """What a JavaScript of the page returns."""
        return self.driver.execute_script(script, *arguments)

    def text(self, selector: str) -> str:
        """The text of the first element of this CSS selector; "" where there is none."""
        found = "const e = document.querySelector(arguments[0]); return e ? (e.innerText ?? e.textContent) : ''"
        return str(self.run(found, selector))

    def count(self, selector: str) -> int:
        """How many elements there are of it."""
        return int(self.run("return document.querySelectorAll(arguments[0]).length", selector))

    def shown(self, selector: str) -> bool:
        """Whether the first one is there, and can be seen."""
        return bool(
            self.run("const e = document.querySelector(arguments[0]); return !!e && e.checkVisibility()", selector)
        )

    def click(self, selector: str) -> None:
        """With the mouse, where a person could."""
        self.driver.find_element("css selector", selector).click()

    def press(self, keys: str) -> None:
        """Keys, for whatever has the focus; those without a letter are in `selenium.webdriver.common.keys.Keys`."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(keys).perform()

    def wait(self, condition: Callable[[], object], seconds: float = PATIENCE_S) -> None:
        """Until it holds; fails where it never does. What it raises meanwhile counts as not yet."""
        end, last = time.monotonic() + seconds, ""
        while time.monotonic() < end:
            try:
                if condition():
                    return
                last = ""
            except Exception as error:
                last = f": {error!r}"
            time.sleep(0.05)
        pytest.fail(f"it did not come within {seconds:g} s{last}; complaints: {self.complaints()}")

    def forget(self) -> None:
        """From here on it is as if it had just been opened."""
        self.open("about:blank")
        self._cdp("Network.clearBrowserCache")
        self._cdp("Storage.clearDataForOrigin", origin="*", storageTypes="all")
        self._cdp("Page.setBypassCSP", enabled=False)
        self._cdp("Emulation.setEmulatedMedia", features=[])
        self.offline(False)
        self.resize(*SIZE)
        self.driver.set_page_load_timeout(PATIENCE_S)
        self.driver.set_script_timeout(PATIENCE_S)
        self.complaints()

    def resize(self, width: int, height: int) -> None:
        """The page itself becomes so large, CSS pixels."""
        self._cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def dark(self, dark: bool = True) -> None:
        """As if the machine were set to dark or light."""
        value = "dark" if dark else "light"
        self._cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    def offline(self, offline: bool = True) -> None:
        """As if the network were gone, or back."""
        self._cdp("Network.enable")
        self._cdp(
            "Network.emulateNetworkConditions", offline=offline, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )

    def screenshot(self, path: Path) -> Path:
        """The window as a PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))
        return path

    def complaints(self) -> list[str]:
        """What the console has told as an error since the last time: exceptions, files that are not there, CSP."""
        with suppress(Exception):
            return [str(one["message"]) for one in self.driver.get_log("browser") if one["level"] == "SEVERE"]
        return ["the browser is gone"]

    def violations(self, *without: str) -> list[str]:
        """What axe-core finds that is serious or critical, a line each; skips the test where it is not there.

        ``without``: rules that are left out.
        """
        if not AXE.is_file():
            pytest.skip("needs axe-core: make axe")
        self._cdp("Page.setBypassCSP", enabled=True)  # the script is ours, the page's own policy is none of it
        self.driver.execute_script(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const [rules, done] = arguments;"
            "axe.run(document, {rules, resultTypes: ['violations']}).then(done, error => done({error: String(error)}))",
            {name: {"enabled": False} for name in without},
        )
        assert "error" not in found, found
        return [
            f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']][:5]}"
            for one in found["violations"]
            if one["impact"] in SERIOUS
        ]

    def _cdp(self, command: str, **arguments: object) -> None:
        self.driver.execute_cdp_cmd(command, arguments)


@contextmanager
def opened(width: int = SIZE[0], height: int = SIZE[1]) -> Iterator[Browser]:
    """A browser with a fresh profile, as long as the block runs; it contacts nobody but this machine."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, CHROMIUM)))
    options.page_load_strategy = "eager"  # a page with a stream is never loaded
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # the server of the driver stands on this machine; a proxy of the environment does not
    os.environ.setdefault("NO_PROXY", "localhost,127.0.0.1")
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        service = Service(executable_path=next(filter(None, map(shutil.which, DRIVER))))
        driver = webdriver.Chrome(options=options, service=service)
        try:
            driver.set_page_load_timeout(PATIENCE_S)
            driver.set_script_timeout(PATIENCE_S)
            browser = Browser(driver)
            browser.resize(width, height)
            yield browser
        finally:
            driver.quit()


@pytest.fixture
def browser(window: Browser) -> Browser:
    """The window of the test file, empty: what the page of an earlier test complained of is over."""
    window.open("about:blank")
    window.complaints()
    return window


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[Browser]:
    """For a test file, which imports it beside `browser`."""
    chromium.forget()
    yield chromium
    chromium.open("about:blank")  # no page of it goes on beside the tests of others


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One for all test files, whose tests `tests.support.forked` leaves to one process: its start takes a second of
    processor time. It stands in tests/conftest.py.
    """
    if why := missing():
        pytest.skip(why)
    with opened() as one:
        yield one
