"""Runs commands of ours in this process and writes down every address that Python's sockets are asked for.

python -m tests.support.network_guard LOG JSON, a list of commands: ["edge", "run", ...], ["edge-export", ...], or
["python", CODE]. At the end come the counters of this network namespace, which count what other code sent.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

ASKED = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind", "socket.getaddrinfo",
         "socket.gethostbyname", "socket.gethostbyaddr", "urllib.Request")  # fmt: skip
COUNTERS = {"Ip": ("OutRequests", "OutNoRoutes"), "Tcp": ("ActiveOpens",), "Udp": ("OutDatagrams",)}


def sent() -> int:
    """Packets and connections that this namespace was asked for, those that found no way included."""
    total = 0
    lines = Path("/proc/net/snmp").read_text().splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        row = dict(zip(names.split()[1:], map(int, values.split()[1:]), strict=True))
        total += sum(row[name] for name in COUNTERS.get(names.partition(":")[0], ()))
    for line in Path("/proc/net/snmp6").read_text().splitlines() if Path("/proc/net/snmp6").exists() else ():
        name, value = line.split()
        total += int(value) if name in ("Ip6OutRequests", "Ip6OutNoRoutes", "Udp6OutDatagrams") else 0
    return total


def main(log: str, commands: str) -> int:
    """Run them one after the other; the first exit code that is not 0, else 0."""
    with open(log, "w", buffering=1) as out:

        def hear(event: str, arguments: tuple[Any, ...]) -> None:
            if event not in ASKED:
                return
            if isinstance(arguments[0], socket.socket):
                if arguments[0].family not in (socket.AF_INET, socket.AF_INET6):
                    return
                arguments = arguments[1:]
            where = arguments[0] if event.startswith(("socket.c", "socket.s", "socket.b")) else arguments[:2]
            out.write(f"{event} {where if isinstance(where, str) else ':'.join(map(str, where or ()))}\n")

        before = sent()
        sys.addaudithook(hear)
        for program, *words in json.loads(commands):
            if program == "python":
                exec(words[0], {})
                code = 0
            elif program == "edge":
                from edge.commands.main import main as edge

                code = edge(words)
            else:
                from export.commands.main import main as edge_export

                code = edge_export(words)
            if code:
                return code
        out.write(f"counted {sent() - before}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
