"""A real RTSP server (GStreamer's, H.264 over RTP): each picture shows the moment it was made.

Run by the system's Python, which has GStreamer's bindings. Prints its port, then serves
rtsp://127.0.0.1:PORT/cam until killed.

    rtsp_server.py PORT WIDTH HEIGHT FPS       PORT 0: any
"""

from __future__ import annotations

import sys
import time
from typing import Any

ACROSS, DOWN, DARK, BRIGHT = 8, 4, 40, 210  # one block for each bit


def picture(ms: int, width: int, height: int) -> bytes:
    """Grey pixels whose blocks are the bits of ``ms``, lowest first."""
    rows = []
    for y in range(DOWN):
        bits = (ms >> (y * ACROSS + x) & 1 for x in range(ACROSS))
        row = b"".join(bytes([BRIGHT if bit else DARK]) * (width // ACROSS) for bit in bits)
        rows.append(row * (height // DOWN))
    return b"".join(rows)


def main() -> None:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    port, (width, height, fps) = sys.argv[1], map(int, sys.argv[2:])
    Gst.init(None)

    def push(camera: Any) -> bool:
        ms = int(time.monotonic() * 1000) & 0xFFFFFFFF
        buffer = Gst.Buffer.new_wrapped(picture(ms, width, height))
        return bool(camera.emit("push-buffer", buffer) == Gst.FlowReturn.OK)

    def begin(_factory: Any, media: Any) -> None:
        GLib.timeout_add(1000 // fps, push, media.get_element().get_child_by_name("camera"))

    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        "( appsrc name=camera is-live=true do-timestamp=true format=time "
        f"caps=video/x-raw,format=GRAY8,width={width},height={height},framerate={fps}/1 ! videoconvert ! "
        f"video/x-raw,format=I420 ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={fps} ! "
        "rtph264pay name=pay0 pt=96 config-interval=1 )"
    )
    factory.set_shared(True)
    factory.connect("media-configure", begin)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    server.get_mount_points().add_factory("/cam", factory)
    if not server.attach(None):
        sys.exit("rtsp_server: the port is taken")
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
