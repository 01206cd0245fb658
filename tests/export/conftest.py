"""Set before any test module imports torch."""

from __future__ import annotations

import os

# OpenMP threads that spin while they wait take ten times the processor time where the machine has other work
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
