"""From a text to a source of poses: its kinds, its options, and one line for each mistake."""

from __future__ import annotations

import math
import sys
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path

import pytest

from edge.errors import InputError
from edge.pose import Moment, open_pose
from edge.pose.heights import BY_MODEL, Altitudes
from edge.pose.open import KINDS
from edge.pose.options import Spec
from edge.pose.rotation import of_angles
from edge.pose.series import Place
from edge.pose.source import Alignment

SRT = "1\n00:00:00,000 --> 00:00:01,000\n[latitude: 47.0] [longitude: 8.0] [rel_alt: 60.0 abs_alt: 9.0]\n"


def spec(options: str, *known: str) -> Spec:
    return Spec.parse(f"tlog:x?{options}", f"x?{options}", known, ())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_module(kind: object) -> None:
    if kind.module in ("edge.pose.mavlink", "edge.pose.tlog"):
        pytest.importorskip("pymavlink", reason="pip install 'thermal-edge[mavlink]'")
    assert callable(import_module(kind.module).open_source)


@pytest.mark.parametrize(
    ("pose", "why"),
    [
        ("", "no kind of poses begins like that; expected mavlink:udp:HOST:PORT, .*, exif"),
        ("tlg:flight.tlog", "is tlog: meant\\?"),
        ("exifs", "is exif meant\\?"),
        ("flight.tlog", "no kind of poses begins like that"),
        ("gpx:\x1b[0m", r"pose 'gpx:\\x1b\[0m': no kind"),
        ("srt:", "names no file"),
        ("srt:none.srt?ofset=2", r"unknown option ofset \(is offset meant\?\); expected offset, mount, camera"),
        ("srt:none.srt?start=first", "unknown option start"),
        ("srt:none.srt?offset=1&offset=2", "an option is given twice"),
        ("srt:none.srt?offset", r"pose .*expected key=value"),
        ("exif?altitude=agl", "altitude='agl'; expected relative or absolute"),
        ("klv:x?offset=nan", "offset='nan'; expected seconds, -100000 to 100000"),
        ("klv:x?offset=100001", "expected seconds"),
        ("klv:x?start=2026-05-01T20:15:30", "start='2026-05-01T20:15:30'; expected a time with its zone"),
        ("klv:x?start=now", "expected a time with its zone"),
        ("srt:x?camera=0,-90", "camera='0,-90'; expected YAW,PITCH,ROLL in degrees"),
        ("srt:x?mount=0,-90,inf", "expected YAW,PITCH,ROLL in degrees"),
        ("srt:x?ground=20001", "ground='20001'; expected metres, -20000 to 20000"),
    ],
)
def test_mistakes_are_told_in_a_line(pose: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        open_pose(pose)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("pose", "why"),
    [
        ("tlog:x?gimbal=north", "gimbal='north'; expected earth or vehicle or body"),
        ("tlog:x?gimbal=earth&mount=0,-90,0", "mount= is a camera without a gimbal"),
        ("tlog:x?system=0", "system='0'; expected a system's number, 1 to 255"),
        ("mavlink:/dev/ttyACM0?baud=fast", "baud='fast'; expected a rate"),
    ],
)
def test_mistakes_about_an_autopilot(pose: str, why: str) -> None:
    pytest.importorskip("pymavlink", reason="pip install 'thermal-edge[mavlink]'")
    with pytest.raises(InputError, match=why):
        open_pose(pose)


@pytest.mark.parametrize("pose", ["mavlink:udp:127.0.0.1:14550", "tlog:flight.tlog"])
def test_without_pymavlink_it_says_what_to_install(pose: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("dialect", "mavlink", "tlog"):
        monkeypatch.delitem(sys.modules, f"edge.pose.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "pymavlink", None)
    monkeypatch.delitem(sys.modules, "pymavlink.dialects.v20", raising=False)
    monkeypatch.delitem(sys.modules, "pymavlink.dialects", raising=False)
    with pytest.raises(InputError, match=r"pymavlink, which is not installed: pip install 'thermal-edge\[mavlink\]'"):
        open_pose(pose)


def test_a_file_may_have_a_question_mark_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "what?a=b.srt").write_text(SRT)
    assert open_pose(f"srt:{tmp_path}/what?a=b.srt").description.endswith("1 positions")
    assert open_pose(f"srt:{tmp_path}/what?a=b.srt?offset=2".replace("?offset=2", "")) is not None


def test_options_are_read() -> None:
    found = spec("start=2026-05-01T20:00:00.5+02:00&offset=-1.5", "start", "offset").alignment()
    assert found == Alignment(datetime(2026, 5, 1, 18, 0, 0, 500_000, tzinfo=timezone.utc).timestamp(), -1.5)
    assert spec("", "start", "offset").alignment() == Alignment(None, 0.0)
    assert spec("mount=10,-90,5", "mount").mounting().fixed == of_angles(10, -90, 5)
    assert spec("gimbal=body", "gimbal").mounting().frame == "body"
    assert spec("system=255", "system").system() == 255


def test_a_frame_s_own_time_and_the_video_s() -> None:
    utc = datetime.fromtimestamp(50.0, timezone.utc)
    both, media, none = Moment(0, utc, 2.0), Moment(0, None, 2.0), Moment(0, None, "a.jpg")
    assert [Alignment(None, 0.5).utc(moment)[0] for moment in (both, media, none)] == [50.5, None, None]
    assert [Alignment(100.0, 0.5).utc(moment)[0] for moment in (both, media, none)] == [102.5, 102.5, None]
    assert [Alignment(None, 0.5).media(moment)[0] for moment in (both, media, none)] == [2.5, 2.5, None]
    assert Alignment(100.0).utc(Moment(0, utc)) == (50.0, "")


@pytest.mark.parametrize(
    ("settings", "altitudes", "expected"),
    [
        (Altitudes(), (60.0, 500.0), (60.0, "above take-off")),
        (Altitudes(ground=450.0), (60.0, 500.0), (50.0, "altitude less ground=")),
        (Altitudes(), (None, None), (None, "no height is in it")),
        (Altitudes("relative"), (None, None, 70.0), (70.0, "above take-off")),
        (Altitudes("absolute", 20.0), (None, None, 70.0), (50.0, "altitude less ground=")),
        (Altitudes(), (60.0, None, 70.0), (60.0, "above take-off")),
    ],
)
def test_heights(settings: Altitudes, altitudes: tuple[float | None, ...], expected: tuple[float | None, str]) -> None:
    assert settings.height(*altitudes) == expected
    assert settings.said == ([f"height: {expected[1]}, the ground taken as flat"] if expected[0] else [])
    assert settings.height(*altitudes) == expected
    assert len(settings.said) <= 1
    assert not math.isnan(expected[0] or 0)


@pytest.mark.parametrize(
    ("settings", "altitudes", "height", "said"),
    [
        (Altitudes(ground=450.0), (60.0, None), 60.0, "ground= is not used where there is no altitude above the sea"),
        (Altitudes("relative", 450.0), (None, None, 70.0), 70.0, "ground= is not used where there is no"),
        (Altitudes("absolute"), (60.0, 500.0), 60.0, "altitude= is not used where an altitude says what it is from"),
    ],
)
def test_what_is_of_no_use_is_told(
    settings: Altitudes, altitudes: tuple[float | None, ...], height: float, said: str
) -> None:
    for _ in range(2):
        assert settings.height(*altitudes) == (height, "above take-off")
    first, second = settings.said
    assert first.startswith(said)
    assert second == "height: above take-off, the ground taken as flat"


class Hill:
    """Ground of 400 m in the south, unknown in the north."""

    def __init__(self, vertical: str = "EGM96") -> None:
        self.vertical, self.name = vertical, "hill"

    def altitude(self, latitude: float, longitude: float) -> float:
        return 400.0 if latitude < 47 else math.nan


SOUTH, NORTH = Place(46.0, 8.0), Place(48.0, 8.0)


def test_altitudes_above_the_sea_and_a_ground_model_make_a_height() -> None:
    settings = Altitudes(model=Hill())
    assert settings.height(None, 460.0, None, SOUTH) == (60.0, BY_MODEL)
    assert settings.said == ["height: altitude above the sea (taken as EGM96) less hill; 1 sigma 10 m"]
    assert settings.height(55.0, 460.0, None, SOUTH) == (55.0, "above take-off")
    assert Altitudes(ground=450.0, model=Hill()).height(None, 460.0, None, SOUTH)[0] == 10.0
    assert Altitudes("absolute", model=Hill("EGM2008")).height(None, None, 460.0, SOUTH) == (60.0, BY_MODEL)
    assert settings.height(None, 460.0, None, NORTH) == (None, "the ground model does not know the ground below it")
    assert (Altitudes.sigma(BY_MODEL), Altitudes.sigma("above take-off")) == (10.0, None)


@pytest.mark.parametrize("vertical", ["ellipsoid", "unknown"])
def test_a_ground_model_of_another_datum_is_not_used(vertical: str) -> None:
    height, why = Altitudes(model=Hill(vertical)).height(None, 460.0, None, SOUTH)
    assert height is None
    assert f"heights above {vertical}: expected EGM96 or EGM2008; or ground=METRES" in why


def test_subtitles_with_absolute_altitudes_only_stand_over_a_ground_model(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(
        "1\n00:00:00,000 --> 00:00:01,000\n[latitude: 46.0] [longitude: 8.0] [altitude: 470.5]\n"
    )
    poses = open_pose(f"srt:{tmp_path}/a.srt?altitude=absolute&camera=0,-90,0", model=Hill())
    pose, why = poses.at(Moment(0.0, origin=0.0))
    assert pose is not None, why
    assert (pose.height, pose.height_source, pose.sigma_height_m) == (70.5, BY_MODEL, 10.0)
    assert any("less hill" in line for line in poses.assumed)
