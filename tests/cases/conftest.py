"""The small detector that tests/export exports once is at hand here too."""

from __future__ import annotations

from tests.export.conftest import as_before, exported, small_detector

__all__ = ["as_before", "exported", "small_detector"]
