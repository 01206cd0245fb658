"""All rows of the table, in its order."""

from __future__ import annotations

from tests.faults.of_cameras import CAMERAS
from tests.faults.of_disks import DISKS
from tests.faults.of_engines import ENGINES
from tests.faults.of_hangs import HANGS
from tests.faults.of_kills import KILLS
from tests.faults.of_long import LONG
from tests.faults.of_peers import PEERS
from tests.faults.of_processes import PROCESSES
from tests.faults.row import Row

ROWS: list[Row] = [*KILLS, *DISKS, *CAMERAS, *ENGINES, *HANGS, *PEERS, *PROCESSES, *LONG]
