"""The unit of the service: its text, and whether a file is one of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.system.budget import EXTEND_S, RESTART_S, SERVICE_STOP_S, WATCHDOG_S

NAME = "thermal-edge"
UNIT = f"{NAME}.service"
MARK = "# Written by edge service install; edge service uninstall removes it."
MISSION = "# Mission: "
# a fault that is told again and again shall not fill the disk of the flights
JOURNAL_S, JOURNAL_LINES = 30, 200
# video4linux and the serial lines by their numbers: the kernel knows their names only once such a device was there,
# and a service that starts before its camera would be refused it for ever
CAMERA = ("char-81",)
SERIAL = ("char-4", "char-166", "char-188", "char-ttyTHS", "char-ttyTCU", "char-ttyAMA")
GPU = ("char-nv*", "char-host1x*", "/dev/nvmap", "char-226", "char-drm")  # 226: /dev/dri
GROUPS = ("video", "render", "dialout")  # who may open camera, GPU and serial lines


@dataclass(frozen=True)
class UnitSettings:
    """What differs from one machine and mission to the next.

    ``edge``: the command. ``groups``: that there are. ``writable``: the folders that flights are written below.
    ``serial``: whether a serial line is used. ``home``: whether it needs a file below /home or /root.
    """

    mission: Path
    edge: Path
    user: str
    groups: Sequence[str]
    writable: Sequence[Path]
    serial: bool = False
    home: bool = False


def unit_text(settings: UnitSettings) -> str:
    """The whole file."""
    devices = (*CAMERA, *(SERIAL if settings.serial else ()), *GPU)
    lines = [
        MARK,
        f"{MISSION}{settings.mission}",
        "# Change it with systemctl edit thermal-edge, which keeps your lines in a file of their own.",
        "",
        "[Unit]",
        "Description=thermal-edge: finds warm objects in what a thermal camera sees",
        # after the clock of the machine was set from its own; time-sync.target may wait for a network, without an end
        "After=time-set.target network.target",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=notify",
        f"ExecStart={_word(settings.edge)} run --mission {_word(settings.mission).replace('$', '$$')}",
        f"User={settings.user}",
        *([f"SupplementaryGroups={' '.join(settings.groups)}"] if settings.groups else []),
        f"StateDirectory={NAME}",
        f"WatchdogSec={WATCHDOG_S:.0f}",
        "WatchdogSignal=SIGKILL",
        f"TimeoutStartSec={2 * EXTEND_S:.0f}",
        f"TimeoutStopSec={SERVICE_STOP_S:.0f}",
        "Restart=always",
        f"RestartSec={RESTART_S:.0f}",
        "RestartPreventExitStatus=2",
        "OOMScoreAdjust=-500",
        f"LogRateLimitIntervalSec={JOURNAL_S}",
        f"LogRateLimitBurst={JOURNAL_LINES}",
        "",
        "# what it may not do",
        "ProtectSystem=strict",
        *(f"ReadWritePaths={_word(folder)}" for folder in settings.writable),
        f"ProtectHome={'read-only' if settings.home else 'yes'}",
        "PrivateTmp=yes",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "DevicePolicy=closed",
        *(f"DeviceAllow={device} rw" for device in devices),
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "RestrictNamespaces=yes",
        "RestrictSUIDSGID=yes",
        "LockPersonality=yes",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectControlGroups=yes",
        "ProtectClock=yes",
        "ProtectHostname=yes",
        "ProtectProc=invisible",
        "SystemCallArchitectures=native",
        "SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap",
        "SystemCallErrorNumber=EPERM",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


def is_ours(text: str) -> bool:
    """Whether `unit_text` made this file."""
    return text.startswith(MARK + "\n")


def mission_of(text: str) -> Path | None:
    """The mission of such a file; None where it names none."""
    found = next((line for line in text.splitlines() if line.startswith(MISSION)), None)
    return Path(found[len(MISSION) :]) if found else None


def _word(path: Path) -> str:
    """A path as one word of a unit: in quotes, where it needs them, and with nothing in it that systemd replaces."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return text if not set(text) & set(" \t'\"\\;") else f'"{text}"'
