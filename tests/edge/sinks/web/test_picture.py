"""The picture of the page: boxes and labels, sizes, and that it is made no oftener than asked for."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs starlette, of the extra [web]")
pytest.importorskip("uvicorn", reason="needs uvicorn, of the extra [web]")

from edge.data import Detections, Frame, Result
from edge.sinks.web import picture as picture_module
from edge.sinks.web.picture import jpeg, label_of, paint
from edge.sinks.web.streams import Full, Pictures, Seats, mjpeg
from tests.support.shown_page import result


def of_size(width: int, height: int) -> Result:
    grey = np.full((height, width), 90, np.uint8)
    frame = Frame(grey, 0, 0.0)
    return Result(frame=frame, detections=Detections.none(width, height), t_result=0.0, picture=grey)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((80, 64), (480, 384)), ((320, 256), (640, 512)), ((640, 512), (640, 512)), ((1280, 1024), (960, 768)),
        ((1, 1), (480, 480)),
    ],
)  # fmt: skip
def test_sizes(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert paint(of_size(*size), ()).shape == (expected[1], expected[0], 3)


def test_a_box_stands_around_its_object() -> None:
    one = result(0, boxes=[(20, 20, 40, 40)], celsius=math.nan)
    scale = 6
    image = paint(one, ("Person",)).astype(int)
    grey = paint(replace(one, detections=Detections.none(80, 64)), ()).astype(int)
    changed = (image != grey).any(axis=2)
    assert not changed[20 * scale : 40 * scale, 20 * scale : 40 * scale].any()  # the object itself stays
    assert changed[20 * scale - 3, 20 * scale : 40 * scale].all()
    assert changed[40 * scale + 2, 20 * scale : 40 * scale].all()


def test_labels() -> None:
    assert label_of(result(0, tracks=[7]), 0, ("Person",)) == "Person 7 36.4 C"
    assert label_of(result(0, tracks=[-1], celsius=math.nan), 0, ("Person",)) == "Person"
    assert label_of(result(0, label=4, celsius=math.nan), 0, ("Person",)) == "4 1"


def test_a_herd_is_named_as_far_as_there_is_room_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(picture_module, "_write", lambda _image, text, _place, _colour: written.append(text))
    boxes = [(4.0 * i, 3.0 * k, 4.0 * i + 3, 3.0 * k + 2) for i in range(20) for k in range(10)]
    paint(result(0, boxes=boxes, tracks=[*range(2, 201), 1]), ("Deer",))
    *named, told = written
    assert named[0] == "1"  # the oldest track chooses first
    assert told == f"{200 - len(named)} without room for a name"
    assert 10 <= len(named) < 200
    assert all(name.isdecimal() for name in named)
    written.clear()
    paint(result(0, boxes=boxes[:1], tracks=[1]), ("Deer",))
    assert written == ["Deer 1 36.4 C"]
    for many, first in ((12, "Deer 1 36.4 C"), (13, "1")):
        written.clear()
        apart = [(20.0 * (i % 4), 15.0 * (i // 4) + 5, 20.0 * (i % 4) + 3, 15.0 * (i // 4) + 7) for i in range(many)]
        paint(result(0, boxes=apart, tracks=list(range(1, many + 1))), ("Deer",))
        assert written[0] == first


def test_boxes_at_the_edges_and_very_many() -> None:
    assert paint(
        result(0, boxes=[(0, 0, 80, 64), (0, 0, 1, 1), (79, 63, 80, 64)], tracks=[1, 2, 3]), ("P" * 200,)
    ).any()
    many = [(1.0, 1.0, 3.0, 3.0)] * 1000
    assert paint(result(0, boxes=many, tracks=list(range(1000))), ("Person",)).any()


def test_a_jpeg() -> None:
    data = jpeg(result(0), ("Person",))
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (384, 480, 3)


class Newest:
    """The newest result, and how often it was made a picture of."""

    def __init__(self) -> None:
        self.result: Result | None = None
        self.made: list[int] = []

    def encode(self, one: Result) -> bytes:
        self.made.append(one.frame.seq)
        return f"jpeg {one.frame.seq}".encode()

    def pictures(self, hz: float = 1e6) -> Pictures:
        return Pictures(lambda: self.result, self.encode, hz)


def test_all_get_the_newest_and_it_is_made_once() -> None:
    newest = Newest()
    pictures = newest.pictures()

    async def look() -> None:
        newest.result = result(3)
        assert await asyncio.gather(pictures.after(0), pictures.after(0)) == [(1, b"jpeg 3")] * 2
        newest.result = result(4)
        newest.result = result(5)  # 4 was never looked at
        assert await asyncio.gather(pictures.after(1), pictures.after(1), pictures.after(1)) == [(2, b"jpeg 5")] * 3
        assert await pictures.after(1) == (2, b"jpeg 5")  # it was there already

    asyncio.run(look())
    assert newest.made == [3, 5]


def test_who_comes_later_gets_no_old_picture() -> None:
    newest = Newest()
    pictures = newest.pictures()

    async def look() -> list[bytes]:
        newest.result = result(1)
        seen = [(await pictures.after(pictures.before))[1] for _ in range(2)]
        newest.result = result(7)  # much later
        parts = mjpeg(pictures)
        await anext(parts)
        return [*seen, await anext(parts)]

    first, again, later = asyncio.run(look())
    assert (first, again) == (b"jpeg 1", b"jpeg 1")
    assert b"jpeg 7" in later
    assert newest.made == [1, 7]


def test_nobody_waits_any_more() -> None:
    newest = Newest()
    pictures = newest.pictures()

    async def look() -> None:
        waits = asyncio.create_task(pictures.after(0))
        await asyncio.sleep(0)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        while pictures._making is None or not pictures._making.done():
            await asyncio.sleep(0)
        newest.result = result(1)
        await asyncio.sleep(0)

    asyncio.run(look())
    assert newest.made == []


def test_a_picture_that_cannot_be_made_is_told_to_who_waits() -> None:
    def fails(_one: Result) -> bytes:
        raise RuntimeError("no encoder")

    pictures = Pictures(lambda: result(0), fails)
    with pytest.raises(RuntimeError, match="no encoder"):
        asyncio.run(pictures.after(0))


def test_it_is_not_made_too_often() -> None:
    newest = Newest()
    pictures = newest.pictures(hz=1e-3)

    async def look() -> None:
        newest.result = result(1)
        await pictures.after(0)
        newest.result = result(2)
        waits = asyncio.create_task(pictures.after(1))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waits.done()
        waits.cancel()

    asyncio.run(look())
    assert newest.made == [1]


def test_the_end_wakes_who_waits() -> None:
    newest = Newest()
    pictures = newest.pictures()

    async def look() -> list[bytes]:
        newest.result = result(1)
        parts = []
        async for part in mjpeg(pictures):
            parts.append(part)
            pictures.over = len(parts) == 2
        return parts

    assert asyncio.run(look()) == [
        b"--thermal-edge-frame\r\nContent-Type: image/jpeg\r\n\r\n",
        b"jpeg 1\r\n--thermal-edge-frame\r\nContent-Type: image/jpeg\r\n\r\n",
    ]  # fmt: skip


def test_seats() -> None:
    seats = Seats(2)
    with seats, seats:
        with pytest.raises(Full), seats:
            pass
        assert seats.taken == 2
    assert seats.taken == 0
