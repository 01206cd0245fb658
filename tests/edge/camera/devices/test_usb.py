"""Which USB camera is which, whatever its device number is now."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.camera.devices.usb import Place
from edge.errors import SourceError
from tests.support.fake_sysfs import FakeSysfs


@pytest.fixture
def sysfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSysfs:
    return FakeSysfs(tmp_path, monkeypatch)


def test_found_again_under_another_number(sysfs: FakeSysfs, tmp_path: Path) -> None:
    sysfs.plug("null")
    by_id = tmp_path / "usb-PureThermal-video-index0"
    by_id.symlink_to("/dev/null")
    place = Place(str(by_id))
    assert place.find() == str(by_id)
    sysfs.unplug("null")
    with pytest.raises(SourceError, match=r"Lepton \(1e4e:0100, serial S1, USB port 1-2\) is not plugged in.*none"):
        place.find()
    sysfs.plug("zero", port="1-3")
    assert place.find() == "/dev/zero"
    by_id.unlink()
    by_id.symlink_to("/dev/zero")  # udev is slower than we
    assert place.find() == str(by_id)


@pytest.mark.parametrize("other", [{"serial": "S2"}, {"product": "0200"}, {"serial": ""}, {"index": "1"}], ids=str)
def test_another_camera_in_its_place_is_not_taken(sysfs: FakeSysfs, other: dict[str, str]) -> None:
    sysfs.plug("null")
    place = Place("/dev/null")
    assert place.find() == "/dev/null"
    sysfs.unplug("null")
    sysfs.plug("zero", port="1-7", **other)
    with pytest.raises(SourceError, match="is not plugged in; USB cameras here: /dev/zero PureThermal"):
        place.find()


def test_the_twin_that_stayed_is_not_taken(sysfs: FakeSysfs) -> None:
    sysfs.plug("null", serial="")
    sysfs.plug("zero", serial="", port="1-7")
    place = Place("/dev/null")
    assert place.find() == "/dev/null"
    sysfs.unplug("null")
    with pytest.raises(SourceError, match="not plugged in"):
        place.find()
    sysfs.plug("full", serial="", port="1-2")
    assert place.find() == "/dev/full"  # same port, other number


def test_twins_that_both_moved_cannot_be_told_apart(sysfs: FakeSysfs) -> None:
    sysfs.plug("null", serial="")
    place = Place("/dev/null")
    place.find()
    sysfs.unplug("null")
    sysfs.plug("zero", serial="", port="1-7")
    sysfs.plug("full", serial="", port="1-8")
    with pytest.raises(SourceError, match="cannot be told from its twin"):
        place.find()


def test_what_is_not_usb_has_only_its_path(sysfs: FakeSysfs) -> None:
    assert Place("/dev/video97").find() == "/dev/video97"
    assert Place("/dev/null").find() == "/dev/null"
