"""Text from outside: no password and no control character of it comes through."""

from __future__ import annotations

import pytest

from edge.errors import without_password
from edge.system.text import printable, without_control, without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://admin:secret@10.0.0.1:554/cam", "rtsp://admin:***@10.0.0.1:554/cam"),
        ("rtsp://admin:sec@ret@10.0.0.1/cam", "rtsp://admin:***@10.0.0.1/cam"),  # FFmpeg takes the last @
        ("rtsp://admin:sec/ret@10.0.0.1/cam", "rtsp://admin:***@10.0.0.1/cam"),  # wrong, and still secret
        ("rtsp://admin:sec?r#et@10.0.0.1/cam", "rtsp://admin:***@10.0.0.1/cam"),
        ("rtsp://:secret@10.0.0.1/cam", "rtsp://:***@10.0.0.1/cam"),
        ("rtsp:/admin:secret@host/x and http:a:secret@h", "rtsp:/admin:***@host/x and http:a:***@h"),
        ("https://secrettoken@host/x", "https://***@host/x"),
        ("lost: 'http://a:secret@h/1' and http://b:secret@h/2", "lost: 'http://a:***@h/1' and http://b:***@h/2"),
        ("rtsp://h/user=admin&password=secret&channel=1", "rtsp://h/user=admin&password=***&channel=1"),
        ("srt://host:9000?passphrase=secret", "srt://host:9000?passphrase=***"),
        ("http://h/video?Token=secret#crop=0,0,8,8", "http://h/video?Token=***#crop=0,0,8,8"),
        ('gst:rtspsrc location=rtsp://a:secret@h/x user-pw="se cret" ! appsink', None),
    ],
)
def test_a_password_is_hidden(text: str, shown: str | None) -> None:
    found = without_password(text)
    assert "cret" not in found
    assert found == (shown or "gst:rtspsrc location=rtsp://a:***@h/x user-pw=*** ! appsink")


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://10.0.0.1:554/cam@home",
        "rtsp://[::1]:8554/cam@home",
        "rtsp://host:8554, ask me@home",
        "/data//me@home/flight.mp4?crop=0,0,8,8",
        "frames/a@b.png: 12:30@dawn",
        "compass=4 threshold=0.5 bypass=1",
    ],
)
def test_what_is_no_password_stays(text: str) -> None:
    assert without_password(text) == text


def test_a_long_word_with_a_login_is_hidden_whole() -> None:
    """To look for a login in it would take a time that grows with the square of its length."""
    login = "rtsp://a:" + "x" * 1990 + "@"
    assert without_password(f"to {login} h") == "to rtsp://a:***@ h"
    assert without_password(f"to {login}h now") == "to *** (2001 characters) now"
    for text in ("a." * 30_000, "http:" * 12_000):
        assert without_password(text) == text
        assert without_password(text + "@ b") == f"*** ({len(text) + 1} characters) b"


def test_every_text_of_a_report() -> None:
    report = {"source": "rtsp://a:secret@h", "sinks": [{"error": "rtsp://b:secret@h"}], "fps": 1.5, "verify": None}
    assert without_passwords(report) == {
        "source": "rtsp://a:***@h",
        "sinks": [{"error": "rtsp://b:***@h"}],
        "fps": 1.5,
        "verify": None,
    }


def test_control_characters_become_escapes() -> None:
    assert without_control("a\x1b[2Jb\rc\x07\x9b\x7f") == "a\\x1b[2Jb\\rc\\x07\\x9b\\x7f"
    assert without_control("gnp\u202egpj") == "gnp\\u202egpj"
    assert without_control("Rehgei\u00df \u9e7f \U0001f98c \udcff") == "Rehgei\u00df \u9e7f \U0001f98c \udcff"
    assert printable("one\ntwo rtsp://a:b@c") == "one\\ntwo rtsp://a:***@c"


def test_of_a_line_without_end_the_end_is_kept() -> None:
    said = printable(f"{'x' * 9000}: expected a number")
    assert said.startswith("x" * 3000 + "... (5019 characters more) ...x")
    assert said.endswith("x: expected a number")
