"""ONNX Runtime is imported in one place: quiet, without reports to its maker, with a thread for each usable core."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from edge.engine.onnx_runtime import _without_lines, load
from edge.engine.ort import OrtEngine
from edge.model.bundle import Bundle
from tests.conftest import ROOT
from tests.support.children import run_child

# as 1.23.2 writes it while it is imported, where /sys/class/drm/card0 is no PCI device; and a library that does
WARNING = (
    "[W:onnxruntime:Default, device_discovery.cc:164 DiscoverDevicesForPlatform] GPU device discovery failed: "
    'device_discovery.cc:89 ReadFileContents Failed to open file: "/sys/class/drm/card0/device/vendor"'
)
STAND_IN = f"""
import os
os.write(2, {WARNING!r}.encode() + b"\\nsomething else\\n")
telemetry_off = os.environ.get("ORT_DISABLE_TELEMETRY")
def set_default_logger_severity(severity):
    print("severity", severity, "telemetry off", telemetry_off)
"""


def test_it_is_quiet_from_its_import_on(tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text(STAND_IN)
    clean = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    script = "from edge.engine.onnx_runtime import load; assert load() is load()"
    done = run_child(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**clean, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "severity 4 telemetry off 1\n", "something else\n")


def test_nothing_of_ours_imports_it_another_way() -> None:
    files = [path for package in ("edge", "export", "benchmarks") for path in (ROOT / package).rglob("*.py")]
    assert len(files) > 100
    named = [path for path in files if re.search(r"^\s*(import|from) onnxruntime", path.read_text(), re.MULTILINE)]
    assert named == []


def test_what_fails_meanwhile_is_not_hidden(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        os.write(2, b"a reason\n")
        raise ImportError("libonnxruntime.so: cannot open")

    with pytest.raises(ImportError, match="libonnxruntime"), _without_lines(b"device discovery failed"):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "a reason\nafter\n"


def test_a_program_without_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with _without_lines(b"x"):
        pass
    assert load().__name__ == "onnxruntime"


@pytest.mark.parametrize(
    ("cores", "asked", "said"), [({3}, 0, "1 thread"), ({0, 2}, 0, "2 threads"), ({0}, 3, "3 threads")]
)
def test_one_thread_for_each_core_that_may_be_used(
    tiny_bundle: Path, cores: set[int], asked: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores)
    with OrtEngine(Bundle.load(tiny_bundle), asked) as engine:
        assert engine.description.endswith(f" on CPU, {said}")
        assert engine._session.get_session_options().intra_op_num_threads == int(said.split(maxsplit=1)[0])
