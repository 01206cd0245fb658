"""`edge align`: the same from a run's files as from the sightings that are in them; what is missing is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.ground.alignment import ERRORS
from benchmarks.ground.flights import CAMERA, Flown, fly
from edge.app.after.alignment import alignment_of
from edge.commands.main import main
from edge.errors import InputError
from edge.geo import Mounting, align


@pytest.fixture(scope="module")
def flight() -> Flown:
    return fly(np.random.default_rng(0), ERRORS, -90.0, objects=25, fps=2.0)


def write(folder: Path, flight: Flown, position: Any = None, poses: bool = True) -> Path:
    """A run's folder: each object has a track of its own on each pass, and counts.json says which are one."""
    seen = flight.sightings
    first = {"width": 640, "height": 512}
    lines: list[Any] = [{"format": 1, "frame": first, "crop": None, "classes": ["Person"], "model": None}]
    tracks: dict[int, set[int]] = {}
    for seq, (number, (u, v), t, pose) in enumerate(zip(seen.objects, seen.uv, seen.t, seen.poses, strict=True)):
        track = 1 + int(number) * 100 + int(flight.passes[seq])
        tracks.setdefault(int(number), set()).add(track)
        box = [u - 0.01, v - 0.01, u + 0.01, v + 0.01]
        found = [{"box": box, "score": 0.9, "label": 0, "class": "Person", "track": track}]
        found.append({**found[0], "box": [0, 0, 9, 9], "track": 99999})  # of no animal that was counted
        found.append({**found[0], "box": [0, 0, 9, 9], "score": 0.2})
        where = [pose.latitude, pose.longitude, pose.height, pose.yaw, pose.pitch, pose.roll]
        line = {"seq": seq, "t": float(t), "utc": None, "flags": [], "detections": found}
        lines.append({**line, "pose": where} if poses else line)
    (folder / "detections.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    count = {"tracks": 1, "count": 1, "low": 1, "high": 1, "level": 0.9, "method": ""}
    animals = [sorted(of) for of in tracks.values()]
    (folder / "counts.json").write_text(json.dumps({"Person": {**count, "animals": animals}}))
    lens = [CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy]
    position = position or {"intrinsics": lens}
    said = {"placed": 1, "refused": {}, "camera": "", "ground": "", "assumed": [], **position}
    (folder / "report.json").write_text(json.dumps({"position": said, "frames": 1}))
    return folder


def test_from_its_files_as_from_what_was_seen(
    flight: Flown, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected, found = align(flight.sightings, CAMERA), alignment_of(write(tmp_path, flight)).left
    for name in ("yaw_deg", "pitch_deg", "roll_deg", "height_offset_m"):
        assert getattr(found.mounting, name) == pytest.approx(getattr(expected.mounting, name), abs=0.01)
    assert (found.objects, found.moving) == (expected.objects, expected.moving)
    assert main(["align", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert str(found) in said.replace("\n", " ").replace("  ", " ")
    assert f"--mounting yaw_deg={found.mounting.yaw_deg:.3f}," in said


def test_the_mounting_that_the_run_had_is_taken_first_and_is_in_the_next_one(
    flight: Flown, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The camera looks straight down from an aircraft whose poses are those of its nose."""
    down, seen = Mounting(pitch_deg=-90.0), flight.sightings
    nose = Mounting(pitch_deg=90.0)
    told = replace(flight, sightings=replace(seen, poses=[nose.apply(pose) for pose in seen.poses]))
    assert abs(told.sightings.poses[0].pitch) < 5
    write(tmp_path, told)
    with pytest.raises(InputError, match=r"75 degrees of nadir.*nose, run it again with --mounting pitch_deg=-90"):
        alignment_of(tmp_path)
    lens = [CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy]
    write(tmp_path, told, {"intrinsics": lens, "mounting": str(down)})
    found, expected = alignment_of(tmp_path), align(seen, CAMERA)
    assert found.left.mounting.pitch_deg == pytest.approx(expected.mounting.pitch_deg, abs=0.02)
    assert found.left.after_m == pytest.approx(expected.after_m, abs=0.02)
    assert found.next == found.left.mounting.after(down)
    assert main(["align", str(tmp_path)]) == 0
    assert f"next: edge run ... --mounting {found.next}" in capsys.readouterr().out
    assert found.next.pitch_deg < -80


def test_what_is_missing_is_named(flight: Flown, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, flight, {"intrinsics": None})
    assert main(["align", str(tmp_path)]) == 2
    assert "names no lens: run it again with --lens" in capsys.readouterr().err
    write(tmp_path, flight, poses=False)
    with pytest.raises(InputError, match="no track was seen from a known pose: run it again with --pose"):
        alignment_of(tmp_path)
    (tmp_path / "counts.json").write_text("{")
    with pytest.raises(InputError, match=r"counts\.json: .*: expected it as edge run writes it"):
        alignment_of(tmp_path)
    (tmp_path / "counts.json").unlink()
    with pytest.raises(InputError, match=r"cannot read .*counts\.json: No such file.*: expected the folder of a run"):
        alignment_of(tmp_path)
