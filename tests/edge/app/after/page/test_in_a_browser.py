"""The page as a person uses it: opened from the disk by a browser that has no network."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from edge.app.after.report import write_flight_report
from edge.app.review.store import Review
from tests.support.browser import Browser, browser, window  # noqa: F401
from tests.support.survey_flights import fly

EVIL = "</script><script>document.title='bad'</script><img src=x onerror=\"document.title='bad'\">"
SPOTS = [(30.0 + 12 * i, 2.0 * (i % 5), i % 2) for i in range(30)]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = fly(tmp_path_factory.mktemp("flights") / "f", SPOTS, length=400, classes=("Car", EVIL), crops=3)
    Review.read(folder).add("wrong", [2])
    write_flight_report([folder])
    return folder / "report.html"


@pytest.fixture
def page(browser: Browser, report: Path) -> Browser:  # noqa: F811
    browser.open(report.as_uri())
    browser.wait(lambda: browser.run("return document.documentElement.dataset.ready") == "yes")
    return browser


def test_it_opens_without_an_error_and_asks_nobody_for_anything(page: Browser) -> None:
    assert page.complaints() == []
    assert (
        page.run("return performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:')).length") == 0
    )
    assert page.run("return document.title") == "f: report"
    assert page.count("#proof-cards button") == 24
    assert page.run("return [...document.images].filter(i => i.naturalWidth === 12).length") >= 24
    assert page.text("#proof-cards-pages .said") == "1 to 24 of 30 individuals"
    assert page.run("return document.querySelectorAll('script').length > 20 && document.title !== 'bad'")


def test_keys_page_through_a_proof_and_through_the_individuals(page: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    page.run("document.querySelector('#proof-cards button').focus()")
    page.press(Keys.ENTER)
    page.wait(lambda: page.shown("#viewer"))
    assert page.text("#viewer-title") == "Car, individual 1"
    assert page.text("#viewer-page") == "picture 1 of 3"
    first = page.run("return document.getElementById('viewer-image').src")
    page.press(Keys.ARROW_RIGHT)
    assert page.text("#viewer-page") == "picture 2 of 3"
    assert page.run("return document.getElementById('viewer-image').src") != first
    page.press(Keys.ARROW_RIGHT * 5)
    assert page.text("#viewer-page") == "picture 3 of 3"
    page.press(Keys.ARROW_DOWN)
    assert page.text("#viewer-at") == "2 of 30"
    page.press(Keys.END)
    assert page.text("#viewer-at") == "30 of 30"
    facts = page.text("#viewer-facts")
    assert "± 1.0\xa0m" in facts
    assert "2026-05-01 04:3" in facts
    page.press(Keys.ESCAPE)
    page.wait(lambda: not page.shown("#viewer"))
    assert page.complaints() == []


def test_tracks_are_filtered_sorted_and_shown_as_pictures(page: Browser) -> None:
    rows = "return [...document.querySelectorAll('#track-rows tr')].map(r => r.cells[0].innerText)"
    assert len(page.run(rows)) == 25
    choose = (
        "const e = document.getElementById(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('input'))"
    )
    page.run(choose, "filter-verdict", "2")
    assert page.run(rows) == ["2"]
    page.run(choose, "filter-verdict", "")
    page.run(choose, "filter-class", "1")
    assert page.text("#track-rows-pages") == "1 to 15 of 15 tracks"
    page.run("document.querySelector('#track-head [data-name=track] button').click()")
    assert page.run(rows)[:3] == ["2", "4", "6"]
    page.run("document.querySelector('#track-head [data-name=track] button').click()")
    assert page.run(rows)[:2] == ["30", "28"]
    assert page.run("return document.querySelector('#track-head [data-name=track]').ariaSort") == "descending"
    assert page.text("#told").startswith("sorted by track")
    page.run("document.getElementById('view-cards').click()")
    assert page.count("#track-cards button") == 15
    assert not page.shown("#track-rows")
    page.run("document.querySelector('#filters button[type=reset]').click()")
    page.wait(lambda: page.text("#track-rows-pages .said") == "1 to 25 of 30 tracks")


def test_the_map_moves_by_keys_and_shows_a_track(page: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    ink = "const c = document.getElementById('map-canvas'); return c.toDataURL().length"
    before = page.run(ink)
    page.run("document.getElementById('map-canvas').focus()")
    page.press("+++" + Keys.ARROW_RIGHT)
    assert page.run(ink) != before
    page.run("showOnMap(3)")
    assert "Car 7: 47." in page.text("#map-told")
    assert "± 1.0\xa0m" in page.text("#map-told")
    page.press("0")
    assert page.complaints() == []


def test_nothing_is_wider_than_the_page_and_paper_is_white(page: Browser) -> None:
    try:
        for width, height in ((1366, 768), (1920, 1080), (820, 1180), (600, 900)):
            page.resize(width, height)
            assert page.run("return document.documentElement.scrollWidth <= innerWidth"), width
        page.dark()
        assert page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 27)"
        made = page.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
        data = base64.b64decode(made["data"])
        assert data.startswith(b"%PDF")
        assert len(data) > 20_000
        # after the print it is a page for the screen again
        assert page.run("return document.documentElement.dataset.print ?? 'gone'") == "gone"
    finally:
        page.dark(False)
        page.resize(1366, 768)
    assert page.complaints() == []


def test_serious_faults_of_access(page: Browser) -> None:
    assert page.violations() == []


def test_a_flight_without_tracks_and_places_opens_too(browser: Browser, tmp_path: Path) -> None:  # noqa: F811
    folder = fly(tmp_path / "f", [])
    lines = [json.loads(line) for line in (folder / "detections.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("pose", None)
    (folder / "detections.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_flight_report([folder])
    browser.open((folder / "report.html").as_uri())
    browser.wait(lambda: browser.run("return document.documentElement.dataset.ready") == "yes")
    assert browser.complaints() == []
    assert "No map: nobody knows where the aircraft was" in browser.text("#map")
