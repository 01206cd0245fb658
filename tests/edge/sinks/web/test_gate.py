"""Who may ask the page what: rules without a server."""

from __future__ import annotations

import pytest

from edge.sinks.web.gate import Asked, Gate, cookies

TOKEN = "0123456789abcdef"
HERE, OPEN = Gate(TOKEN, False, 8080, frozenset({"drone"})), Gate(TOKEN, True, 8080, frozenset({"drone"}))
COOKIE = ("cookie", f"a=b; thermal_edge_8080={TOKEN}")
BROWSER = ("sec-fetch-site", "same-origin")


def asked(*headers: tuple[str, str], method: str = "GET", query: str = "", host: str = "127.0.0.1:8080") -> Asked:
    return Asked(method, "/", query, [("host", host), *headers])


def status(gate: Gate, one: Asked) -> int:
    refused = gate.refuse(one)
    return 200 if refused is None else refused.status.value


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8080", 200),
        ("localhost:9", 200),  # through a tunnel
        ("[::1]:8080", 200),
        ("192.168.1.7", 200),
        ("drone:8080", 200),
        ("DRONE", 200),
        ("evil.example", 403),  # leads to this machine: DNS rebinding
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("drone.evil.example", 403),
        ("", 400),
        ("a b", 400),
        ("127.0.0.1:8080/x", 400),
        ("user@127.0.0.1", 400),
    ],
)
def test_the_host_must_be_this_machine(host: str, expected: int) -> None:
    assert status(HERE, asked(host=host)) == expected


def test_one_host() -> None:
    assert status(HERE, Asked("GET", "/", "", [])) == 400
    assert status(HERE, asked(("host", "evil.example"))) == 400


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "x"])
def test_pages_of_other_sites_get_nothing(site: str) -> None:
    assert status(HERE, asked(("sec-fetch-site", site))) == 403
    assert status(HERE, asked(("sec-fetch-site", site), COOKIE)) == 403
    opens = ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")
    assert status(HERE, asked(("sec-fetch-site", site), *opens)) == 200  # a link that is followed
    assert status(HERE, asked(("sec-fetch-site", site), opens[0], ("sec-fetch-dest", "iframe"))) == 403
    assert status(HERE, asked(("sec-fetch-site", site), *opens, COOKIE, method="POST")) == 403


def test_two_headers_of_a_kind_are_none_that_is_right() -> None:
    assert status(HERE, asked(BROWSER, BROWSER)) == 403
    assert status(HERE, asked(("origin", "http://127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080"))) == 403


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://127.0.0.1:8080", 200),
        ("http://127.0.0.1:8081", 403),
        ("https://127.0.0.1:8080", 403),
        ("http://evil.example", 403),
        ("null", 403),
    ],
)
def test_the_origin_is_the_page_itself(origin: str, expected: int) -> None:
    assert status(HERE, asked(("origin", origin))) == expected
    assert status(HERE, asked(("origin", origin), COOKIE, method="POST")) == expected


def test_here_reading_is_free_and_writing_needs_the_token() -> None:
    assert status(HERE, asked()) == status(HERE, asked(method="HEAD")) == 200
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get"):
        assert status(HERE, asked(method=method)) == 403
        assert status(HERE, asked(COOKIE, method=method)) == 200
        assert status(HERE, asked(method=method, query=f"open={TOKEN}")) == 403  # a link that somebody was sent


def test_open_to_others_everything_needs_the_token() -> None:
    assert status(OPEN, asked(BROWSER)) == 403
    assert status(OPEN, asked(BROWSER, COOKIE)) == 200
    assert status(OPEN, asked(query=f"x=1&open={TOKEN}")) == 200
    assert status(OPEN, asked(("authorization", f"Bearer {TOKEN}"))) == 200
    assert status(OPEN, asked(("authorization", f"Basic {TOKEN}"))) == 403


@pytest.mark.parametrize("wrong", ["", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ü" * 16, "\x00"])
def test_a_wrong_token(wrong: str) -> None:
    assert status(OPEN, asked(("cookie", f"thermal_edge_8080={wrong}"))) == 403
    assert status(OPEN, asked(("authorization", f"Bearer {wrong}"))) == 403
    assert status(OPEN, asked(query=f"open={wrong}")) == 403
    assert status(OPEN, asked(("cookie", f"thermal_edge_8081={TOKEN}"))) == 403


def test_a_query_that_floods() -> None:
    assert status(OPEN, asked(query=f"open={TOKEN}" + "&a=1" * 1000)) == 403


def test_the_page_leaves_the_token_in_the_browser() -> None:
    given = HERE.welcome(asked())
    assert given == f"thermal_edge_8080={TOKEN}; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict"
    assert OPEN.welcome(asked(query=f"open={TOKEN}")) == given
    assert OPEN.welcome(asked()) is None
    assert HERE.welcome(asked(COOKIE)) is None  # it has it


def test_cookies() -> None:
    assert cookies(asked(("cookie", "a=1; b = 2;c;a=3"), ("cookie", "d=x=y"))) == {"a": "1", "b ": " 2", "d": "x=y"}
