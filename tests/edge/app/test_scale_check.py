"""edge doctor: is what is sought large enough in the model's input, and would tiles help?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import edge.commands.doctor as doctor_module
from edge.app.scale_check import Target, larger, on_target
from edge.commands.main import main
from edge.errors import InputError
from edge.model.bundle import Bundle
from tests.support.scripted_camera import World, picture

HFOV = "hfov=53.130102"  # tan of half of it is 0.5: the focal length is the width


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return replace(Bundle.load(tiny_bundle), width=640, height=512)


def told(bundle: Bundle, size: float, height: float, frame: tuple[int, int]) -> tuple[str, list[str]]:
    target = Target(size, height, HFOV)
    return on_target(target, target.pixels(World([picture()]).camera(), *frame), *frame, bundle)


def test_a_camera_that_is_larger_than_the_model(bundle: Bundle) -> None:
    (line,) = larger(1280, 1024, bundle)
    assert "1280x1024 is larger than the model's input of 640x512" in line
    assert "0.5 times as large" in line
    assert "--tiles auto shows it at 0.94 times its size, for 5 calls of the engine a frame" in line
    assert larger(640, 512, bundle) == larger(711, 568, bundle) == larger(320, 256, bundle) == []
    assert larger(9000, 7000, bundle) == []  # more tiles than there may be


def test_large_enough_is_said_and_nothing_advised(bundle: Bundle) -> None:
    row, lines = told(bundle, 1.0, 49.0, (640, 512))
    assert row == "1 m at 49 m: 13.1 px in the picture, 13.1 px in the model's input"
    assert lines == []
    assert told(bundle, 1.0, 50.0, (640, 512))[1] != []  # 12.8 px


def test_tiles_at_their_own_size_come_before_enlarged_ones(bundle: Bundle) -> None:
    row, (line,) = told(bundle, 1.0, 60.0, (1280, 1024))
    assert row == "1 m at 60 m: 21.3 px in the picture, 10.7 px in the model's input"
    assert line == f"{row}, expected 13 px or more: --tiles auto makes it 20.0 px, for 5 calls"


def test_enlarged_tiles_are_no_sharper(bundle: Bundle) -> None:
    row, (line,) = told(bundle, 1.0, 80.0, (640, 512))
    assert row == "1 m at 80 m: 8.0 px in the picture, 8.0 px in the model's input"
    assert "--tiles 2x2 makes it 14.9 px, for 5 calls; enlarged pixels hold no more detail" in line


def test_too_small_whatever_is_done(bundle: Bundle) -> None:
    _, (line,) = told(bundle, 1.0, 100.0, (640, 512))
    assert line.endswith("expected 13 px or more, and tiles do not make it enough: fly at 49 m, or take a longer lens")


def test_larger_than_the_picture_is_never_right(bundle: Bundle) -> None:
    assert told(bundle, 1.0, 1.01, (640, 512))[1] == []  # nearly as long as the picture is wide
    row, (line,) = told(bundle, 1.01, 1.0, (640, 512))
    assert line == f"{row}: larger than the picture of 640x512; look at the lens, the height and the size"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--size", "1"], "--height and --size say together how large things are in the picture: give both"),
        (["--lens", HFOV], "--height and --size say together"),
        (["--size", "1", "--height", "9", "--lens", "x=1"], "lens 'x=1'"),
    ],
)
def test_what_is_missing_is_told(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--source", "sim:live=0", *words]) == 2
    assert line in capsys.readouterr().err
    assert main(["doctor", "--size", "1", "--height", "9"]) == 2
    assert "give --source" in capsys.readouterr().err


def test_a_source_that_does_not_know_its_lens() -> None:
    assert Target.of(None, None, None) is None
    with pytest.raises(InputError, match="which the source does not say: give --lens"):
        Target(1.0, 60.0).pixels(World([picture()]).camera(), 640, 512)


def test_the_doctor_says_both(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor_module, "MODEL", tiny_bundle)
    source = "sim:width=150,height=120,pixel=72,live=0,frames=3"
    words = ["doctor", "--source", source, "--size", "2", "--height", "90", "--out", str(tmp_path), "--seconds", "0.1"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "target       2 m at 90 m: 5.9 px in the picture, 3.1 px in the model's input" in said
    assert "! the picture of 150x120 is larger than the model's input of 80x64" in said
    assert "tiles do not make it enough: fly at 22 m" in said
    assert "nothing wrong was seen" not in said
