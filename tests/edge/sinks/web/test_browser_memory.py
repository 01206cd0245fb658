"""What a browser keeps of a long flight has an end: marks, layers of the map, names, the way, events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs starlette, of the extra [web]")
pytest.importorskip("uvicorn", reason="needs uvicorn, of the extra [web]")

from edge.sinks.web.marks import MOST_MARKS, MOST_WAY, Marks
from tests.support.browser import Browser, browser, window
from tests.support.shown_page import result, shown

__all__ = ["browser", "window"]
pytestmark = pytest.mark.timeout(180)

FLY = """
const [many, done] = arguments;
(async () => {
  const { FlightMap } = await import("/static/map.js");
  const { Log } = await import("/static/log.js");
  const box = document.createElement("div");
  box.id = "another";
  box.style = "width: 400px; height: 300px";
  document.body.append(box);
  const one = new FlightMap("another", () => {});
  const list = document.createElement("ul"), log = new Log(list, document.createElement("p"));
  const told = [];
  let before = document.getElementsByTagName("*").length;
  for (let n = 0; n < many; n += 500) {
    for (let track = n + 1; track <= n + 500; track++) {
      one.mark({ track, class: "Deer", kind: "animal", lat: 47 + track * 1e-6, lon: 11, sigma_m: 2 });
      one.go([[47 + track * 1e-6, 11]]);
      log.add({ utc: "2026-05-01T04:00:00+00:00", level: "info", kind: "found", number: track, text: "Deer" });
    }
    one.forget();
    one.labels.place();
    const layers = Object.keys(one.map._layers).length;
    const nodes = document.getElementsByTagName("*").length - before;
    const kept = { marks: one.marks.size, names: one.labels._names.size, way: one.way.getLatLngs().length };
    told.push({ ...kept, layers, nodes, log: list.childElementCount });
  }
  told.at(-1).oldest = one.marks.keys().next().value;
  told.at(-1).end = one.way.getLatLngs().at(-1).lat;
  done(told);
})().catch((error) => done(String(error)));
"""


def test_after_three_thousand_tracks_the_newest_are_kept(browser: Browser, tmp_path: Path) -> None:
    with shown(tmp_path) as one:
        one.page.note(result(0))
        browser.open(one.url)
        browser.wait(lambda: browser.text("#state-text") == "Detecting")
        browser.driver.set_script_timeout(150)  # a second of work, on a busy machine
        told: list[dict[str, Any]] = browser.driver.execute_async_script(FLY, 3000)
        assert isinstance(told, list), told
        last, early = told[-1], told[-2]
        assert (last["marks"], last["names"], last["log"]) == (MOST_MARKS, MOST_MARKS, 300)
        assert last["oldest"] == 3000 - MOST_MARKS + 1
        assert MOST_WAY / 2 - 1 <= last["way"] <= MOST_WAY
        assert last["end"] == pytest.approx(47.003, abs=2e-6)
        assert last["layers"] == early["layers"] <= 2 * MOST_MARKS + 10
        assert last["nodes"] <= early["nodes"] + 20  # names in the picture
        assert browser.complaints() == []


def test_the_server_leaves_out_as_many() -> None:
    marks = Marks(("Deer",), most=5)
    for n in range(1, 13):
        marks.note(result(n * 200, tracks=[n]))
    told = marks.since(0)
    assert [mark["track"] for mark in told["marks"]] == list(range(8, 13))
    assert told["left_out"] == 7
    assert len(marks._sightings._known) == 1  # of a track that is gone nothing else is kept
