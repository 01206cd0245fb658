"""The programs below docs/examples, for tests that run what the pages show."""

from __future__ import annotations

import importlib.util
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.scripted_camera import picture

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


def example(name: str) -> Any:
    """The module ``docs/examples/NAME.py``, made anew."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def sending(camera: Any, frames: int) -> Iterator[None]:
    """While the block runs, so many frames go to a ``CountsOverUdp`` on this machine, a few hundred a second."""
    stop, port = threading.Event(), camera._socket.getsockname()[1]

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for seq in range(frames):
                if stop.wait(0.003):
                    return
                sender.sendto(datagram(seq), ("127.0.0.1", port))

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def datagram(seq: int) -> bytes:
    """As the example expects them: the frame's number, then its counts."""
    counts = (picture() + np.uint16(seq)).astype("<u2")
    return seq.to_bytes(4, "little") + bytes(counts.tobytes())
