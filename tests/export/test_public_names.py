"""The public names of ``export``. Which room may import which: tests/test_house.py."""

from __future__ import annotations

import sys

import pytest

import export
from tests.conftest import ROOT
from tests.support.children import run_child


def test_public_names() -> None:
    assert export.__all__ == ["StaticDetector", "export_bundle", "frc_resnet_fpn"]
    assert all(callable(getattr(export, name)) for name in export.__all__)
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        export.train  # noqa: B018


def test_public_names_come_without_torch_until_they_are_used() -> None:
    script = "import sys, export; assert not {'torch', 'onnx'} & set(sys.modules)"
    run_child([sys.executable, "-c", script], cwd=ROOT, check=True)
