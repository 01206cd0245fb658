"""What ``edge-export engine`` finds out before it builds: room on the disk, memory, where timings are kept."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from edge.errors import InputError
from edge.model.bundle import Bundle
from edge.model.passport import Target
from export.tensorrt import plan as engine_plan
from export.tensorrt.plan import available_mib, make_plan, timing_cache_path
from tests.support.half_detector import with_float16_graph


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return with_float16_graph(tiny_bundle, b"a graph that is not read here")


def test_a_folder_that_cannot_be_written_is_found_before_the_build(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(engine_plan.tempfile, "TemporaryFile", forbidden)  # root may write anywhere
    with pytest.raises(InputError, match=r"cannot be written \(Permission denied\)"):
        make_plan(bundle, Target())


def test_too_little_room_is_found_before_the_build(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 34, 1 << 34, 20 << 20))
    with pytest.raises(InputError, match="has 20 MiB of room: expected 32 MiB"):
        make_plan(bundle, Target())


@pytest.mark.parametrize(("free", "workspace"), [(6000, 1500), (60000, 2048), (512, 128)])
def test_default_workspace(bundle: Bundle, free: int, workspace: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_plan, "available_mib", lambda: free)
    assert make_plan(bundle, Target()).settings.workspace_mib == workspace


@pytest.mark.parametrize(("free", "asked"), [(500, None), (4000, 4001), (4000, 0), (4000, -5)])
def test_workspace_that_does_not_fit(
    bundle: Bundle, free: int, asked: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_plan, "available_mib", lambda: free)
    with pytest.raises(InputError, match=f"with {free} MiB of memory free"):
        make_plan(bundle, Target(), asked)


def test_memory_that_programs_can_have(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:        7802900 kB\nMemFree:          500000 kB\nMemAvailable:    5242880 kB\n")
    assert available_mib(meminfo) == 5120


def test_timings_are_kept_apart_by_board_and_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    target = Target("10.3.0", "Orin", "8.7", 8, 7620, "12.6", "NVIDIA Jetson Orin NX", power_mode="15W")
    name = "NVIDIA-Jetson-Orin-NX_sm8.7_tensorrt-10.3.0_15W.timing"
    assert timing_cache_path(target) == Path("/cache/thermal-edge") / name
