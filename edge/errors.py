"""Every error that this package raises on purpose. A leaf: imports nothing of ours.

Each message says what came, what was expected, what to do. None shows a password of a source or an address.

    EdgeError                 exit code 1: it failed while running
    |-- CameraError           a source broke while frames were being read
    |-- EngineError           the accelerator or ONNX Runtime failed
    |-- SinkError             a result could not be written (full disk, lost folder)
    |-- ReplayError           a replayed flight gave other detections than the flight
    `-- InputError            exit code 2: bad argument or bad input, found before the start
        |-- SourceError       a source that cannot be opened
        `-- BundleError       a model folder that is missing, altered or of another version
"""

from __future__ import annotations

import re

HIDDEN = "***"
# the login of a URL, NAME:PASSWORD@, also where its slashes are forgotten; a password with a / in it, which belongs
# there as %2F, is hidden as well
_BEFORE = r"(?i)(\b[a-z][\w+.-]*://|\b(?:rtsps?|https?|rtmps?|srt|udp|tcp|rtp):/?)"
_LOGIN = re.compile(_BEFORE + r"([^\s/?#:@]*)(?::[^\s/?#]*)?@")
_BROKEN_LOGIN = re.compile(_BEFORE + r"([^\s/?#:@\[]+):(?!\d+(?:[/?#]|$))[^\s]*@")
_WORD = re.compile(r"\S+")  # neither pattern reaches beyond one
MOST_LOGIN = 2000  # characters of a word with an @: the time for longer ones would grow with their square
_KEY = re.compile(
    r"(?i)(?<![a-z])((?:password|passwd|passphrase|pass|pwd|user-pw|access_token|token|api_?key)=)"
    r"(\"[^\"]*\"|[^\s&;,!#'\"]+)"
)


def without_password(text: str) -> str:
    """``text`` with every password in it hidden: ``rtsp://user:***@host/x``, ``srt://host?passphrase=***``.

    A URL's login without a password may be a token: it is hidden whole. So is a word of more than `MOST_LOGIN`
    characters with an @.
    """
    if "@" in text:
        text = _WORD.sub(_without_login, text)
    return _KEY.sub(rf"\1{HIDDEN}", text)


def _without_login(found: re.Match[str]) -> str:
    word = found[0]
    if "@" not in word:
        return word
    if len(word) > MOST_LOGIN:
        return f"{HIDDEN} ({len(word)} characters)"
    return _BROKEN_LOGIN.sub(_hide, _LOGIN.sub(_hide, word))


def _hide(found: re.Match[str]) -> str:
    has_password = ":" in found[0][len(found[1]) :]
    return f"{found[1]}{found[2]}:{HIDDEN}@" if has_password else f"{found[1]}{HIDDEN}@"


class EdgeError(Exception):
    """Root of all errors that this package raises on purpose. Passwords in its texts are hidden when it is made."""

    exit_code = 1

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(without_password(one) if isinstance(one, str) else one for one in arguments))


class CameraError(EdgeError):
    """A source broke while frames were being read."""


class EngineError(EdgeError):
    """The engine failed: a null return, a device error, an output of another shape."""


class SinkError(EdgeError):
    """A result could not be written."""


class ReplayError(EdgeError):
    """A replayed flight gave other detections than the flight."""


class InputError(EdgeError):
    """A bad argument or bad input, found before anything was started."""

    exit_code = 2


class SourceError(InputError):
    """A source that cannot be opened, or delivers nothing usable."""


class BundleError(InputError):
    """A model folder that is missing, altered, or of a version this package does not read."""
