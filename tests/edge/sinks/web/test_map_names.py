"""The names of positions on the map, in a real browser: none covers another, a button or the aircraft."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="needs starlette, of the extra [web]")
pytest.importorskip("uvicorn", reason="needs uvicorn, of the extra [web]")

from tests.support.browser import Browser, browser, window
from tests.support.shown_page import result, shown

__all__ = ["browser", "window"]
pytestmark = pytest.mark.timeout(180)

NAMES = "#map .mark-name:not([hidden])"
PLACES = "return [...document.querySelectorAll(arguments[0])].map(e => e.getBoundingClientRect().toJSON())"


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    across = one["left"] < other["right"] and other["left"] < one["right"]
    return across and one["top"] < other["bottom"] and other["top"] < one["bottom"]


def places(browser: Browser, selector: str) -> list[dict[str, float]]:
    return list(browser.run(PLACES, selector))


@pytest.mark.parametrize(("tracks", "least", "most"), [(3, 3, 3), (24, 4, 10)])
def test_none_covers_another(browser: Browser, tmp_path: Path, tracks: int, least: int, most: int) -> None:
    boxes = [(3 * i, 10, 3 * i + 2, 14) for i in range(tracks)]  # all at one place on the ground
    with shown(tmp_path) as one:
        one.page.note(result(0, boxes=boxes, tracks=range(1, tracks + 1)))
        browser.open(one.url)
        browser.wait(lambda: f"{tracks} positions" in browser.text("#map-note"))
        browser.wait(lambda: browser.count(NAMES) > 0)
        names = places(browser, NAMES)
        assert least <= len(names) <= most
        assert not any(overlap(a, b) for a, b in combinations(names, 2))
        others = places(browser, "#map .leaflet-control, #map .aircraft")
        assert len(others) == 3
        assert not any(overlap(name, other) for name in names for other in others)
        (frame,) = places(browser, "#map")
        inside = [n["left"] >= frame["left"] and n["right"] <= frame["right"] for n in names]
        assert all(inside)
        assert browser.complaints() == []


def test_the_newest_is_named_first(browser: Browser, tmp_path: Path) -> None:
    boxes = [(3 * i, 10, 3 * i + 2, 14) for i in range(24)]
    with shown(tmp_path) as one:
        one.page.note(result(0, boxes=boxes, tracks=range(1, 25)))
        browser.open(one.url)
        browser.wait(lambda: browser.count(NAMES) > 0)
        told = browser.run("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", NAMES)
        assert any(name.startswith("Person 24 ") for name in told)
        assert not any(name.startswith("Person 1 ") for name in told)
