"""The reports of units as one, and the count of all their tracks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.archive.merge.facts import counts_of, report_of
from edge.archive.merge.join import join_units
from edge.errors import InputError
from edge.sinks.tracks.counts import NOT_FOLLOWED
from tests.support.survey_flights import fly

UNIT: dict[str, Any] = {
    "dropped": 1,
    "duplicates": 2,
    "lost": 3,
    "detections": {"deer": 2},
    "fps": 10.0,
    "latency_ms": {"p50": 3.0},
    "backend": "ort",
    "versions": {"numpy": "2"},
    "one_body": {"classes": [["deer", "hare"]], "boxes": 3},
    "health": {"scale": {"frames": 1, "times": 1, "first": {"seq": 0, "t": 0.0, "utc": None}}},
    "longest_step": {"doing": "read", "seconds": 1.0},
}


def units(tmp_path: Path, **second: Any) -> list[Path]:
    """Two parts of one line to the east, with two and one animals; the second track numbers begin again."""
    one = fly(tmp_path / "one", [(20, 0, 1), (60, 5, 1)], length=100, **UNIT)
    two = fly(tmp_path / "two", [(150, 0, 1)], begin=110, length=200, **{**UNIT, **second})
    return [one, two]


def test_sums_are_summed_and_what_differs_is_not_known(tmp_path: Path) -> None:
    both = units(
        tmp_path,
        backend="trt",
        versions={"numpy": "2", "cuda": "12"},
        ended="failed",
        error="no frame",
        longest_step={"doing": "infer", "seconds": 2.0},
    )
    said = report_of(both, "/flight", 3)
    assert (said["frames"], said["dropped"], said["duplicates"], said["lost"]) == (21, 2, 4, 6)
    assert (said["backend"], said["versions"], said["fps"], said["latency_ms"]) == (None, {"numpy": "2"}, None, {})
    assert (said["ended"], said["error"]) == ("end of source; failed", "no frame")
    assert (said["detections"], said["position"]["placed"]) == ({"deer": 4}, 3)
    assert said["one_body"] == {"classes": [["deer", "hare"]], "boxes": 6}
    assert (said["health"]["scale"]["frames"], said["longest_step"]["doing"]) == (2, "infer")
    assert (said["units"], said["units_missing"], said["source"]) == (2, 1, "/flight")
    assert report_of(both[:1], "/flight", 1)["backend"] == "ort"


def test_a_flight_is_counted_anew(tmp_path: Path) -> None:
    both = units(tmp_path)
    out = join_units(both, tmp_path / "flight")
    (out / "report.json").write_text(json.dumps(report_of(both, "flight", 2)))
    counts = counts_of(out, both)
    assert (counts["deer"].tracks, counts["deer"].count, counts["deer"].animals) == (3, 3, [[1], [2], [3]])
    assert (counts["Car"].tracks, counts["Car"].count) == (0, 0)


@pytest.mark.parametrize(("method", "count"), [(NOT_FOLLOWED, None), ("by hand", 0)])
def test_boxes_that_make_no_track_are_told(tmp_path: Path, method: str, count: int | None) -> None:
    both = units(tmp_path, detections={"Car": 7})
    (both[1] / "counts.json").write_text(
        json.dumps(
            {"Car": {"tracks": 0, "count": 0, "low": 0, "high": 0, "level": None, "method": method, "animals": []}}
        )
    )
    out = join_units(both, tmp_path / "flight")
    said = counts_of(out, both)["Car"]
    assert said.count == count
    assert said.method == (NOT_FOLLOWED if count is None else "none was followed: its 7 boxes came one by one; how "
                           "many were missed is not known")  # fmt: skip


def test_a_report_that_is_damaged_is_named(tmp_path: Path) -> None:
    both = units(tmp_path)
    (both[1] / "report.json").write_text("{")
    with pytest.raises(InputError, match=r"two/report.json: .*expected it as edge run writes it"):
        report_of(both, "flight", 2)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"dropped": "1"}, r"two/report\.json: dropped is '1'"),
        ({"dropped": 2**60}, r"two/report\.json: dropped is 1152921504606846976"),
        ({"health": {"scale": {"frames": 1}}}, r"two/report\.json: health.*has no 'times'"),
        ({"versions": {"numpy": []}}, r"two/report\.json: an entry of versions is wrong"),
        ({"position": {"placed": "3"}}, r"report\.json of one and those after it, position\.placed: .*'3'"),
        ({"position": {"assumed": [[]]}}, r"report\.json of one and those after it, position\.assumed: "),
    ],
)
def test_a_report_with_which_nothing_can_be_reckoned_is_refused(
    tmp_path: Path, second: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        report_of(units(tmp_path, **second), "/flight", 2)


def test_a_table_that_the_first_unit_lacks_has_nothing_in_common(tmp_path: Path) -> None:
    one, two = units(tmp_path)
    report = json.loads((one / "report.json").read_text())
    (one / "report.json").write_text(json.dumps({**report, "versions": None}))
    assert report_of([one, two], "/flight", 2)["versions"] == {}
