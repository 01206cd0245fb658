"""The page in a real browser: the picture moves, figures change, an event comes; reloads and lost connections."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs starlette, of the extra [web]")
pytest.importorskip("uvicorn", reason="needs uvicorn, of the extra [web]")

from edge.sinks.web.tiles import look_at
from tests.support.browser import Browser, browser, window
from tests.support.pmtiles_file import write_pmtiles
from tests.support.shown_page import Shown, feeding, result, shown

__all__ = ["browser", "window"]
EVIL = "<img src=x onerror=document.title='broken'>"

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Shown]:
    with shown(tmp_path, (EVIL,), links={"Review": "/review"}) as it:
        yield it


def drawn(browser: Browser) -> str:
    """A digest of what the picture shows now."""
    pixels = browser.run(
        "const c = document.createElement('canvas'); c.width = c.height = 8; const p = c.getContext('2d');"
        "p.drawImage(document.getElementById('picture'), 0, 0, 8, 8); return [...p.getImageData(0, 0, 8, 8).data]"
    )
    return hashlib.sha256(bytes(pixels)).hexdigest()


def test_a_flight(browser: Browser, one: Shown) -> None:
    with feeding(one.page, lambda seq: result(seq, tracks=[1 + seq // 100])):
        browser.open(one.url)
        browser.wait(lambda: browser.text("#state-text") == "Detecting")
        browser.wait(lambda: browser.run("return document.getElementById('picture').naturalWidth") > 0)
        before = drawn(browser)
        browser.wait(lambda: drawn(browser) != before)  # the picture moves

        one.vitals = one.vitals._replace(tracks={EVIL: 7}, frames=12345, disk_free=3_400_000_000)
        browser.wait(lambda: browser.text("#frames") == "12\u202f345")
        browser.wait(lambda: "7" in browser.text("#counts"))
        assert browser.text("#disk") == "3.4"
        counted = {"tracks": 7, "count": 5, "low": 4, "high": 9, "level": 0.9, "method": "m", "animals": []}
        assert one.page.folder is not None
        (one.page.folder / "counts.json").write_text(json.dumps({EVIL: counted}))
        browser.wait(lambda: "4 to 9" in browser.text("#counts"))
        assert "90 % interval" in browser.text("#counts-note")
        assert browser.text("#counts-note").endswith("ago, of 7 tracks")  # more may have come since

        one.page.notice("lower rate because of heat")
        browser.wait(lambda: "lower rate because of heat" in browser.text("#log"))
        assert f"{EVIL} 1 found" in browser.text("#log")  # text, and no picture of it
        assert browser.count("#log img, #counts img, #now img, #map img") == 0
        browser.wait(lambda: "1 position" in browser.text("#map-note"))
        assert browser.count("#map .aircraft") == 1
        assert "plain grid in metres" in browser.text("#map-note")
        assert browser.text("#pages a") == "Review"
        assert browser.complaints() == []


def test_a_reload_loses_no_event(browser: Browser, one: Shown) -> None:
    one.page.note(result(0))
    for i in range(3):
        one.page.events.add("link", "warning", f"event {i}")
    browser.open(one.url)
    browser.wait(lambda: browser.count("#log li") == 4)
    browser.driver.refresh()
    browser.wait(lambda: browser.count("#log li") == 4)
    assert browser.text("#log li").endswith("event 2")
    assert not browser.shown("#missed")


def test_events_that_are_not_kept_are_counted(browser: Browser, one: Shown) -> None:
    for i in range(620):
        one.page.events.add("link", "warning", f"event {i}")
    browser.open(one.url)
    browser.wait(lambda: browser.text("#log li").endswith("event 619"))
    browser.wait(
        lambda: browser.text("#missed") == "320 older events are not shown"
    )  # 120 by the ring, 200 by the page
    assert browser.count("#log li") == 300


def test_no_frame_is_told_at_once(browser: Browser, one: Shown) -> None:
    one.page.note(result(0))
    one.vitals = one.vitals._replace(age_s=4.2)
    browser.open(one.url)
    browser.wait(lambda: browser.text("#state-text").startswith("STALE: no frame for"))
    assert browser.shown("#stale")
    browser.wait(
        lambda: browser.run("return document.getElementById('picture').naturalWidth") > 0
    )  # the last there was
    one.vitals = one.vitals._replace(age_s=0.1)
    browser.wait(lambda: browser.text("#state-text") == "Detecting")
    assert not browser.shown("#stale")


def test_a_connection_that_is_lost_comes_back(browser: Browser, one: Shown) -> None:
    one.page.note(result(0))
    browser.open(one.url)
    browser.wait(lambda: browser.text("#state-text") == "Detecting")
    seen = browser.count("#log li")
    one.stop()
    browser.wait(lambda: "trying again" in browser.text("#state-text"))
    assert browser.shown("#stale")
    one.page.events.add("link", "warning", "meanwhile")
    one.start()
    browser.wait(lambda: browser.text("#state-text") == "Detecting")
    browser.wait(lambda: browser.count("#log li") == seen + 1)  # what it missed, and nothing twice
    assert browser.text("#log li").endswith("meanwhile")
    browser.complaints()  # it said, rightly, that nobody answered


def test_another_run_begins_anew(browser: Browser, one: Shown, tmp_path: Path) -> None:
    one.page.note(result(0))
    browser.open(one.url)
    browser.wait(lambda: browser.count("#log li") == 1)
    one.stop()
    other = tmp_path / "other"
    other.mkdir()
    with shown(other, ("Deer",), port=one.port) as second:
        second.page.events.add("link", "good", "of another run")
        browser.wait(lambda: browser.text("#log").endswith("of another run"))
        assert browser.count("#log li") == 1
        browser.wait(lambda: "0 position" in browser.text("#map-note") or "No position" in browser.text("#map-note"))
    browser.complaints()


def test_keys(browser: Browser, one: Shown) -> None:
    browser.open(one.url)
    browser.wait(lambda: browser.text("#state-text") == "Detecting")
    browser.dark(False)
    light = browser.run("return getComputedStyle(document.body).backgroundColor")
    browser.press("t")
    assert browser.run("return getComputedStyle(document.body).backgroundColor") != light
    browser.driver.refresh()
    browser.wait(lambda: browser.run("return document.documentElement.dataset.theme") == "dark")  # it is remembered
    browser.press("t")
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == light
    browser.press("p")
    assert not browser.shown("#map")
    browser.press("p")
    assert browser.shown("#map")
    browser.press("?")
    assert browser.shown("#help")
    browser.press("\ue00c")  # escape
    assert not browser.shown("#help")
    browser.press("f")
    assert browser.run("return document.getElementById('follow').getAttribute('aria-pressed')") == "false"
    browser.press("m")
    assert browser.run("return document.activeElement.id") == "map"
    browser.press("e")
    assert browser.run("return document.activeElement.id") == "log-scroll"


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080), (820, 1180), (390, 800)])
@pytest.mark.parametrize("dark", [False, True])
def test_everybody_can_use_it(browser: Browser, one: Shown, width: int, height: int, dark: bool) -> None:
    one.vitals = one.vitals._replace(
        mission="a survey with a long name, " * 5,
        conditions=frozenset({"low_contrast"}),
        degraded=("lower rate: frames are taken half as often (heat)",),
    )
    one.page.note(result(0))
    browser.resize(width, height)
    browser.dark(dark)
    try:
        browser.open(one.url)
        browser.wait(lambda: "low contrast" in browser.text("#health"))
        assert browser.run("return document.documentElement.scrollWidth") <= width
        if width >= 1366:  # all at a glance
            assert browser.run("return document.documentElement.scrollHeight") <= height
        assert browser.violations() == []
    finally:
        browser.resize(1366, 768)


def test_nothing_moves_while_figures_come(browser: Browser, one: Shown) -> None:
    browser.open(one.url)
    browser.wait(lambda: browser.text("#state-text") == "Detecting")
    one.vitals = one.vitals._replace(age_s=9.0)
    browser.wait(lambda: browser.text("#state-text").startswith("STALE"))
    places = "return ['figures', 'picture-frame', 'map', 'counts-panel', 'log-panel', 'state'].map("
    places += "id => Object.values(document.getElementById(id).getBoundingClientRect().toJSON()))"
    before = browser.run(places)
    one.vitals = one.vitals._replace(
        frames=98_765_432, dropped=1_234_567, fps=123.4, latency_ms={"p50": 12_345.0}, disk_free=12_345_678_901_234,
        age_s=0.1, state="waiting", doing="a long word of what it waits for, " * 9,
        conditions=frozenset({"drift", "frozen"}),
        tracks={f"class {i}": i for i in range(30)},
    )  # fmt: skip
    one.page.note(result(0))
    browser.wait(lambda: browser.text("#state-text") == "Waiting")
    assert browser.run(places) == before


def test_for_another_file_of_tests_it_is_as_new(browser: Browser, one: Shown) -> None:
    state = (
        "return [localStorage.getItem('mine'), document.cookie, matchMedia('(prefers-color-scheme: dark)').matches,"
        "innerWidth, innerHeight]"
    )
    browser.forget()
    browser.open(one.url)
    before = browser.run(state)
    browser.run("localStorage.setItem('mine', '1'); document.cookie = 'mine=1; max-age=99'")
    browser.dark(not before[2])
    browser.resize(500, 400)
    assert browser.run(state) == ["1", "mine=1", not before[2], 500, 400]
    browser.offline()
    browser.forget()
    browser.open(one.url)
    assert browser.run(state) == before == [None, "", False, 1366, 768]


def test_tiles_from_a_file(browser: Browser, tmp_path: Path) -> None:
    done, png = cv2.imencode(".png", np.full((256, 256, 3), 200, np.uint8))
    assert done
    path = write_pmtiles(tmp_path / "area.pmtiles", {(0, 0, 0): png.tobytes()})
    with shown(tmp_path, tiles=look_at(path)) as one:
        browser.open(one.url)
        browser.wait(lambda: browser.run("return [...document.querySelectorAll('#map img')].some(i => i.naturalWidth)"))
        assert "grid" not in browser.text("#map-note")
        assert browser.complaints() == []


def test_tiles_that_are_broken_further_in(browser: Browser, tmp_path: Path) -> None:
    """The head is right, so that it was taken: the page says it itself, and draws its grid."""
    path = write_pmtiles(tmp_path / "area.pmtiles", {(0, 0, 0): b"png"})
    path.write_bytes(path.read_bytes()[:127])
    with shown(tmp_path, tiles=look_at(path)) as one:
        browser.open(one.url)
        browser.wait(lambda: "the map file cannot be read" in browser.text("#map-note"))
        assert browser.count("#map canvas") >= 1
        browser.complaints()


def test_the_token_does_not_stay_in_the_address(browser: Browser, tmp_path: Path) -> None:
    with shown(tmp_path, everywhere=True) as one:
        browser.open(one.url)
        assert "open the address that edge run printed" in browser.text("body")
        browser.complaints()
        browser.open(f"{one.url}/?open=a-token-of-the-tests")
        browser.wait(lambda: browser.text("#state-text") == "Detecting")
        assert browser.driver.current_url == f"{one.url}/"
        browser.driver.refresh()
        browser.wait(lambda: browser.text("#state-text") == "Detecting")
        assert browser.run("return document.cookie") == ""  # no script reads it
        # the page that was refused has no icon of its own: a browser may ask for one later, and is refused again
        assert [one for one in browser.complaints() if "/favicon.ico" not in one] == []
