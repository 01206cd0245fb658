"""benchmarks/command.py: a mistake of who runs a benchmark is one line, with the exit code that `edge` would give."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.command import at_least, number_of, read_json, run, whole
from edge.errors import EdgeError, InputError
from tests.support.children import run_child

ROOT = Path(__file__).resolve().parents[1]


def ended(main: Callable[[], int | None]) -> object:
    with pytest.raises(SystemExit) as ends:
        run(main)
    return ends.value.code


def raising(error: Exception) -> Callable[[], int | None]:
    def main() -> int | None:
        raise error

    return main


def test_what_main_returns_is_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert [ended(lambda: None), ended(lambda: 0), ended(lambda: 3)] == [0, 0, 3]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("no frame: expected one"), 2, "no frame: expected one"),
        (EdgeError("it hung"), 1, "it hung"),
        (FileNotFoundError(2, "No such file or directory", "a.json"), 2, "a.json: No such file or directory"),
        (OSError(28, "No space left on device"), 1, "standard output: No space left on device"),
    ],
)
def test_a_mistake_is_one_line(
    error: Exception, code: int, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["somewhere/clip.py"])
    assert ended(raising(error)) == code
    assert capsys.readouterr() == ("", f"clip: {line}\n")


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))


def test_one_number_may_stand_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["a.py"])
    assert number_of("frames", 60) == 60
    monkeypatch.setattr(sys, "argv", ["a.py", "7"])
    assert number_of("frames", 60) == 7
    monkeypatch.setattr(sys, "argv", ["a.py", "7", "8"])
    with pytest.raises(InputError, match="^7 8: expected one number, of frames$"):
        number_of("frames", 60)


@pytest.mark.parametrize("text", ["", "0", "000", "-1", "1.5", "abc", "1e3", "٣", "9999999999"])
def test_only_whole_numbers_from_1_on(text: str) -> None:
    with pytest.raises(InputError, match="expected a whole number, 1 or more"):
        whole("seed", text)


@pytest.mark.parametrize("least", [0, 1])
def test_an_option_takes_whole_numbers_from_its_least_on(least: int, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser(prog="a.py")
    parser.add_argument("--frames", type=at_least(least))
    for number in (least, 7, 10**9 - 1):
        assert parser.parse_args(["--frames", str(number)]).frames == number
    for text in (str(least - 1), "1.5", "abc", "٣", "", "9999999999"):
        with pytest.raises(SystemExit) as ends:
            parser.parse_args([f"--frames={text}"])
        assert ends.value.code == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said == f"a.py: error: argument --frames: {text}: expected a whole number, {least} or more"


def test_no_benchmark_takes_any_number_for_a_count() -> None:
    plain = [
        f"{file.name}: {line.strip()}"
        for file in ROOT.glob("benchmarks/*/*.py")
        for line in file.read_text().splitlines()
        if "type=int" in line and "SUPPRESS" not in line
    ]
    assert plain == []


def test_a_file_holds_the_lists_that_are_read(tmp_path: Path) -> None:
    file = tmp_path / "truth.json"
    file.write_text('{"frames": [1], "categories": 2}')
    assert read_json(file, "frames")["frames"] == [1]
    for keys, said in ((("frames", "categories"), "no list categories"), (("images",), "no list images")):
        with pytest.raises(InputError, match=said):
            read_json(file, *keys)
    for broken in ("[1]", "hello", '{"frames"', "\xff"):
        file.write_bytes(broken.encode("latin-1"))
        with pytest.raises(InputError, match=r"truth\.json: .*expected an object with frames"):
            read_json(file, "frames")


WRONG = {
    "accuracy/clip.py": ("NONE", "NONE"),
    "accuracy/proposals.py": ("NONE", "NONE"),
    "accuracy/correction_gain.py": ("x",),
    "ground/contrast.py": ("NONE",),
    "speed/recording.py": ("0",),
    "speed/correction.py": ("digests",),
    "speed/followed.py": ("-1",),
    "speed/page.py": ("--frames", "0"),
}


@pytest.mark.parametrize("script", WRONG)
def test_the_benchmarks_answer_so(script: str, tmp_path: Path) -> None:
    words = [str(tmp_path / "none") if word == "NONE" else word for word in WRONG[script]]
    done = run_child(
        [sys.executable, ROOT / "benchmarks" / script, *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"{Path(script).stem}: ")
    assert done.stderr.count("\n") == 1
