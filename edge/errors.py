"""Every error that this package raises on purpose. A leaf: imports nothing of ours.

Each message says what came, what was expected, what to do.

    EdgeError                 exit code 1: it failed while running
    |-- CameraError           a source broke while frames were being read
    |-- EngineError           the accelerator or ONNX Runtime failed
    |-- SinkError             a result could not be written (full disk, lost folder)
    |-- ReplayError           a replayed flight gave other detections than the flight
    `-- InputError            exit code 2: bad argument or bad input, found before the start
        |-- SourceError       a source that cannot be opened
        `-- BundleError       a model folder that is missing, altered or of another version
"""

from __future__ import annotations


class EdgeError(Exception):
    """Root of all errors that this package raises on purpose."""

    exit_code = 1


class CameraError(EdgeError):
    """A source broke while frames were being read."""


class EngineError(EdgeError):
    """The engine failed: a null return, a device error, an output of another shape."""


class SinkError(EdgeError):
    """A result could not be written."""


class ReplayError(EdgeError):
    """A replayed flight gave other detections than the flight."""


class InputError(EdgeError):
    """A bad argument or bad input, found before anything was started."""

    exit_code = 2


class SourceError(InputError):
    """A source that cannot be opened, or delivers nothing usable."""


class BundleError(InputError):
    """A model folder that is missing, altered, or of a version this package does not read."""
