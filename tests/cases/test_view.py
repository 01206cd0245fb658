"""How a picture is looked at, and what is told of it at its first frame: a case a kind, through the user's command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.app.settings import MODEL
from edge.commands.main import main
from tests.conftest import shared

RNG = np.random.default_rng(11)
Say = pytest.CaptureFixture[str]


def ground(height: int = 64, width: int = 80) -> np.ndarray:
    """Cool ground with some structure, and a warm body of 8x8 px at 40, 24."""
    grey = cv2.GaussianBlur(RNG.normal(0, 1, (height, width)), (0, 0), 4)
    picture = (90 + 12 * grey / grey.std() + RNG.normal(0, 2, (height, width))).clip(0, 255).astype(np.uint8)
    picture[24:32, 40:48] = 230
    return picture


def counts(height: int = 64, width: int = 80) -> np.ndarray:
    return (29000 + 20.0 * ground(height, width)).astype(np.uint16)


def save(path: Path, picture: np.ndarray) -> Path:
    cv2.imwrite(str(path), picture)
    return path


def run(source: object, bundle: Path, out: Path, *more: str) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Exit code, report, and the lines of detections.jsonl; the latter empty where it did not run."""
    code = main(["run", "--source", str(source), "--model", str(bundle), "--backend", "ort", "--out", str(out), *more])
    if not (out / "report.json").exists():
        return code, {}, []
    lines = [json.loads(line) for line in (out / "detections.jsonl").read_text().splitlines()]
    return code, json.loads((out / "report.json").read_text()), lines


def doctor(source: object, out: Path, capsys: Say, model: Path = MODEL) -> list[str]:
    """Its "!" lines; there are some, or it says that nothing is wrong.

    The model that comes with the package takes a second for a grey frame: ``model`` stands in for it.
    """
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge.commands.doctor.MODEL", model)
        assert main(["doctor", "--source", str(source), "--out", str(out), "--seconds", "0.5"]) == 0
    said = capsys.readouterr().out.splitlines()
    lines = [line for line in said if line.startswith("! ")]
    assert (said[-1] == "nothing wrong was seen") == (lines == [])
    return lines


# ---- looked at otherwise


def test_black_hot_still_finds_the_body_when_it_is_said(tiny_bundle: Path, tmp_path: Path, capsys: Say) -> None:
    still = save(tmp_path / "a.png", 255 - ground())
    _, plain, _ = run(still, tiny_bundle, tmp_path / "plain")
    code, report, lines = run(f"{still}?palette=black-hot", tiny_bundle, tmp_path / "out")
    assert code == 0
    assert [40.0, 24.0, 48.0, 32.0] in [d["box"] for d in lines[1]["detections"]]
    assert "black-hot, turned to white-hot" in report["camera"]
    assert "black_hot" not in report["health"]
    del plain


def test_picture_in_picture_is_cropped_and_boxes_are_in_the_crop(tiny_bundle: Path, tmp_path: Path) -> None:
    screen = RNG.integers(0, 255, (144, 256, 3)).astype(np.uint8)
    screen[60:124, 100:180] = ground()[:, :, None]
    code, _, lines = run(f"{save(tmp_path / 'a.png', screen)}?crop=100,60,80,64", tiny_bundle, tmp_path / "out")
    assert code == 0
    assert lines[0]["crop"] == [100, 60, 80, 64]
    assert lines[0]["frame"] == {"width": 80, "height": 64}
    assert lines[1]["detections"][0]["box"] == [40.0, 24.0, 48.0, 32.0]


@pytest.mark.parametrize("depth", [8, 16])
def test_nothing_is_found_where_the_mask_is_black(tiny_bundle: Path, tmp_path: Path, depth: int) -> None:
    picture = ground() if depth == 8 else counts()
    picture[:10] = np.iinfo(picture.dtype).max  # what an overlay would do
    mask = np.full((64, 80), 255, np.uint8)
    mask[:16] = 0
    source = f"{save(tmp_path / 'a.png', picture)}?mask={save(tmp_path / 'mask.png', mask)}"
    code, _, lines = run(source, tiny_bundle, tmp_path / "out", "--threshold", "0.2")
    assert code == 0
    assert [40.0, 24.0, 48.0, 32.0] in [d["box"] for d in lines[1]["detections"]]
    assert all(d["box"][1] >= 16 for d in lines[1]["detections"])


def test_the_doctors_advice_for_a_still_with_telemetry_rows(tiny_bundle: Path, tmp_path: Path, capsys: Say) -> None:
    words = np.zeros((2, 640), np.uint16)
    words[:, ::5] = 65535
    still = save(tmp_path / "boson.tif", np.vstack([words, counts(512, 640)]))
    assert any("add camera=boson" in line for line in doctor(still, tmp_path / "d", capsys))
    _, report, _ = run(still, tiny_bundle, tmp_path / "before")
    assert "add camera=boson" in report["health"]["rows"]["seen"]
    code, report, lines = run(f"{still}?camera=boson", tiny_bundle, tmp_path / "out")
    assert code == 0
    assert lines[0]["frame"] == {"width": 640, "height": 512}
    assert "rows" not in report["health"]
    assert doctor(f"{still}?camera=boson", tmp_path / "d", capsys) == []


def test_the_doctors_advice_for_swapped_bytes(tiny_bundle: Path, tmp_path: Path, capsys: Say) -> None:
    still = save(tmp_path / "flir.png", counts(512, 640).byteswap())
    assert any("add endian=big" in line for line in doctor(still, tmp_path / "d", capsys))
    _, report, _ = run(still, tiny_bundle, tmp_path / "before")
    assert report["health"]["byte_order"]["first"]["seq"] == 0
    code, report, _ = run(f"{still}?endian=big", tiny_bundle, tmp_path / "out")
    assert code == 0
    assert "byte_order" not in report["health"]
    assert doctor(f"{still}?endian=big", tmp_path / "d", capsys) == []


def test_the_doctor_tells_raw_frames_of_another_kind(tmp_path: Path, capsys: Say) -> None:
    grey, raw = np.stack([ground(), ground()]), tmp_path / "a.raw"
    for frames, said in ((grey, "say format=GREY"), (grey.astype(np.float32) / 10, "numbers of 32 or 64 bits")):
        frames.tofile(raw)
        lines = doctor(f"{raw}?width=80&height=64&format=Y16", tmp_path / "d", capsys)
        assert sum(said in line for line in lines) == 1
    grey.tofile(raw)
    assert not any(
        "format=GREY" in line for line in doctor(f"{raw}?width=80&height=64&format=GREY", tmp_path / "d", capsys)
    )
    np.stack([counts(512, 640), counts(512, 640)]).tofile(raw)
    assert doctor(f"{raw}?width=640&height=512&format=Y16", tmp_path / "d", capsys) == []


def test_the_doctors_advice_for_a_recording_of_a_tc001(tiny_bundle: Path, tmp_path: Path, capsys: Say) -> None:
    video = tmp_path / "tc001.avi"
    writer = cv2.VideoWriter(str(video), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (256, 384))
    for _ in range(3):
        below = RNG.integers(0, 255, (192, 256, 3)).astype(np.uint8)
        writer.write(np.vstack([cv2.merge([ground(192, 256)] * 3), below]))
    writer.release()
    assert any("add camera=infiray" in line for line in doctor(video, tmp_path / "d", capsys, tiny_bundle))
    code, report, lines = run(f"{video}?camera=infiray", tiny_bundle, tmp_path / "out")
    assert code == 0
    assert lines[0]["frame"] == {"width": 256, "height": 192}
    assert "8-bit picture: no counts" in report["camera"]
    assert not any("camera=" in line for line in doctor(f"{video}?camera=infiray", tmp_path / "d", capsys, tiny_bundle))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("palette=ironbow", "a colour palette cannot be turned back into heat"),
        ("crop=0,0,81,64", "reaches out of the picture, which is 80x64"),
        ("kelvin=0.01", "it is 8-bit grey"),
        ("endian=big", "it is 8-bit grey"),
        ("camera=boson", "80x64 came, and camera=boson has"),
        ("mask=none.png", "No such file"),
    ],
)
def test_what_does_not_fit_is_one_line_and_exit_code_2(
    tiny_bundle: Path, tmp_path: Path, capsys: Say, query: str, expected: str
) -> None:
    still = save(tmp_path / "a.png", ground())
    assert run(f"{still}?{query}", tiny_bundle, tmp_path / "out")[0] == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert expected in said[0]


# ---- told at the first frame


def test_a_picture_in_a_colour_palette(tiny_bundle: Path, tmp_path: Path, capsys: Say) -> None:
    still = save(tmp_path / "a.png", cv2.applyColorMap(ground(), cv2.COLORMAP_JET))
    assert any("a colour is no temperature" in line for line in doctor(still, tmp_path / "d", capsys, tiny_bundle))
    _, report, _ = run(still, tiny_bundle, tmp_path / "out")
    assert report["health"]["colour"]["first"]["seq"] == 0
    assert "edge: health: colour from frame 0 on" in capsys.readouterr().err
    run(still, tiny_bundle, tmp_path / "quiet", "--quiet")  # whoever named the source can fix it: told all the same
    assert [line.partition(" on:")[0] for line in capsys.readouterr().err.splitlines()] == [
        "edge: health: colour from frame 0"
    ]


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_an_isotherm_on_the_hottest_pixels(tiny_bundle: Path, tmp_path: Path, suffix: str) -> None:
    picture = cv2.merge([ground(512, 640)] * 3)
    picture[(picture > 220).any(axis=2)] = (0, 0, 255)
    picture[200:212, 300:308] = (0, 0, 255)
    _, report, _ = run(save(tmp_path / f"a{suffix}", picture), tiny_bundle, tmp_path / "out")
    assert "colour" in report["health"]
    grey = save(tmp_path / f"b{suffix}", cv2.merge([ground(512, 640)] * 3))
    assert "colour" not in run(grey, tiny_bundle, tmp_path / "grey")[1]["health"]


def test_burned_in_text_of_one_still(tiny_bundle: Path, tmp_path: Path, capsys: Say) -> None:
    text = cv2.putText(ground(512, 640), "FLIR 31.6 C", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2)
    still = save(tmp_path / "a.jpg", text)
    assert any("drawn into the picture" in line for line in doctor(still, tmp_path / "d", capsys, tiny_bundle))
    assert "overlay" in run(still, tiny_bundle, tmp_path / "out")[1]["health"]


def test_boxes_that_stay_while_the_scene_moves(tiny_bundle: Path, tmp_path: Path, capsys: Say) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    wide = ground(400, 500)
    for i in range(12):
        picture = wide[9 * i : 9 * i + 64, 11 * i : 11 * i + 80].copy()
        picture[8:16, 8:16] = 255  # a bright thing on the lens, or a crosshair
        save(folder / f"{i}.png", picture)
    _, report, _ = run(folder, tiny_bundle, tmp_path / "out")
    assert (
        "one at 12,12" in report["health"]["fixed_boxes"]["seen"]
        or "at 12,12" in report["health"]["fixed_boxes"]["seen"]
    )
    assert report["health"]["fixed_boxes"]["first"]["seq"] == 7


@pytest.mark.parametrize(
    ("size", "told"), [((64, 80), False), ((90, 110), False), ((128, 160), True), ((32, 40), True)]
)
def test_the_scale_to_the_models_pixels(
    tiny_bundle: Path, tmp_path: Path, capsys: Say, size: tuple[int, int], told: bool
) -> None:
    _, report, _ = run(save(tmp_path / "a.png", ground(*size)), tiny_bundle, tmp_path / "out")
    assert ("scale" in report["health"]) == told
    said = capsys.readouterr().err
    assert f"edge: source: {tmp_path / 'a.png'}: 1 still, {size[1]}x{size[0]} 8-bit grey; {size[1]}x{size[0]}" in said


def test_a_blank_still(tiny_bundle: Path, tmp_path: Path) -> None:
    _, report, _ = run(save(tmp_path / "a.png", np.full((64, 80), 100, np.uint8)), tiny_bundle, tmp_path / "out")
    assert "low_contrast" in report["health"]


@pytest.mark.slow
def test_black_hot_is_told_at_the_first_frame_of_a_real_flight(tmp_path: Path, capsys: Say) -> None:
    black = shared("cases", "sources", "07-black-hot", "black_hot.jpg")
    white = shared("cases", "sources", "07-black-hot", "white_hot_same_frame.jpg")
    assert any("it looks black-hot" in line for line in doctor(black, tmp_path / "d", capsys))
    assert "black_hot" in run(black, MODEL, tmp_path / "a")[1]["health"]
    assert run(white, MODEL, tmp_path / "b")[1]["health"] == {}
    assert run(f"{black}?palette=black-hot", MODEL, tmp_path / "c")[1]["health"] == {}
    assert doctor(white, tmp_path / "d", capsys) == []


# ---- detections.jsonl


def test_the_first_line_names_the_frame_and_the_classes(tiny_bundle: Path, tmp_path: Path) -> None:
    _, _, lines = run("sim:live=0,frames=2,width=80,height=64", tiny_bundle, tmp_path / "out")
    assert lines[0] == {
        "format": 1,
        "frame": {"width": 80, "height": 64},
        "crop": None,
        "classes": ["Person"],
        "model": "tiny",
        "thresholds": {"Person": 0.5},
    }
    assert [line["seq"] for line in lines[1:]] == [0, 1]


def test_a_file_of_before_is_still_verified(tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "a"
    run("sim:live=0,frames=4,width=80,height=64", tiny_bundle, out, "--record")
    old = tmp_path / "old.jsonl"
    old.write_text("".join((out / "detections.jsonl").read_text().splitlines(keepends=True)[1:]))
    for then in (old, out / "detections.jsonl"):
        code, report, _ = run(f"rec:{out / 'recording'}", tiny_bundle, tmp_path / "b", "--verify", str(then))
        assert code == 0
        assert (report["verify"]["compared"], report["verify"]["different"]) == (4, 0)
