"""What a run has written and a command reads again: the recording, detections, tracks, counts, reports."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import tempfile
from pathlib import Path

import numpy as np

from edge.errors import EdgeError, InputError
from tests.fuzz import repair
from tests.fuzz.target import READING, Target

FILES = ("coco", "megadetector", "camtrap-dp")


@functools.cache
def flown() -> dict[str, bytes]:
    """The files of a run by name."""
    from tests.support.flight_folder import flight

    with tempfile.TemporaryDirectory() as name:
        folder = flight(Path(name) / "out")
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@functools.cache
def aligned() -> dict[str, bytes]:
    """The files of a run that `edge align` reads: a lens, and objects that were seen on several headings."""
    from benchmarks.ground.alignment import ERRORS
    from benchmarks.ground.flights import fly
    from tests.edge.app.after.test_alignment import write

    position = {
        "placed": 6, "refused": {"no pose": 1}, "camera": "a lens", "ground": "level", "assumed": ["sigma"],
        "alignment": None,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = write(Path(name), fly(np.random.default_rng(0), ERRORS, -90.0, objects=16, fps=0.5), None)
        report = json.loads((folder / "report.json").read_bytes())
        report = {"started": "2026-05-01T06:00:00+00:00", "position": position | report["position"]}
        found = {file: (folder / file).read_bytes() for file in ("detections.jsonl", "counts.json")}
    return found | {"report.json": json.dumps(report).encode()}


def _lay_out(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def recordings() -> dict[str, bytes]:
    from edge.camera.open import open_camera
    from edge.recording import Origin, RecordingWriter

    found = {}
    for name, source in (
        ("8bit", "sim:live=0,width=40,height=32,frames=4,cooling=0"),
        ("16bit", "sim:live=0,width=40,height=32,frames=4"),
    ):
        with tempfile.TemporaryDirectory() as folder, open_camera(source) as camera:
            writer = RecordingWriter(
                Path(folder) / "r", Origin("a camera", live=True, fps=9.0, mask=np.zeros((32, 40), bool))
            )
            for _ in range(4):
                if (frame := camera.read()) is not None:
                    writer.write(frame)
            writer.close()
            found[name] = next((Path(folder) / "r").glob("*.rec")).read_bytes()
    return found


def replay(folder: Path, data: bytes) -> None:
    from edge.camera.open import open_camera

    (folder / "segment-000000.rec").write_bytes(data)
    with open_camera(f"rec:{folder}") as camera:
        while camera.read() is not None:
            pass


def detections() -> dict[str, bytes]:
    return {"few": flown()["detections.jsonl"], "poses": aligned()["detections.jsonl"]}


def hand_over(folder: Path, data: bytes) -> None:
    from edge.app.after.hand_over import hand_over as write

    _lay_out(folder, flown() | {"detections.jsonl": data})
    write(folder, FILES, (47.0, 8.0))


def verify(folder: Path, data: bytes) -> None:
    from edge.recording.verify import Verifier

    _lay_out(folder, flown() | {"detections.jsonl": data})
    made = Verifier(folder / "detections.jsonl", ("Person", "deer", "hot spot"))
    made.report("null")
    made.error({"model": "tiny"})


def verify_report(folder: Path, data: bytes) -> None:
    from edge.recording.verify import _changed

    _lay_out(folder, {"report.json": data})
    _changed(folder / "report.json", {"model": "tiny", "backend": "ort", "source": "x", "threshold": 0.5})


def tracks() -> dict[str, bytes]:
    return {"two": flown()["tracks.jsonl"]}


def hand_over_tracks(folder: Path, data: bytes) -> None:
    from edge.app.after.hand_over import OF_TRACKS
    from edge.app.after.hand_over import hand_over as write

    _lay_out(folder, flown() | {"tracks.jsonl": data})
    write(folder, (*OF_TRACKS, "camtrap-dp"), None)


def reports() -> dict[str, bytes]:
    return {"short": flown()["report.json"], "aligned": aligned()["report.json"]}


def with_report(folder: Path, data: bytes) -> None:
    from edge.app.after.alignment import alignment_of
    from edge.app.after.hand_over import hand_over as write

    _lay_out(folder, flown() | aligned() | {"report.json": data})
    write(folder, ("camtrap-dp",), (47.0, 8.0))
    alignment_of(folder)


def counts() -> dict[str, bytes]:
    return {"one": aligned()["counts.json"]}


def with_counts(folder: Path, data: bytes) -> None:
    from edge.app.after.alignment import alignment_of

    _lay_out(folder, aligned() | {"counts.json": data})
    alignment_of(folder)


def with_poses(folder: Path, data: bytes) -> None:
    from edge.app.after.alignment import alignment_of

    _lay_out(folder, aligned() | {"detections.jsonl": data})
    alignment_of(folder)


@functools.cache
def benches() -> dict[str, bytes]:
    from edge.commands.main import main
    from tests.conftest import write_bundle

    with tempfile.TemporaryDirectory() as name:
        path, bundle = Path(name) / "b.json", write_bundle(Path(name) / "bundle")
        words = ["--seconds", "0.02", "--runs", "3", "--warm-up", "0", "--no-cold-start", "--backend", "null"]
        source = "sim:live=0,width=80,height=64,frames=4"
        with contextlib.redirect_stdout(io.StringIO()):
            assert main(["bench", "--model", str(bundle), "--source", source, *words, "--json", str(path)]) == 0
        return {"report": path.read_bytes(), "results": (Path(name) / "b.results.csv").read_bytes()}


def compare(folder: Path, data: bytes) -> None:
    from edge.app.bench.compare import compare as read

    _lay_out(folder, {"b.json": data, "b.results.csv": benches()["results"], "a.json": benches()["report"]})
    _lay_out(folder, {"a.results.csv": benches()["results"]})
    read(folder / "a.json", folder / "b.json")


def bench_reports() -> dict[str, bytes]:
    return {"report": benches()["report"]}


def labelled() -> dict[str, bytes]:
    said = {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 9, 12], "iscrowd": 0}],
    }
    return {"coco": json.dumps(said).encode()}


def read_labelled(folder: Path, data: bytes) -> None:
    from edge.measure.labelled_frames import read_labelled as read

    (folder / "a.png").write_bytes(b"png")
    (folder / "l.json").write_bytes(data)
    read(folder / "l.json", folder, ("Person",))


ALL = (EdgeError,)
ROWS = (
    Target("recording", recordings, replay, raises=READING, repair=repair.recording),
    Target("detections", detections, hand_over, "lines"),
    Target("poses", detections, with_poses, "lines"),
    Target("verify", detections, verify, "lines", raises=ALL),
    Target("verify-report", reports, verify_report, "json"),
    Target("tracks", tracks, hand_over_tracks, "lines"),
    Target("report", reports, with_report, "json"),
    Target("counts", counts, with_counts, "json"),
    Target("bench", bench_reports, compare, "json"),
    Target("labelled", labelled, read_labelled, "json", raises=(InputError,)),
)
