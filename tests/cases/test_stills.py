"""The case book of still images: what a user brings, and what `edge run` makes of it."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from edge.camera import open_camera
from edge.commands.main import main

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
RNG = np.random.default_rng(11)
COUNTS = cv2.GaussianBlur(RNG.normal(30000, 3000, (64, 80)), (0, 0), 2).astype(np.uint16)
CELSIUS = (COUNTS / 100 - 273.15).astype(np.float32)


def save(path: Path, picture: npt.NDArray[Any], **how: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, picture)
    elif path.suffix in (".tif", ".raw", ""):
        tifffile.imwrite(path, picture, **how)
    else:
        cv2.imwrite(str(path), picture)
    return path


def run(bundle: Path, out: Path, *sources: str | Path, more: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The lines of a run that ended well."""
    arguments = ["run", "--source", *map(str, sources), "--model", str(bundle), "--out", str(out)]
    assert main([*arguments, "--threshold", "0.01", "--quiet", *more]) == 0
    lines = [json.loads(line) for line in (out / "detections.jsonl").read_text().splitlines()]
    return [line for line in lines if "seq" in line]


def refused(capsys: pytest.CaptureFixture[str], out: Path, *sources: str | Path) -> str:
    """The one line of a run that is refused."""
    assert main(["run", "--source", *map(str, sources), "--backend", "null", "--out", str(out)]) == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    return said


def found(lines: list[dict[str, Any]]) -> list[Any]:
    return [line["detections"] for line in lines]


def test_a_16_bit_band_with_alpha_finds_what_the_plain_picture_does(tiny_bundle: Path, tmp_path: Path) -> None:
    plain = save(tmp_path / "plain.png", COUNTS)
    alpha = save(
        tmp_path / "alpha.tif",
        np.dstack([COUNTS, np.full_like(COUNTS, 65535)]),
        photometric="minisblack",
        extrasamples=["unassalpha"],
        planarconfig="contig",
    )
    expected = found(run(tiny_bundle, tmp_path / "a", plain))
    assert expected[0]
    assert found(run(tiny_bundle, tmp_path / "b", alpha)) == expected


@pytest.mark.parametrize("name", ["a.npy", "a.tif"])
@pytest.mark.parametrize("zero", [0.0, 273.15], ids=["Celsius", "kelvin"])
def test_float_temperatures_give_each_detection_its_celsius(
    tiny_bundle: Path, tmp_path: Path, name: str, zero: float
) -> None:
    lines = run(tiny_bundle, tmp_path / "out", save(tmp_path / name, CELSIUS + np.float32(zero)))
    assert lines[0]["detections"]
    for detection in lines[0]["detections"]:
        x1, y1, x2, y2 = detection["box"]
        inside = CELSIUS[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))]
        assert detection["celsius"][0] == pytest.approx(inside.min(), abs=0.06)
        assert detection["celsius"][2] == pytest.approx(inside.max(), abs=0.06)


def test_a_stack_has_a_frame_a_page(tiny_bundle: Path, tmp_path: Path) -> None:
    stack = np.stack([COUNTS, COUNTS[::-1], COUNTS[:, ::-1]])
    for name in ("a.tif", "a.npy"):
        lines = run(tiny_bundle, tmp_path / f"out{name}", save(tmp_path / name, stack, photometric="minisblack"))
        assert [line["origin"] for line in lines] == [f"{name}#1", f"{name}#2", f"{name}#3"]


def test_a_folder_and_its_files_one_by_one_find_the_same(tiny_bundle: Path, tmp_path: Path) -> None:
    for i in range(4):
        save(tmp_path / "stills" / f"f{i}.png", (COUNTS // (i + 1) + 9000).astype(np.uint16))
    together = found(run(tiny_bundle, tmp_path / "all", tmp_path / "stills"))
    paths = sorted((tmp_path / "stills").iterdir())
    assert together == [found(run(tiny_bundle, tmp_path / f"o{path.stem}", path))[0] for path in paths]
    assert together == found(run(tiny_bundle, tmp_path / "glob", *paths))


@pytest.mark.parametrize("name", ["four_ducks_png16.jpg", "moving_car_raw16.jpg"])
def test_a_flir_r_jpeg_replays_byte_for_byte(tiny_bundle: Path, tmp_path: Path, name: str) -> None:
    path = SHARED / "data" / "flir_rjpeg" / name
    if not path.exists():
        pytest.skip("needs ../shared/data/flir_rjpeg, which is not here")
    lines = run(tiny_bundle, tmp_path / "flight", path, more=("--record",))
    assert all("celsius" in detection for detection in lines[0]["detections"])
    recording, then = tmp_path / "flight" / "recording", tmp_path / "flight" / "detections.jsonl"
    again = run(tiny_bundle, tmp_path / "again", f"rec:{recording}", more=("--verify", str(then)))
    assert found(again) == found(lines)


def test_stills_of_counts_replay_byte_for_byte(tiny_bundle: Path, tmp_path: Path) -> None:
    for i in range(4):
        save(tmp_path / "stills" / f"f{i}.npy", CELSIUS - 3 * i)
    run(tiny_bundle, tmp_path / "flight", tmp_path / "stills", more=("--record",))
    flight = tmp_path / "flight"
    more = ("--verify", str(flight / "detections.jsonl"))
    run(tiny_bundle, tmp_path / "again", f"rec:{flight / 'recording'}", more=more)
    assert json.loads((tmp_path / "again" / "report.json").read_text())["verify"]["different"] == 0


def test_an_expanded_glob(tiny_bundle: Path, tmp_path: Path) -> None:
    paths = [save(tmp_path / name, COUNTS) for name in ("b.png", "a.png", "c.png")]
    lines = run(tiny_bundle, tmp_path / "out", *paths)
    assert [line["origin"] for line in lines] == ["b.png", "a.png", "c.png"]
    assert json.loads((tmp_path / "out" / "report.json").read_text())["source"] == f"{paths[0]} and 2 more"


def test_no_source_of_several_is_moved_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = save(tmp_path / "a.png", COUNTS), save(tmp_path / "out" / "recording" / "b.png", COUNTS)
    assert "is what an earlier run wrote to --out" in refused(capsys, tmp_path / "out", a, b)
    assert b.exists()


def test_skip_bad_is_counted(tiny_bundle: Path, tmp_path: Path) -> None:
    for i in (0, 2):
        save(tmp_path / "stills" / f"f{i}.png", COUNTS)
    (tmp_path / "stills" / "f1.png").write_bytes(b"")
    lines = run(tiny_bundle, tmp_path / "out", f"{tmp_path / 'stills'}?skip_bad=1")
    assert [line["origin"] for line in lines] == ["f0.png", "f2.png"]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["frames"], report["lost"]) == (2, 1)
    assert "1 left out that cannot be read, the first is f1.png: the file is empty" in report["camera"]


@pytest.mark.parametrize("name", ["shot.raw", "shot", "shot.dat"])
def test_the_content_of_a_file_decides(tmp_path: Path, name: str) -> None:
    save(tmp_path / "a.tif", COUNTS)
    (tmp_path / "a.tif").rename(tmp_path / name)
    for source in (tmp_path / name, tmp_path):
        with open_camera(source) as camera:
            frame = camera.read()
        assert frame is not None
        assert np.array_equal(frame.pixels, COUNTS)


def hostile() -> dict[str, tuple[bytes, str]]:
    header = b"{'descr': '<u2', 'fortran_order': False, 'shape': %s}"
    npy = {name: b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text for name, text in {
        "npy of tebibytes": header % b"(1000000, 1000000)",
        "npy of no number": header % b"(10000000000000000000000, 5)",
        "npy of no literal": header.replace(b"shape'", b"sha(pe'") % b"(24, 32",
        "npy of brackets": b"(" * 8999,
    }.items()}  # fmt: skip
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", 20000, 20000, 1, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))
    return {
        **{name: (data, "NPY" if "tebi" not in name else "1000000x1000000 pixels") for name, data in npy.items()},
        "npz": (b"PK\3\4" + bytes(26) + b"arr_0.npy", "NPZ, which is not read; convert it first: python3 -c"),
        "png of 400 million pixels": (png, "20000x20000 pixels"),
        "gif": (b"GIF89a" + bytes(20), "GIF, which is not read; convert it first: ffmpeg -i"),
        "heic": (b"\0\0\0\x18ftypheic" + bytes(20), "HEIC, which is not read; convert it first: heif-convert"),
    }


@pytest.mark.parametrize(("data", "said"), hostile().values(), ids=hostile())
def test_hostile_and_foreign_files_are_refused_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, said: str
) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    assert said in refused(capsys, tmp_path / "out", tmp_path / "a.npy")


def test_folders_say_what_is_in_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "up" / "down" / "a.png", COUNTS)
    assert "?recursive=1" in refused(capsys, tmp_path / "out", tmp_path / "up")
    for i in (1, 2):
        save(tmp_path / "pairs" / f"DJI_000{i}_T.png", COUNTS)
        save(tmp_path / "pairs" / f"DJI_000{i}_V.png", np.zeros((30, 40), np.uint8))
    assert "?match=*_T.png takes one kind" in refused(capsys, tmp_path / "out", tmp_path / "pairs")
    said = refused(capsys, tmp_path / "out", tmp_path / "pairs", "sim:")
    assert "expected one video or camera at a time" in said


def test_h30t_of_the_case_book(tmp_path: Path) -> None:
    import gzip

    case = SHARED / "cases" / "sources" / "12-dji-h30t" / "H30T_like.JPG.gz"
    if not case.exists():
        pytest.skip("needs ../shared/cases, which is not here")
    (tmp_path / "a.JPG").write_bytes(gzip.decompress(case.read_bytes()))
    with open_camera(tmp_path / "a.JPG") as camera:
        frame = camera.read()
    assert frame is not None
    assert (frame.pixels.shape, int(frame.pixels.min()), int(frame.pixels.max())) == ((1024, 1280), 18644, 19204)
