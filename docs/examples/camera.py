"""A kind of camera that thermal-edge does not know yet: 16-bit frames over UDP, a datagram a frame."""

import socket
import threading
import time

import numpy as np

from edge.camera.live.reconnect import keep_open
from edge.camera.options import Source
from edge.data import Frame
from edge.errors import CameraError, SourceError
from edge.seams import Camera

HEAD = 4  # bytes before the pixels: the number of the frame, little-endian
LARGEST = 65_507 - HEAD  # bytes of pixels that fit into a datagram


def open_source(source: Source) -> Camera:
    """``counts:PORT?width=W&height=H``."""
    port, options = source.split("width", "height")
    if not (port.isdecimal() and len(port) < 6 and int(port) < 65_536):
        raise SourceError(f"source {source.text!r}: port {port!r}; expected 0 to 65535, as in counts:5600")
    width = options.take("width", int, "pixels, such as 160") or 160
    height = options.take("height", int, "pixels, such as 120") or 120
    if not 0 < 2 * width * height <= LARGEST:
        raise SourceError(f"source {source.text!r}: {width}x{height}; expected up to {LARGEST // 2} pixels")
    # opened again when it is lost; every call into it is limited in time
    return keep_open(lambda: CountsOverUdp(int(port), width, height), source.text, source.reconnect_s)


class CountsOverUdp(Camera):
    """The frames that come to a port of this machine."""

    live = True  # its frames do not wait for us

    def __init__(self, port: int, width: int, height: int) -> None:
        self.description = f"counts:{port}, {width}x{height} 16-bit raw counts over UDP"
        self._shape, self._bytes = (height, width), HEAD + 2 * width * height
        self._closed, self._reading = threading.Event(), threading.Lock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(0.2)  # how soon close() is noticed
        try:
            self._socket.bind(("", port))
        except (OSError, OverflowError) as error:
            self._socket.close()
            raise SourceError(f"port {port}: {error}; give one that is free") from error

    def read(self) -> Frame | None:
        with self._reading:
            while not self._closed.is_set():
                try:
                    data = self._socket.recv(HEAD + LARGEST)
                except TimeoutError:
                    continue  # silence is not the end: None would end the flight
                came = time.monotonic()
                if len(data) != self._bytes:
                    raise CameraError(f"{self.description}: {len(data)} bytes came, expected {self._bytes}")
                pixels = np.frombuffer(data, "<u2", offset=HEAD).reshape(self._shape)
                return Frame(pixels, int.from_bytes(data[:HEAD], "little"), came)
        raise CameraError(f"{self.description} was closed: open it again to read it")

    def close(self) -> None:  # from any thread, also while read() waits
        self._closed.set()
        with self._reading:
            self._socket.close()
