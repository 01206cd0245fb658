"""Which errors mean that the memory is used up, and what a person is told."""

from __future__ import annotations

import errno

import cv2
import pytest

from edge.system.memory import memory_error


def of_opencv(code: int) -> cv2.error:
    error = cv2.error("Failed to allocate 4460544 bytes")
    error.code = code
    return error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (MemoryError(), ""),
        (MemoryError("Unable to allocate 1 GiB"), ""),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), ""),
        (RuntimeError("can't start new thread"), " (another thread could not be started)"),
        (of_opencv(-4), " (OpenCV)"),
    ],
)
def test_no_memory_is_told_in_a_line(error: Exception, why: str) -> None:
    said = memory_error(error)
    assert said is not None
    assert str(said).startswith(f"the memory is used up{why}: close other programs")
    assert (said.exit_code, said.__cause__) == (1, error)


@pytest.mark.parametrize(
    "error", [ValueError("memory"), RuntimeError("memory"), OSError(errno.ENOSPC, ""), of_opencv(-215)]
)
def test_what_is_another_error_stays_one(error: Exception) -> None:
    assert memory_error(error) is None
