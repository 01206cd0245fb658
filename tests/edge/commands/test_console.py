"""What `edge` prints of what the library logs, and when it does not."""

from __future__ import annotations

import io
import logging
import queue
import re
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from edge.commands.console import LogLines, Screen, last_words, listening
from edge.commands.live_table import LiveTable
from edge.commands.main import COMMANDS, main
from edge.system.caution import caution
from export.commands.main import main as export_main
from tests.support.children import run_child

ROOT = Path(__file__).resolve().parents[3]
log = logging.getLogger("edge.somewhere")


def printed(level: int, step: object = None) -> str:
    out = io.StringIO()
    with listening(Screen(file=out, width=20), level):
        log.debug("a detail")
        log.info("backend auto takes %s", "ort")
        log.warning("camera lost: [/b] :car: and so on, in a line longer than the screen")
        try:
            raise ValueError("why")
        except ValueError:
            log.error("over", exc_info=True)
    return out.getvalue()


def test_lines_are_prefixed_whole_and_as_they_are() -> None:
    assert printed(logging.INFO).splitlines() == [
        "edge: backend auto takes ort",
        "edge: camera lost: [/b] :car: and so on, in a line longer than the screen",
        "edge: over",
    ]


def test_quiet_is_errors_and_warnings_of_what_was_asked_for() -> None:
    assert printed(logging.ERROR) == "edge: over\n"
    out = io.StringIO()
    with listening(Screen(file=out, width=20), logging.ERROR):
        caution(log, "--spare %s helps against nothing", "usb")
        log.warning("the flight goes on")
    assert out.getvalue() == "edge: --spare usb helps against nothing\n"


def test_such_a_warning_is_one_like_the_others(caplog: pytest.LogCaptureFixture) -> None:
    caution(log, "open to %d", 80)
    assert [(one.levelname, one.getMessage(), one.funcName) for one in caplog.records] == [
        ("WARNING", "open to 80", "test_such_a_warning_is_one_like_the_others")
    ]


def test_verbose_shows_details_and_tracebacks() -> None:
    said = printed(logging.DEBUG)
    assert said.startswith("edge: a detail\n")
    assert "Traceback" in said
    assert "ValueError: why" in said


def test_nothing_is_left_behind() -> None:
    edge = logging.getLogger("edge")
    before = (edge.level, list(edge.handlers))
    printed(logging.DEBUG)
    assert (edge.level, edge.handlers) == before


def test_the_library_alone_prints_nothing() -> None:
    script = "import logging, edge; logging.getLogger('edge.camera').warning('camera lost'); logging.warning('heard')"
    done = run_child([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "WARNING:root:heard\n")


class Gone(io.StringIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, _text: str) -> int:
        raise self.error


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(5, "I/O error"), ValueError("closed file")], ids=repr)
def test_a_stderr_that_is_gone_stops_nothing(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", Gone(error))
    with listening(Screen(stderr=True), logging.INFO):
        log.warning("camera lost")
    monkeypatch.setattr(sys, "stderr", None)
    with listening(Screen(stderr=True), logging.INFO):
        log.warning("camera lost")
    assert capsys.readouterr().out == ""  # and nothing goes to stdout instead


def test_lines_appear_above_the_table() -> None:
    out = io.StringIO()
    screen = Screen(file=out, width=60, force_terminal=True, color_system=None)
    with listening(screen, logging.INFO), LiveTable(screen) as table:
        table.begin(None)  # type: ignore[arg-type]
        table._live.update("THE TABLE", refresh=True)  # type: ignore[union-attr]
        log.warning("camera lost")
    said = out.getvalue()
    assert said.index("THE TABLE") < said.index("edge: camera lost") < said.rindex("THE TABLE")


@pytest.mark.parametrize("words", [["--verbose", "info"], ["info", "--verbose"], ["info"]])
def test_verbose_stands_before_or_behind_the_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "nowhere"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("edge: model bundle nowhere does not exist: expected a folder")
    assert ("Traceback" in said) == ("--verbose" in words)
    assert (said.count("\n") == 1) == ("--verbose" not in words)


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: edge {name}")


def test_a_handler_survives_a_bad_call(capsys: pytest.CaptureFixture[str]) -> None:
    handler = LogLines(Screen(file=io.StringIO()), logging.INFO)
    record = logging.LogRecord("edge", logging.INFO, "", 0, "%d frames", ("many",), None)
    handler.handle(record)  # says so on stderr, as logging does, and raises nothing
    assert "many" in capsys.readouterr().err


EVIL = "\x1b]0;owned\x07\x1b[2Jname\rover"


def test_no_text_is_obeyed_by_the_terminal() -> None:
    out = io.StringIO()
    screen = Screen(file=out, width=120, force_terminal=True, color_system="standard")
    table = Table(title=Text(EVIL))
    table.add_column(EVIL)
    table.add_row(Text(EVIL, style="red"))
    screen.print(table)
    screen.say(EVIL)
    screen.rows([("what", EVIL, EVIL)])
    with listening(screen, logging.INFO):
        log.warning("%s\nedge: a line of its own", EVIL)
    said = out.getvalue()
    assert "\x1b[31m" in said  # our own colours are
    assert set(re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f]", re.sub(r"\x1b\[[0-9;]*m", "", said))) == set()
    assert said.count("\\x1b]0;owned\\x07\\x1b[2Jname\\rover") == 4
    assert said.count("\\x1b]0;owned") == 7  # rich takes some of them out of a table
    assert "rover\\nedge: a line" in said


@pytest.mark.parametrize(
    ("main", "words"),
    [
        (main, ["run", "--source", f"rtsp:/u:secret@h/{EVIL}", "--out", "x", "--backend", "null"]),
        (main, ["run", "--source", "a", "--out", "x", f"--{EVIL}rtsp://u:secret@h"]),
        (export_main, ["eval", "--model", f"{EVIL}rtsp://u:secret@h", "--data", "absent"]),
    ],
)
def test_an_error_shows_neither_password_nor_control_characters(
    main: Callable[[list[str]], int], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(words)
    except SystemExit as ended:
        code = int(str(ended.code))
    assert code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said[:-1].isprintable()
    assert "secret" not in said


def test_last_words_are_said_where_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    said: list[str] = []
    assert last_words(lambda: said.append("over"))
    assert said == ["over"]
    with pytest.raises(BrokenPipeError, match="nobody reads"):
        last_words(lambda: (_ for _ in ()).throw(BrokenPipeError("nobody reads")).send(None))


def test_no_memory_for_the_command_line_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none_left() -> None:
        raise MemoryError

    monkeypatch.setattr("edge.commands.main._parser", none_left)
    assert main(["info"]) == 1
    assert capsys.readouterr().err.startswith("edge: the memory is used up: close other programs")


def test_last_words_are_said_and_what_they_raise_is_raised() -> None:
    said: list[str] = []
    assert last_words(lambda: said.append("over"))
    assert said == ["over"]
    with pytest.raises(BrokenPipeError, match="nobody"):
        last_words(lambda: (_ for _ in ()).throw(BrokenPipeError("nobody reads")).send(None))


@pytest.mark.parametrize("stopped", [False, True])
def test_a_terminal_that_takes_nothing_is_left_behind(stopped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After 30 s, and at once where a stop comes; nothing of it is raised."""
    monkeypatch.setattr("edge.commands.console.HUNG_S", 600.0 if stopped else 0.0)
    monkeypatch.setattr("edge.commands.console.STOP_S", 0.0)
    opened = threading.Event()

    def show() -> None:
        if stopped:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        opened.wait()

    try:
        assert not last_words(show)
    finally:
        opened.set()


def test_a_stop_leaves_the_last_words_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()

    class Impatient(queue.SimpleQueue):  # type: ignore[type-arg]
        def get(self, block: bool = True, timeout: float | None = None) -> object:
            if timeout == 30.0:
                raise KeyboardInterrupt
            assert timeout == 0.8
            stopped.set()
            return super().get()

    monkeypatch.setattr("queue.SimpleQueue", Impatient)
    assert last_words(stopped.wait)
