"""Nothing is collected while a library may hold a lock that the end of an object takes."""

from __future__ import annotations

import gc
import weakref

import pytest

from edge.system.memory import collection_waits


class Ring:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_garbage_before_is_gone_and_what_becomes_it_inside_stays() -> None:
    before = weakref.ref(Ring())
    assert gc.isenabled()
    with collection_waits():
        assert before() is None
        assert not gc.isenabled()
        inside = weakref.ref(Ring())
        for _ in range(100):
            [[] for _ in range(1000)]
        assert inside() is not None
    assert gc.isenabled()


def test_collection_goes_on_after_a_failure_too() -> None:
    @collection_waits()
    def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert gc.isenabled()


def test_where_nothing_is_collected_at_all_it_stays_so() -> None:
    gc.disable()
    try:
        with collection_waits():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
