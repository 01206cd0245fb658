"""The reviewing page in a browser: by keys, in bulk, undone, loaded again; a frame that was missed; every size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="needs starlette, of the extra [web]")
pytest.importorskip("uvicorn", reason="needs uvicorn, of the extra [web]")

from edge.app.review.answers import Answers
from edge.app.review.store import FILE, Review
from edge.measure.faint_lines import FAINT_FROM
from tests.support.browser import Browser, browser, window  # noqa: F401
from tests.support.reviewed import flown
from tests.support.reviewing import Client, reviewing

SIZES = [(1366, 768), (1024, 768), (768, 1024)]  # a laptop, a tablet both ways
RIGHT, LEFT = "\ue014", "\ue012"
FURTHER = (
    "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', shiftKey: true, bubbles: true}))"
)


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flown(tmp_path_factory.mktemp("made") / "flight")


@pytest.fixture(scope="module")
def client(flight: Path) -> Iterator[Client]:
    with reviewing(Answers(flight)) as one:
        yield one


@pytest.fixture
def page(browser: Browser, client: Client, flight: Path) -> Browser:  # noqa: F811
    """Nothing is reviewed yet; the order is the tracks' own: 1, 2, ... and the faint ones, seen first, before them."""
    (flight / FILE).unlink(missing_ok=True)
    browser.resize(1366, 768)
    load(browser, client)
    browser.complaints()
    return browser


def load(page: Browser, client: Client) -> None:
    page.open(f"{client.url}/review")
    page.wait(lambda: page.run("return document.body.dataset.ready") == "yes")


def said(flight: Path) -> dict[int, str]:
    return {track: one.verdict for track, one in Review.read(flight).opinions.items()}


def test_five_tracks_by_keys_undo_and_load_again(page: Browser, client: Client, flight: Path) -> None:
    assert page.text("#count") == "0 of 8 reviewed"
    first = page.text("#title")
    assert first == "Animal, track faint 7"
    for key, count in zip("rwurw", range(1, 6), strict=True):
        page.press(key)
        page.wait(lambda count=count: page.text("#count") == f"{count} of 8 reviewed")
    order = [FAINT_FROM + 7, FAINT_FROM + 8, 1, 2, 3]
    page.wait(lambda: said(flight) == dict(zip(order, ["right", "wrong", "unsure", "right", "wrong"], strict=True)))
    assert page.text("#status") == "track 3: wrong. 5 of 8 reviewed"
    assert page.text("#title") == "Animal, track 4"  # it went on by itself
    page.press("z")
    page.wait(lambda: said(flight).get(3) is None)
    page.wait(lambda: page.text("#title") == "Person, track 3")
    assert page.text("#verdict") == "not reviewed"
    page.press(LEFT)
    assert page.text("#verdict") == "✓ right"
    load(page, client)
    assert page.text("#count") == "4 of 8 reviewed"
    page.press("z")  # of what was said before the page was loaded
    page.wait(lambda: said(flight).get(2) is None)
    assert page.complaints() == []


def test_another_class(page: Browser, flight: Path) -> None:
    page.run("document.getElementById('label').value = '2'")
    page.press("r")
    page.wait(lambda: FAINT_FROM + 7 in said(flight))
    assert Review.read(flight).opinions[FAINT_FROM + 7].label == 2
    assert page.run("return document.getElementById('label').value") == ""  # it is of one track
    page.press(LEFT)
    page.wait(lambda: page.text("#verdict") == "✓ right: Car")


def test_many_at_once(page: Browser, flight: Path) -> None:
    page.press("2")
    page.wait(lambda: page.count("#cards li") == 8)
    page.press(" ")
    page.run(FURTHER)
    page.run(FURTHER)
    assert page.text("#chosen") == "3 selected"
    page.press("w")
    page.wait(lambda: said(flight) == {FAINT_FROM + 7: "wrong", FAINT_FROM + 8: "wrong", 1: "wrong"})
    assert Review.read(flight).last == 1  # one line
    assert page.text("#chosen") == "0 selected"
    page.click("#pick-below")  # 0.4: the faint ones
    assert page.text("#chosen") == "2 selected"
    page.press("u")
    page.wait(lambda: said(flight)[FAINT_FROM + 7] == "unsure")
    page.press("z")
    page.wait(lambda: said(flight)[FAINT_FROM + 7] == "wrong")
    page.run(
        "const f = document.getElementById('f-class'); f.value = 'Person';"
        "f.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    page.wait(lambda: page.count("#cards li") == 2)
    page.press("a")
    page.press("r")
    page.wait(lambda: said(flight).get(6) == "right")
    assert said(flight) == {FAINT_FROM + 7: "wrong", FAINT_FROM + 8: "wrong", 1: "wrong", 3: "right", 6: "right"}
    assert page.complaints() == []


def test_what_is_filtered_away_is_not_selected_any_more(page: Browser, flight: Path) -> None:
    page.press("2")
    page.press("a")
    assert page.text("#chosen") == "8 selected"
    page.run(
        "const f = document.getElementById('f-kind'); f.value = 'faint';"
        "f.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    page.wait(lambda: page.text("#chosen") == "2 selected")
    page.press("w")
    page.wait(lambda: said(flight) == {FAINT_FROM + 7: "wrong", FAINT_FROM + 8: "wrong"})


def test_keys_of_a_field_say_nothing(page: Browser, flight: Path) -> None:
    page.click("#by")
    page.press("rwuz")
    assert page.run("return document.getElementById('by').value") == "rwuz"
    assert page.text("#count") == "0 of 8 reviewed"
    page.run("document.activeElement.blur()")
    page.press("r")
    page.wait(lambda: said(flight))
    assert Review.read(flight).opinions[FAINT_FROM + 7].n == 1
    assert '"by":"rwuz"' in (flight / FILE).read_text()
    page.run("localStorage.clear()")


def test_a_frame_that_was_missed(page: Browser, flight: Path) -> None:
    page.press("m")
    page.wait(lambda: page.run("return document.getElementById('whole').naturalWidth") == 160)
    assert page.text("#frame-title") == "Frame 0"
    page.press(RIGHT)
    page.wait(lambda: page.text("#frame-title") == "Frame 1")
    page.wait(lambda: page.run("return document.getElementById('whole').dataset.seq") == "1")
    assert "1 found" in page.text("#frame-note")
    page.run(
        "const c = document.getElementById('boxes'), a = c.getBoundingClientRect();"
        "const s = Math.min(a.width / 160, a.height / 128), l = (a.width - 160 * s) / 2, t = (a.height - 128 * s) / 2;"
        "c.setPointerCapture = () => {};"
        "for (const [kind, x, y] of [['pointerdown', 20, 10], ['pointermove', 60, 50], ['pointerup', 60, 50]])"
        "c.dispatchEvent(new PointerEvent(kind, {clientX: a.left + l + x * s, clientY: a.top + t + y * s}))"
    )
    page.press("m")
    page.wait(lambda: Review.read(flight).missed)
    (mark,) = Review.read(flight).missed
    assert mark.frame == 1
    assert mark.box == pytest.approx((20, 10, 60, 50), abs=0.2)
    page.wait(lambda: page.text("#status") == "missed in frame 1: kept as missed/000001.png")
    assert (flight / "missed/000001.png").is_file()
    assert page.count("#marks li") == 1
    page.press("z")
    page.wait(lambda: page.count("#marks li") == 0)
    assert page.complaints() == []


def test_what_cannot_be_kept_does_not_seem_kept(page: Browser, flight: Path) -> None:
    (flight / FILE).unlink(missing_ok=True)
    (flight / FILE).mkdir()
    try:
        page.press("r")
        page.wait(lambda: page.shown("#alert"))
        assert "it was not kept" in page.text("#alert")
    finally:
        (flight / FILE).rmdir()
    page.wait(lambda: page.text("#count") == "0 of 8 reviewed")
    page.press("r")
    page.wait(lambda: len(said(flight)) == 1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dark", [False, True])
def test_every_size_shows_all_buttons_and_shuts_nobody_out(page: Browser, size: tuple[int, int], dark: bool) -> None:
    page.resize(*size)
    page.dark(dark)
    for key in "123":
        page.press(key)
        for name in ("right", "wrong", "unsure", "missed", "undo"):
            area = page.run("return document.getElementById(arguments[0]).getBoundingClientRect().toJSON()", name)
            assert area["height"] >= 60
            assert area["width"] >= 60
            assert 0 <= area["left"] < area["right"] <= size[0]
            assert area["bottom"] <= size[1]
        assert page.run("return document.documentElement.scrollWidth") <= size[0]
    page.dark(False)


@pytest.mark.parametrize("key", "123")
def test_axe_finds_nothing(page: Browser, key: str) -> None:
    page.press(key)
    assert page.violations() == []


def test_verdicts_move_nothing(page: Browser) -> None:
    where = (
        "return ['crop', 'right', 'verdict', 'facts', 'on'].map(i => "
        "{const r = document.getElementById(i).getBoundingClientRect(); return [r.left, r.top, r.width]})"
    )
    page.press(RIGHT)
    before = page.run(where)
    page.press("r")
    page.wait(lambda: page.text("#count") == "1 of 8 reviewed")
    assert page.run(where) == before
