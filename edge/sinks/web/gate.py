"""Who may ask the page what: the rules alone, without a server. See docs/page.md, Security.

A page of another site must reach nothing here, though the browser that shows it can: its requests have another
``Origin`` or ``Sec-Fetch-Site``; a name of its own that leads to this machine (DNS rebinding) is in ``Host``.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qs

READS = ("GET", "HEAD")
HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
OPENS = "open"  # in a query, in front of the token; "token" itself would be hidden where addresses are printed
COOKIE_S = 86_400  # how long a browser keeps the token
OPEN_IT = "open the address that edge run printed, with its token"


class Asked(NamedTuple):
    """A request, as far as the rules look at it. ``headers``: name in small letters, and value, as they came."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for one, value in self.headers if one == name]

    def one(self, name: str) -> str:
        """The value of a header; "" where there is none or more than one."""
        values = self.all(name)
        return values[0] if len(values) == 1 else ""


class Refused(NamedTuple):
    """Why not, in words that may be shown."""

    status: HTTPStatus
    text: str


@dataclass(frozen=True)
class Gate:
    """``token``: of the page. ``everywhere``: it is needed to read, too, as other machines reach the page; to change
    anything it is always needed. ``port``: of the page, in the cookie's name, since ports share cookies. ``names``:
    hosts by which this machine is known, besides numbers and localhost.
    """

    token: str
    everywhere: bool
    port: int
    names: frozenset[str]

    @property
    def cookie(self) -> str:
        return f"thermal_edge_{self.port}"

    def refuse(self, asked: Asked) -> Refused | None:
        """None: it may. Never raises."""
        host = HOST.fullmatch(asked.one("host"))
        if not host:
            return Refused(HTTPStatus.BAD_REQUEST, "expected one header Host")
        if not self._known(host[1].lower()):
            return Refused(HTTPStatus.FORBIDDEN, "this host is not known here: use the machine's number")
        site, reads = asked.one("sec-fetch-site"), asked.method in READS
        navigates = reads and asked.one("sec-fetch-mode") == "navigate" and asked.one("sec-fetch-dest") == "document"
        if asked.all("sec-fetch-site") and site not in ("same-origin", "none") and not navigates:
            return Refused(HTTPStatus.FORBIDDEN, "a page of another site asked for this")
        if asked.all("origin") and asked.one("origin").lower() != f"http://{asked.one('host').lower()}":
            return Refused(HTTPStatus.FORBIDDEN, "a page of another site asked for this")
        if (self.everywhere or not reads) and not self.has_token(asked):
            return Refused(HTTPStatus.FORBIDDEN, OPEN_IT)
        return None

    def has_token(self, asked: Asked) -> bool:
        """Whether the token came with it: in the cookie, as ``Authorization: Bearer``, or to read in the query."""
        given = [cookies(asked).get(self.cookie, ""), _bearer(asked.one("authorization"))]
        if asked.method in READS:
            given += _query_token(asked.query)
        return any(_same(one, self.token) for one in given)

    def welcome(self, asked: Asked) -> str | None:
        """The header ``Set-Cookie`` that a browser gets with the page, where it has none yet; the request may."""
        if _same(cookies(asked).get(self.cookie, ""), self.token):
            return None
        if self.everywhere and not self.has_token(asked):
            return None
        return f"{self.cookie}={self.token}; Path=/; Max-Age={COOKIE_S}; HttpOnly; SameSite=Strict"

    def _known(self, host: str) -> bool:
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return host == "localhost" or host in self.names
        return True  # a name can be made to lead here, a number cannot


def cookies(asked: Asked) -> dict[str, str]:
    """Name and value of each cookie; of two with a name the first."""
    found: dict[str, str] = {}
    for value in asked.all("cookie"):
        for part in value.split(";"):
            name, given, word = part.strip().partition("=")
            if given:
                found.setdefault(name, word)
    return found


def own_names(*more: str) -> frozenset[str]:
    """By which this machine may be known in its network."""
    own = socket.gethostname().lower()
    return frozenset({own, own.partition(".")[0], f"{own.partition('.')[0]}.local", *map(str.lower, more)} - {""})


def _bearer(header: str) -> str:
    kind, _, word = header.partition(" ")
    return word.strip() if kind.lower() == "bearer" else ""


def _query_token(query: str) -> list[str]:
    try:
        return parse_qs(query, max_num_fields=16).get(OPENS, [])[:1]
    except ValueError:
        return []


def _same(one: str, other: str) -> bool:
    return bool(one) and hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())
