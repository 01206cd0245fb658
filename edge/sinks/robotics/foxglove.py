"""``--foxglove``: a run to be watched in Foxglove or Lichtblick, by their protocol (extra ``foxglove``)."""

from __future__ import annotations

import ipaddress
import logging
import socket
from pathlib import Path

from edge.errors import InputError
from edge.seams import Sink
from edge.sinks.live.link import Address
from edge.sinks.spec import SinkContext, SinkSpec
from edge.system.files import reason_of

HERE = "127.0.0.1"
EXPECTED = "expected PORT or HOST:PORT, such as 8765 or 127.0.0.1:8765"
DEPTH = 2  # results that may wait: who watches wants the newest

log = logging.getLogger(__name__)


def parse(text: str) -> Address:
    """``HOST:PORT``, or ``PORT`` of this machine alone. Raises InputError for anything else."""
    where = text if ":" in text else f"{HERE}:{text}"
    try:
        return Address.parse(f"tcp:{where}", EXPECTED)
    except InputError:
        raise InputError(f"{text!r}: {EXPECTED}") from None


def check_free(to: Address) -> bool:
    """Whether other machines reach it, too. Raises InputError where nobody can listen there now."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
            tried.bind(where)
    except (OSError, UnicodeError) as error:
        why = reason_of(error) if isinstance(error, OSError) else "it is no name of a host"
        raise InputError(
            f"--foxglove {str(to).removeprefix('tcp:')}: {why}: give another port, or end what listens there"
        ) from None
    return not ipaddress.ip_address(str(where[0]).partition("%")[0]).is_loopback


def spec_of(to: Address) -> SinkSpec:
    """The sink of a run that can be watched there."""

    def make(context: SinkContext) -> Sink:
        from edge.sinks.robotics.foxglove_server import FoxgloveSink

        return FoxgloveSink(to, context.classes, context.model)

    def check(_path: Path) -> None:
        try:
            from edge.sinks.robotics.foxglove_server import FoxgloveSink  # noqa: F401 - whether it can be
        except ModuleNotFoundError as error:
            raise InputError(f"--foxglove: {error}") from None
        if check_free(to):
            log.warning("foxglove: %s: whoever reaches this machine can watch: nobody is asked who they are", to)

    return SinkSpec("foxglove", None, make, lossless=False, depth=DEPTH, check=check, heavy=True)
