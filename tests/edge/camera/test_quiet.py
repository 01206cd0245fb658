"""OpenCV's log level inside and after `quiet`, whoever else is in it."""

from __future__ import annotations

import threading

import pytest

import edge.camera.quiet as quiet_module
from edge.camera.quiet import SILENT, quiet

WAIT_S = 10.0


@pytest.fixture(autouse=True)
def level(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.delenv("OPENCV_LOG_LEVEL", raising=False)
    return int(quiet_module._log.getLogLevel())


def test_a_block_that_hangs_holds_up_no_other(level: int) -> None:
    inside, let_go = threading.Event(), threading.Event()

    def hang() -> None:
        with quiet():
            inside.set()
            let_go.wait(WAIT_S)

    hanging = threading.Thread(target=hang)
    hanging.start()
    assert inside.wait(WAIT_S)
    with quiet():
        assert quiet_module._log.getLogLevel() == SILENT
        assert not let_go.is_set()
    assert quiet_module._log.getLogLevel() == SILENT  # the other one is still in it
    let_go.set()
    hanging.join(WAIT_S)
    assert quiet_module._log.getLogLevel() == level


def test_the_level_comes_back_after_an_error(level: int) -> None:
    with pytest.raises(KeyError), quiet():
        raise KeyError
    assert quiet_module._log.getLogLevel() == level


def test_whoever_set_a_level_keeps_it(level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCV_LOG_LEVEL", "DEBUG")
    with quiet():
        assert quiet_module._log.getLogLevel() == level
