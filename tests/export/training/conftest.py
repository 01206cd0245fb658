"""Detectors of a narrow ResNet, for tests to which the width of its blocks is no matter."""

from __future__ import annotations

from tests.support.narrow import narrow_resnet

__all__ = ["narrow_resnet"]
