"""A service manager's stop is a Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from edge.system.signals import finishing, stopping, terminate_as_interrupt


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_sigterm_is_an_interrupt() -> None:
    terminate_as_interrupt()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_so_is_a_lost_login_unless_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        terminate_as_interrupt()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGHUP)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        terminate_as_interrupt()
        os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_first_stop_while_finishing_is_not_heard_the_next_one_is() -> None:
    steps = []

    def finish() -> None:
        with finishing():
            os.kill(os.getpid(), signal.SIGINT)
            steps.append(1)
            os.kill(os.getpid(), signal.SIGINT)
            steps.append(2)

    with pytest.raises(KeyboardInterrupt):
        finish()
    assert steps == [1]
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)  # as before


def test_finishing_in_another_thread_changes_nothing() -> None:
    done = []

    def work() -> None:
        with finishing():
            done.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [before]


def test_the_first_stop_is_a_question_the_next_one_an_interrupt() -> None:
    terminate_as_interrupt()
    stop, steps = threading.Event(), []

    def loop() -> None:
        with stopping(stop) as heard:
            steps.append((stop.is_set(), heard()))
            os.kill(os.getpid(), signal.SIGTERM)
            steps.append((stop.is_set(), heard()))
            os.kill(os.getpid(), signal.SIGINT)
            steps.append((False, False))

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert steps == [(False, False), (True, True)]
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)  # as before


def test_a_stop_while_it_finishes_is_not_the_one_that_was_asked_for() -> None:
    stop = threading.Event()
    with stopping(stop) as heard:
        with finishing():
            os.kill(os.getpid(), signal.SIGINT)
        assert not heard()
        os.kill(os.getpid(), signal.SIGINT)
        assert heard()


def test_stopping_in_another_thread_changes_nothing() -> None:
    done = []

    def work() -> None:
        with stopping(threading.Event()) as heard:
            done.append((signal.getsignal(signal.SIGINT), heard()))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [(before, False)]


def test_a_programs_own_handlers_stay_its_own() -> None:
    called: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: called.append("mine"))
    stop = threading.Event()
    try:
        with stopping(stop) as heard, finishing():
            os.kill(os.getpid(), signal.SIGTERM)
        assert (called, stop.is_set(), heard()) == (["mine"], False, False)
    finally:
        signal.signal(signal.SIGTERM, before)
