"""What is told of a recording: a loss that is known at once; and nothing of frames that come after the flight."""

from __future__ import annotations

from pathlib import Path

from edge.recording import RecordingWriter
from edge.recording.recorder import Recorder
from edge.recording.replay import Replay
from edge.recording.segment import segment_path
from tests.edge.recording.test_recording_exact import CAMERA, frame


def test_a_loss_that_is_known_when_it_is_opened(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r", CAMERA, reserve=0, segment_bytes=1)
    for seq in range(3):
        writer.write(frame(seq))
    writer.close()
    segment_path(tmp_path / "r", 0).unlink()
    with Replay(tmp_path / "r") as replay:
        assert len(replay.losses) == 1
        assert replay.description.endswith(f"; {replay.losses[0]}")


def test_frames_after_the_flight_are_not_counted(tmp_path: Path) -> None:
    recorder = Recorder(RecordingWriter(tmp_path / "r", CAMERA, reserve=0), depth=1)
    recorder.write(frame(0))
    recorder.close()
    for seq in (1, 2):
        recorder.write(frame(seq))
    assert recorder.report()["frames"] == 1
    assert recorder.report()["dropped"] == 0
    assert recorder.skipped == 0
