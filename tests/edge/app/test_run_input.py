"""What a user may get wrong: one line that says what to do, nothing moved, nothing crashed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.commands.main import main
from edge.model.bundle import Bundle
from edge.system.files import opencv_name
from tests.conftest import write_bundle
from tests.support.loaded import run_loaded

ROOT = Path(__file__).resolve().parents[3]


def still(path: Path, dtype: type = np.uint8) -> None:
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), np.full((64, 80), 100, dtype))


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    for i in range(5):
        still(tmp_path / "stills" / f"f{i}.png")
    return tmp_path / "stills"


def run(source: object, bundle: Path, out: Path, *more: str) -> int:
    return main(["run", "--source", str(source), "--model", str(bundle), "--out", str(out), *more])


def test_a_broken_image_is_named_and_what_came_before_is_kept(
    stills: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (stills / "f2.png").read_bytes()
    (stills / "f2.png").write_bytes(whole[: len(whole) // 2])
    assert run(stills, tiny_bundle, tmp_path / "out", "--quiet") == 1
    said = [line for line in capsys.readouterr().err.splitlines() if "black hot" not in line]  # see below
    assert len(said) == 1
    assert "f2.png: the file is cut off" in said[0]
    assert json.loads((tmp_path / "out" / "report.json").read_text())["frames"] == 2


def test_of_8_bit_stills_it_is_said_that_the_palette_is_not_looked_at_in_each(
    stills: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "; white-hot or black-hot: the model looks at the inverse of the first 4, then of ever fewer"
    for more, told in (("", True), ("?fps=5", False)):  # a rate: they follow each other
        assert run(f"{stills}{more}", tiny_bundle, tmp_path / f"out{told}") == 0
        assert (said in " ".join(capsys.readouterr().err.split())) is told
    (stills / "f4.png").unlink()
    assert run(stills, tiny_bundle, tmp_path / "four") == 0  # it looks at each
    for i in range(5):
        still(tmp_path / "counts" / f"f{i}.png", np.uint16)
    assert run(tmp_path / "counts", tiny_bundle, tmp_path / "out16") == 0
    assert "inverse of" not in capsys.readouterr().err


def test_each_class_has_its_own_score_and_the_files_say_it(
    stills: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_bundle(tmp_path / "model", ("Person", "Car"))  # it finds four people of 100 / 255 in each still
    for asked, shown in (("0.5,person=0.3", 4), ("0.3,Person=0.5", 0)):
        out = tmp_path / asked
        assert run(stills, bundle, out, "--threshold", asked, "--frames", "1") == 0
        first, frame = map(json.loads, (out / "detections.jsonl").read_text().splitlines())
        report, low, high = json.loads((out / "report.json").read_text()), 0.3, 0.5
        by_class = {"Person": low, "Car": high} if shown else {"Person": high, "Car": low}
        assert (len(frame["detections"]), first["thresholds"], report["thresholds"]) == (shown, by_class, by_class)
        assert report["threshold"] == 0.3
    assert "with a score of 0.5 (Car 0.3) or more" in " ".join(capsys.readouterr().out.split())
    assert report["one_body"] is None
    replace(Bundle.load(bundle), score_thresholds={"Person": 0.2}, one_body=(("Person", "Car"),)).write_json()
    assert run(stills, bundle, tmp_path / "own", "--frames", "1", "--quiet") == 0
    report = json.loads((tmp_path / "own/report.json").read_text())
    assert report["thresholds"] == {"Person": 0.2, "Car": 0.5}
    assert report["one_body"] == {"classes": [["Person", "Car"]], "boxes": 0}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Deer=0.2", "threshold of 'Deer': the model has no such class: expected Person\n"),
        ("0.2,0.3", "'0.3' says it again"),
        ("Person=2", "'Person=2': expected a score from 0 to 1"),
    ],
)
def test_a_score_of_a_class_that_cannot_be(
    stills: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str, said: str
) -> None:
    with suppress(SystemExit):
        assert run(stills, tiny_bundle, tmp_path / "out", "--threshold", asked) == 2
    error = capsys.readouterr().err
    assert said in error
    assert not (tmp_path / "out").exists()


def test_8_and_16_bit_images_are_not_mixed(
    stills: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    still(stills / "f3.png", np.uint16)
    assert run(stills, tiny_bundle, tmp_path / "out", "--quiet") == 1
    assert "f3.png: 80x64 16-bit, but f0.png is 80x64 8-bit" in capsys.readouterr().err


def test_results_may_lie_beside_the_stills_and_only_they_are_listed(
    stills: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert run(stills, tiny_bundle, stills) == 0
        assert (
            f"written in {stills}: detections.jsonl, report.json, tracks.jsonl, counts.json; "
            in capsys.readouterr().out
        )
    assert len(list(stills.glob("*.png"))) == 5


def test_what_an_earlier_run_wrote_is_not_moved_while_it_is_the_source(
    stills: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(stills, tiny_bundle, out, "--video", "--record", "--quiet") == 0
    before = sorted(path.name for path in out.iterdir())
    for source in (out / "video.mkv", f"rec:{out}/recording", f"rec:{out}/recording?live=1"):
        assert run(source, tiny_bundle, out) == 2
        assert "is what an earlier run wrote to --out" in capsys.readouterr().err
    assert sorted(path.name for path in out.iterdir()) == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--policy", "latest"), "would drop nearly all of it"),
        (("--override-normalise",), "give --normalise too"),
        (("--record-budget", "5GB"), "give --record too"),
    ],
)
def test_refused_before_the_earlier_flight_is_moved(
    more: tuple[str, ...],
    words: str,
    stills: Path,
    tiny_bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert run(stills, tiny_bundle, out, "--quiet") == 0
    capsys.readouterr()
    assert run(stills, tiny_bundle, out, *more) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (out / "earlier-1").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--source", "x", "--out", "x", "--seconds", "1e300"],
        ["run", "--source", "x", "--out", "x", "--frames", "²"],
        ["run", "--source", "x", "--out", "x", "--frames", "9" * 5000],
        ["bench", "--rate", "1e-300"],
        ["bench", "--seconds", "nan"],
        ["doctor", "--seconds", "inf"],
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_numbers_that_no_clock_can_wait(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "expected a" in capsys.readouterr().err


def test_quiet_says_what_can_be_fixed_at_the_source_and_no_more(
    stills: Path, tiny_bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(stills, tiny_bundle, out, "--quiet", "--video", "--record", "--zero-copy") == 0
    assert (
        run(f"rec:{out}/recording", tiny_bundle, tmp_path / "b", "--quiet", "--verify", f"{out}/detections.jsonl") == 0
    )
    words = ["demo", "--model", str(tiny_bundle), "--frames", "2", "--out", str(tmp_path / "c"), "--quiet"]
    assert main(words) == 0
    said = capfd.readouterr()
    assert said.out == ""
    assert {line.partition(" from frame ")[0] for line in said.err.splitlines()} == {
        "edge: health: black hot",  # of this model more is hot in the inverted picture
        "edge: health: scale",  # it is of 80x64, and the demo's flight of 640x512
    }


def test_a_bench_that_could_not_be_written_is_not_run(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.commands.bench.bench", lambda _: pytest.fail("it was run"))
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "b.json"):
        assert main(["bench", "--model", str(tiny_bundle), "--json", str(path)]) == 2
        assert "give another file" in capsys.readouterr().err


# ---- names


NAME = b"n\xff[/b]"  # no UTF-8, and a path that rich would take for markup


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    folder = tmp_path / os.fsdecode(NAME)
    try:
        folder.mkdir(parents=True)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    return folder


SEVERAL = """
import sys
from edge.commands.main import main
words = sys.argv[1:]
while words:
    end = words.index(";")
    print(main(words[:end]), "is its end", file=sys.stderr, flush=True)
    words = words[end + 1 :]
"""


def test_names_that_are_no_text(stills: Path, tiny_bundle: Path, odd: Path, tmp_path: Path) -> None:
    shutil.copytree(stills, odd / "stills")
    (odd / "a.mkv").write_bytes(b"\x1aE\xdf\xa3" + bytes(100))
    model = ("--model", tiny_bundle)
    runs = (
        ("--source", odd / "stills", *model, "--out", odd / "out", "--record", "--backend", "null"),
        ("--source", odd / "stills", *model, "--out", odd / "video", "--video"),
        ("--source", odd / "a.mkv", *model, "--out", tmp_path / "out"),
    )
    command = [sys.executable, "-c", SEVERAL, *(word for words in runs for word in ("run", *words, ";"))]
    done = run_loaded(command, cwd=ROOT, capture_output=True)  # its stdout takes no half characters
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    first, second, third, rest = done.stderr.split(b" is its end\n")
    assert first.endswith(b"\n0"), done.stderr
    assert len((odd / "out" / "detections.jsonl").read_text().splitlines()[1:]) == 5
    for said in (second, third):  # one line, and the exit code
        assert (said.count(b"\n"), said[-2:]) == (1, b"\n2"), done.stderr
    assert b"no name that is not UTF-8" in second
    assert not (odd / "video").exists()
    assert rest == b""


def test_opencv_name() -> None:
    assert opencv_name(Path("wärme.mkv")) == "wärme.mkv"
    with pytest.raises(ValueError, match="not UTF-8"):
        opencv_name(os.fsdecode(NAME))


def test_markup_in_names_is_shown_as_it_is(
    stills: Path, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.commands.live_table.LINE_S", 0.0)
    text = (tiny_bundle / "model.json").read_text()
    (tiny_bundle / "model.json").write_text(text.replace('"Person"', '"[/b]"').replace('"tiny"', '"[/i]"'))
    assert run(stills, tiny_bundle, tmp_path / "[/u]", "--threshold", "0", "--record") == 0
    said = capsys.readouterr()
    assert "[/b]" in said.err
    assert "[/u]" in said.out
    assert main(["info", str(tiny_bundle)]) == 0
    assert "[/i]" in capsys.readouterr().out
    source = "sim:live=0,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,frames=12"
    short = ["--seconds", "0.01", "--warm-up", "0", "--no-cold-start"]
    assert main(["bench", "--model", str(tiny_bundle), "--source", source, *short]) == 0
    assert main(["demo", "--model", str(tiny_bundle), "--frames", "2", "--out", str(tmp_path / "demo")]) == 0
