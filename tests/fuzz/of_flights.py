"""What a run has written and a command reads again: the recording, detections, tracks, counts, reports."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edge.errors import EdgeError
from tests.fuzz import repair
from tests.fuzz.folder import put
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

    put(folder / "segment-000000.rec", data)
    with open_camera(f"rec:{folder}") as camera:
        while camera.read() is not None:
            pass


def detections() -> dict[str, bytes]:
    return {"few": flown()["detections.jsonl"], "poses": aligned()["detections.jsonl"]}


def hand_over(folder: Path, data: bytes) -> None:
    from edge.app.after.hand_over import hand_over as write

    put(folder / "detections.jsonl", data)
    write(folder, FILES, (47.0, 8.0))


def verify(folder: Path, data: bytes) -> None:
    from edge.recording.verify import Verifier

    put(folder / "detections.jsonl", data)
    made = Verifier(folder / "detections.jsonl", ("Person", "deer", "hot spot"))
    made.report("null")
    made.error({"model": "tiny"})


def verify_report(folder: Path, data: bytes) -> None:
    from edge.recording.verify import _changed

    put(folder / "report.json", data)
    _changed(folder / "report.json", {"model": "tiny", "backend": "ort", "source": "x", "threshold": 0.5})


def tracks() -> dict[str, bytes]:
    return {"two": flown()["tracks.jsonl"]}


def hand_over_tracks(folder: Path, data: bytes) -> None:
    from edge.app.after.hand_over import OF_TRACKS
    from edge.app.after.hand_over import hand_over as write

    put(folder / "tracks.jsonl", data)
    write(folder, (*OF_TRACKS, "camtrap-dp"), None)


def reports() -> dict[str, bytes]:
    return {"short": flown()["report.json"], "aligned": aligned()["report.json"]}


def with_report(folder: Path, data: bytes) -> None:
    from edge.app.after.alignment import alignment_of
    from edge.app.after.hand_over import hand_over as write

    put(folder / "report.json", data)
    write(folder, ("camtrap-dp",), (47.0, 8.0))
    alignment_of(folder)


@functools.cache
def surveyed() -> dict[str, bytes]:
    """All files that `edge report` reads, of a flight with tracks, poses, a review and gaps."""
    from edge.app.review.store import Review
    from tests.support.survey_flights import fly

    ring = [[8.5, 47.4], [8.5, 47.41], [8.51, 47.4], [8.5, 47.4]]
    said = {"kind": "gap", "title": "Gap 1", "area_m2": 5.0}
    piece = {"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": said}
    with tempfile.TemporaryDirectory() as name:
        folder = fly(Path(name) / "f", [(50.0, 2.0, 0), (120.0, 4.0, 1)], crops=1)
        review = Review.read(folder)
        review.add("wrong", [1])
        review.add_missed(5)
        (folder / "coverage.geojson").write_text(json.dumps({"features": [piece], "search": "for deer"}))
        (folder / "trace.jsonl").write_text('{"seq": 1, "t": 501, "latency_ms": 250}\n')
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def of_a_report(file: str) -> Callable[[], dict[str, bytes]]:
    return lambda: {"surveyed": surveyed()[file]}


def report_with(file: str) -> Callable[[Path, bytes], None]:
    def write(folder: Path, data: bytes) -> None:
        from edge.app.after.report import write_flight_report

        _lay_out(folder / "f", surveyed() | {file: data})
        write_flight_report([folder / "f"])

    return write


def counts() -> dict[str, bytes]:
    return {"one": aligned()["counts.json"]}


def with_counts(folder: Path, data: bytes) -> None:
    from edge.app.after.alignment import alignment_of

    put(folder / "counts.json", data)
    alignment_of(folder)


def with_poses(folder: Path, data: bytes) -> None:
    from edge.app.after.alignment import alignment_of

    put(folder / "detections.jsonl", data)
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

    put(folder / "b.json", data)
    read(folder / "a.json", folder / "b.json")


def beside_bench() -> dict[str, bytes]:
    results = benches()["results"]
    return {"b.results.csv": results, "a.json": benches()["report"], "a.results.csv": results}


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

    put(folder / "l.json", data)
    read(folder / "l.json", folder, ("Person",))


ALL = (EdgeError,)
OF_A_REPORT = {
    **dict.fromkeys(("detections.jsonl", "tracks.jsonl", "clock.jsonl", "review.jsonl", "trace.jsonl"), "lines"),
    **dict.fromkeys(("report.json", "counts.json", "coverage.geojson"), "json"),
}
ROWS = (
    Target("recording", recordings, replay, raises=READING, repair=repair.recording),
    Target("detections", detections, hand_over, "lines", beside=flown),
    Target("poses", detections, with_poses, "lines", beside=aligned),
    Target("verify", detections, verify, "lines", raises=ALL, beside=flown),
    Target("verify-report", reports, verify_report, "json"),
    Target("tracks", tracks, hand_over_tracks, "lines", beside=flown),
    Target("report", reports, with_report, "json", beside=lambda: flown() | aligned()),
    Target("counts", counts, with_counts, "json", beside=aligned),
    Target("bench", bench_reports, compare, "json", beside=beside_bench),
    Target("labelled", labelled, read_labelled, "json", beside=lambda: {"a.png": b"png"}),
    *(
        Target(f"page-{file.partition('.')[0]}", of_a_report(file), report_with(file), kind)
        for file, kind in OF_A_REPORT.items()
    ),
)
