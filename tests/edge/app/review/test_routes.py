"""The reviewing page over a real socket: what it tells, what it takes, and everything that is to be refused."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs starlette, of the extra [web]")
pytest.importorskip("uvicorn", reason="needs uvicorn, of the extra [web]")

from edge.app.review.answers import MOST_BODY, Answers
from edge.app.review.pictures import NOTHING
from edge.app.review.routes import FILES, PAGE
from edge.app.review.store import FILE, Review
from edge.app.review.stretched import stretched
from edge.measure.faint_lines import FAINT_FROM
from tests.support.reviewed import CLASSES, HEIGHT, WIDTH, flown
from tests.support.reviewing import TOKEN, Client, reviewing


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flown(tmp_path_factory.mktemp("made") / "flight")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "flight")
    return tmp_path / "flight"


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    with reviewing(Answers(folder)) as one:
        yield one


# ---- what is told ----


def test_the_page_and_its_files(client: Client) -> None:
    page = client.get("/review")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert (page.headers["x-content-type-options"], page.headers["referrer-policy"]) == ("nosniff", "no-referrer")
    for name, kind in FILES.items():
        assert client.get(f"/review/{name}").headers["content-type"] == kind
    assert {path.name for path in PAGE.iterdir()} == {"review.html", *FILES}
    assert b"http" not in b"".join(path.read_bytes() for path in PAGE.iterdir())  # nothing from elsewhere
    moved = client.get("/")
    assert (moved.status, moved.headers["location"]) == (303, "/review")


def test_the_tracks_and_what_was_said(client: Client) -> None:
    told = client.get("/api/review").json
    assert (told["flight"], told["live"], told["classes"]) == ("flight", False, list(CLASSES))
    tracks = {track["track"]: track for track in told["tracks"]}
    assert list(tracks) == [1, 2, 3, 4, 5, 6, FAINT_FROM + 7, FAINT_FROM + 8]
    assert tracks[3]["class"] == "Person"
    assert tracks[3]["crops"] == [f"crops/000003-{i}.png" for i in (1, 2, 3)]
    assert (tracks[FAINT_FROM + 7]["name"], tracks[FAINT_FROM + 7]["faint"]) == ("faint 7", True)
    assert told["review"] == {
        "last": 0,
        "tracks": {},
        "missed": [],
        "counts": {"right": 0, "wrong": 0, "unsure": 0, "missed": 0},
        "torn": 0,
        "unknown": 0,
    }
    assert told["frames"] == {"newest": 23, "why_not": ""}


def test_what_has_not_changed_is_not_sent_again(client: Client, folder: Path) -> None:
    first = client.get("/api/review")
    again = client.get("/api/review", If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    Review.read(folder).add("right", [1])  # somebody else
    assert client.get("/api/review", If_None_Match=first.headers["etag"]).json["review"]["last"] == 1
    with (folder / "tracks.jsonl").open("ab") as file:
        file.write(
            (folder / "tracks.jsonl").read_bytes().splitlines()[0].replace(b'"track":1,', b'"track":99,') + b"\n"
        )
    assert client.get("/api/review").json["tracks"][6]["track"] == 99


def test_pictures(client: Client, folder: Path) -> None:
    crop = client.get("/crops/000001-1.png")
    assert (crop.headers["content-type"], crop.body) == ("image/png", (folder / "crops/000001-1.png").read_bytes())
    assert client.get(f"/crops/{FAINT_FROM + 7}-1.png").status == 200
    assert client.get("/crops/000001-1.png?as=anything").body == crop.body
    shown = client.get("/crops/000001-1.png?as=stretched")
    assert shown.headers["content-type"] == "image/png"
    assert shown.body == stretched((folder / "crops/000001-1.png").read_bytes())
    whole = client.get("/frames/10.png")
    picture = cv2.imdecode(np.frombuffer(whole.body, np.uint8), cv2.IMREAD_UNCHANGED)
    assert (picture.shape, picture.dtype, whole.headers["x-drawn"]) == ((HEIGHT, WIDTH), np.uint8, "0")
    assert client.get("/frames/99.png").status == 404
    told = client.get("/api/frame/10?step=-1").json
    assert (told["seq"], told["kept"], told["searched"]) == (9, True, True)
    assert {found["track"] for found in told["detections"]} == {1, 2, 3, 4, 5, 6}
    assert client.get("/api/frame/newest").json["seq"] == 23
    assert client.get("/api/frame/23?step=1").status == 404


# ---- what is said ----


def test_verdicts_and_undo(client: Client, folder: Path) -> None:
    said = client.post("/api/review", {"verdict": "right", "tracks": [1, FAINT_FROM + 8], "label": 2, "by": "Ada"}).json
    assert (said["n"], said["counts"]["right"], said["tracks"]["1"]) == (1, 2, ["right", 2])
    assert client.post("/api/review", {"verdict": "wrong", "tracks": [1]}).json["tracks"]["1"] == ["wrong", None]
    back = client.post("/api/review/undo", {})
    assert (back.json["undone"], back.json["n"], back.json["tracks"]["1"]) == (2, 3, ["right", 2])
    assert client.post("/api/review/undo", {"n": 1}).json["counts"]["right"] == 0
    assert client.post("/api/review/undo", b"").json["undone"] is None
    lines = [json.loads(line) for line in (folder / FILE).read_text().splitlines()]
    assert [(line["n"], line["verdict"], line["by"]) for line in lines] == [
        (1, "right", "Ada"),
        (2, "wrong", None),
        (3, "undo", None),
        (4, "undo", None),
    ]


def test_what_was_missed_is_kept_as_the_camera_gave_it(client: Client, folder: Path) -> None:
    said = client.post("/api/review", {"verdict": "missed", "frame": 5, "box": [1, 2, 9, 12], "label": 1}).json
    assert (said["kept"], said["missed"]) == (
        "missed/000005.png",
        [{"n": 1, "frame": 5, "box": [1, 2, 9, 12], "label": 1}],
    )
    pixels = cv2.imread(str(folder / "missed/000005.png"), cv2.IMREAD_UNCHANGED)
    assert pixels.dtype == np.uint16
    from edge.recording.seek import Frames

    assert np.array_equal(pixels, Frames(folder / "recording")[5].pixels)
    about = json.loads((folder / "missed/000005.json").read_text())
    assert (about["temperature"], about["bits"], about["converted"]) == ({"gain": 0.01, "offset": 0.0}, 16, False)
    assert client.post("/api/review", {"verdict": "missed"}).json["missed"][-1]["frame"] == 23  # the newest


def test_without_a_recording_the_mark_stays_and_the_page_says_that_there_is_no_picture(folder: Path) -> None:
    shutil.rmtree(folder / "recording")
    with reviewing(Answers(folder)) as client:
        assert client.get("/api/review").json["frames"] == {"newest": None, "why_not": NOTHING}
        said = client.post("/api/review", {"verdict": "missed", "frame": 5}).json
        assert (said["kept"], said["why_not"], said["counts"]["missed"]) == (None, NOTHING, 1)
        assert not (folder / "missed").exists()
        assert client.get("/frames/5.png").status == 404
        (folder / "pictures").mkdir()
        (folder / "pictures/frame-000005.png").write_bytes(b"drawn")
        drawn = client.get("/frames/5.png")
        assert (drawn.body, drawn.headers["x-drawn"]) == (b"drawn", "1")
        assert client.get("/api/frame/5").json["kept"] is False
        assert client.post("/api/review", {"verdict": "missed"}).json["error"].startswith("no frame was named")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"\xc3(", "codec"),
        (b"[" * 5000, "nested too deeply"),
        (b"1" * 5000, "digits"),
        (b"[]", "it is []: expected an object"),
        ({}, "it has no 'verdict'"),
        ({"verdict": "right"}, "it has no 'tracks'"),
        ({"verdict": "undo", "tracks": [1]}, "none of the values"),
        ({"verdict": "right", "tracks": []}, "tracks is []"),
        ({"verdict": "right", "tracks": ["1"]}, "tracks[0] is '1'"),
        ({"verdict": "right", "tracks": [77]}, "track 77 is none of this flight"),
        ({"verdict": "right", "tracks": [1], "label": 3}, "class 3: expected one of the 3"),
        ({"verdict": "right", "tracks": [1], "by": "a" * 81}, "by is"),
        ({"verdict": "right", "tracks": [1], "by": "a\u202eb"}, "by is"),
        ({"verdict": "right", "tracks": [1], "n": 5}, "'n', which is unknown"),
        ({"verdict": "missed", "frame": 4711}, "frame 4711 is none of this flight"),
        ({"verdict": "missed", "frame": 5, "box": [0, 0, WIDTH + 1, 5]}, "the box does not lie in the frame, 160x128"),
        ({"verdict": "missed", "frame": 5, "box": [0, 0, 0, 5]}, "the box does not lie in the frame"),
        ({"verdict": "missed", "frame": 5, "box": [0, 0, 1e400, 5]}, ""),
        ({"verdict": "missed", "frame": 5, "label": 9}, "class 9"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_changes_nothing(client: Client, folder: Path, value: Any, said: str) -> None:
    answer = client.post("/api/review", value)
    assert answer.status == 400
    assert said in answer.json["error"]
    assert not (folder / FILE).exists() or (folder / FILE).read_bytes() == b""
    assert not (folder / "missed").exists()


def test_a_disk_that_is_full_is_told(client: Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge.app.review.store.os.write", full)
    answer = client.post("/api/review", {"verdict": "right", "tracks": [1]})
    assert (answer.status, "No space left on device" in answer.json["error"]) == (507, True)


# ---- what is refused ----

OUTSIDE = ["/crops/../review.jsonl", "/crops/..%2freview.jsonl", "/crops/%2e%2e/report.json", "/crops//etc/passwd"]
OUTSIDE += ["/crops/000001-1-counts.png.json", "/crops/", "/crops/000099-1.png", "/review/../line.py", "/review/x.js"]
OUTSIDE += ["/frames/../report.json", "/frames/a.png", "/crops/%00.png", "/crops/" + "a" * 3000]


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_leads_anywhere_else(client: Client, folder: Path, path: str) -> None:
    (folder / "crops/secret.png").write_bytes(b"secret")  # in the folder, and no track names it
    assert client.get(path).status == 404
    assert client.get("/crops/secret.png").status == 404


def test_a_link_out_of_the_folder_is_not_followed(client: Client, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    (folder / "crops/000001-1.png").unlink()
    (folder / "crops/000001-1.png").symlink_to(tmp_path / "secret.png")
    assert client.get("/crops/000001-1.png").status == 404


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Cookie": None}, 403),
        ({"Cookie": None, "Origin": None}, 403),
        ({"Origin": None, "Sec_Fetch_Site": "cross-site"}, 403),
        ({"Origin": None, "Sec_Fetch_Site": "same-origin"}, 200),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),  # a name that was made to lead here
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Type": None}, 415),
        ({"Content_Type": "application/json; charset=utf-8"}, 200),
    ],
)
def test_other_pages_say_nothing(client: Client, folder: Path, changed: dict[str, str | None], status: int) -> None:
    for path, value in (("/api/review", {"verdict": "right", "tracks": [1]}), ("/api/review/undo", {})):
        assert client.post(path, value, **changed).status == status
    written = (folder / FILE).exists() and (folder / FILE).read_bytes()
    assert bool(written) == (status == 200)


def test_other_names_of_this_machine_are_told_nothing(client: Client) -> None:
    for path in PATHS:
        assert client.get(path, Host="evil.example").status == 403
        assert client.get(path, Host=f"localhost:{client.port}").status == 200


PATHS = ["/review", "/api/review", "/crops/000001-1.png", "/frames/1.png", "/api/frame/1", "/review/review.js"]


def test_without_the_token_nothing_is_answered(folder: Path) -> None:
    with reviewing(Answers(folder), everywhere=True) as client:
        for path in PATHS:
            for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": f"{client.cookie}x"}):
                assert client.get(path, **wrong).status == 403
            assert client.get(path, Cookie=client.cookie).status == 200
        assert client.post("/api/review", {"verdict": "right", "tracks": [1]}, Cookie=None).status == 403
        assert not (folder / FILE).exists()
        page = client.get(f"/review?open={TOKEN}")
        cookie, _, rules = page.headers["set-cookie"].partition(";")
        assert (cookie, "HttpOnly" in rules, "SameSite=Strict" in rules) == (client.cookie, True, True)
        assert client.post("/api/review", {"verdict": "right", "tracks": [1]}).status == 200
        assert client.post("/api/review", {"verdict": "right", "tracks": [1]}, Origin="http://a").status == 403


def test_large_bodies_are_cut_off(client: Client, folder: Path) -> None:
    assert client.post("/api/review", b" " * (MOST_BODY + 1)).status == 413
    many = [FAINT_FROM + n for n in range(4000)]  # what the page sends at once
    answer = client.post("/api/review", {"verdict": "right", "tracks": many, "by": "\u00e9" * 80})
    assert (answer.status, "is none of this flight" in answer.json["error"]) == (400, True)
    assert client.ask("PUT", "/api/review", b"{}", client.own).status == 405


def test_who_sends_nothing_is_not_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.app.review.routes.REVIEW_BODY_S", 0.05)
    with reviewing(Answers(folder)) as client, socket.create_connection(("127.0.0.1", client.port), timeout=20) as slow:
        head = "".join(f"{name}: {value}\r\n" for name, value in client.own.items())
        host = f"127.0.0.1:{client.port}"
        slow.sendall(f"POST /api/review HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\n{head}\r\n".encode())
        assert b" 408 " in slow.recv(4096)
        assert client.get("/api/review").status == 200


def test_many_clients_at_a_time_lose_nothing(client: Client, folder: Path) -> None:
    """Reloads as fast as they can be, and eight people who say something."""
    first = client.get("/api/review").headers["etag"]

    def work(i: int) -> set[int]:
        track = 1 + i % 6
        codes = {client.get("/api/review", If_None_Match=first).status for _ in range(5)}
        return codes | {client.post("/api/review", {"verdict": "unsure", "tracks": [track]}).status}

    with ThreadPoolExecutor(8) as threads:
        codes = set().union(*threads.map(work, range(24)))
    assert codes <= {200, 304}
    assert [json.loads(line)["n"] for line in (folder / FILE).read_text().splitlines()] == list(range(1, 25))
    assert client.get("/api/review").json["review"]["counts"]["unsure"] == 6


def test_damage_is_told_and_the_page_stays(client: Client, folder: Path) -> None:
    (folder / FILE).write_bytes(b'{"n": 0}\n')
    answer = client.get("/api/review")
    assert (answer.status, "review.jsonl, line 1" in answer.json["error"]) == (400, True)
    os.truncate(folder / FILE, 0)
    assert client.get("/api/review").status == 200
