"""The small detector that tests/export exports once is at hand here too."""

from __future__ import annotations

from tests.export.conftest import as_before, exported, kept_engines, small_detector
from tests.support.narrow import narrow_resnets

__all__ = ["as_before", "exported", "kept_engines", "narrow_resnets", "small_detector"]
