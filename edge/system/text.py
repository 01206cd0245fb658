"""Text from outside, such as file names, URLs and answers of servers, made fit to be printed and kept."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "***"
# the login of a URL, NAME:PASSWORD@, also where its slashes are forgotten; a password with a / in it, which belongs
# there as %2F, is hidden as well
_BEFORE = r"(?i)(\b[a-z][\w+.-]*://|\b(?:rtsps?|https?|rtmps?|srt|udp|tcp|rtp):/?)"
_LOGIN = re.compile(_BEFORE + r"([^\s/?#:@]*)(?::[^\s/?#]*)?@")
_BROKEN_LOGIN = re.compile(_BEFORE + r"([^\s/?#:@\[]+):(?!\d+(?:[/?#]|$))[^\s]*@")
_KEY = re.compile(
    r"(?i)(?<![a-z])((?:password|passwd|passphrase|pass|pwd|user-pw|access_token|token|api_?key)=)"
    r"(\"[^\"]*\"|[^\s&;,!#'\"]+)"
)
# as a terminal knows them: escape sequences begin with one of these, and the last ones turn text around
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def without_password(text: str) -> str:
    """``text`` with every password in it hidden: ``rtsp://user:***@host/x``, ``srt://host?passphrase=***``.

    A URL's login without a password may be a token: it is hidden whole.
    """
    text = _BROKEN_LOGIN.sub(_hide, _LOGIN.sub(_hide, text))
    return _KEY.sub(rf"\1{HIDDEN}", text)


def without_passwords(value: Any) -> Any:
    """`without_password` of every text in a value as JSON has them, the names of its keys left as they are."""
    if isinstance(value, str):
        return without_password(value)
    if isinstance(value, dict):
        return {key: without_passwords(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_passwords(one) for one in value]
    return value


def without_control(text: str) -> str:
    r"""``text`` with control characters as escapes, ``\x1b``: a terminal would obey them."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def printable(text: str) -> str:
    """``text`` as one line for a terminal or a log: no control characters, no line breaks, no passwords."""
    return without_control(without_password(text))


def _hide(found: re.Match[str]) -> str:
    has_password = ":" in found[0][len(found[1]) :]
    return f"{found[1]}{found[2]}:{HIDDEN}@" if has_password else f"{found[1]}{HIDDEN}@"


_NEVER_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def in_xml(text: str) -> str:
    """``text`` with a replacement character for each that XML 1.0 does not know; it is still to be escaped."""
    return _NEVER_IN_XML.sub("\ufffd", text)
