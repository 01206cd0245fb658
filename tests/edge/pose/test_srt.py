"""DJI's subtitles: every dialect as its model writes it, and what is refused."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputError
from edge.pose import Moment, open_pose
from edge.pose import srt as module
from edge.pose.heights import Altitudes
from edge.pose.source import Alignment
from edge.pose.srt import Subtitles
from tests.conftest import shared

NO_ANGLES = "the file does not say where the camera looks: add ?camera=YAW,PITCH,ROLL to --pose"
NO_MEANING = "what its altitude is from is not said: add ?altitude=relative or =absolute to --pose"


def cues(*bodies: str, step: float = 1.0) -> str:
    stamps = [f"00:00:{i * step:06.3f}".replace(".", ",") for i in range(len(bodies) + 1)]
    return "\n\n".join(f"{i + 1}\n{stamps[i]} --> {stamps[i + 1]}\n{body}" for i, body in enumerate(bodies))


def opened(tmp_path: Path, text: str, options: str = "") -> Subtitles:
    (tmp_path / "flight.SRT").write_text(text)
    source = open_pose(f"srt:{tmp_path}/flight.SRT{options}")
    assert isinstance(source, Subtitles)
    return source


def at(t: float) -> Moment:
    return Moment(0.0, None, t)


DIALECTS = {
    "M3T": "[latitude: 47.0] [longitude: 8.0] [rel_alt: 60.5 abs_alt: 500.1] "
    "[gb_yaw: -10.0 gb_pitch: -80.0 gb_roll: 0.0]",
    "misspelt": "[latitude : 47.0] [longtitude : 8.0] [rel_alt: 60.5 abs_alt: 500.1]",
    "P4 RTK": "F/5.6, SS 400, GPS (8.0, 47.0, 15), HOME (8.1, 47.1, -57.98m), D 698.70m, H 60.50m, H.S 0.00m/s, "
    "F.PRY (2.7°, -7.0°, 110.1°), G.PRY (-80.0°, 0.0°, -10.0°)",
    "Mavic Pro": "HOME(8.0,47.0) 2017.08.05 14:11:51\nGPS(8.0,47.0,16) BAROMETER:60.5\nISO:100 Shutter:60",
    "old": "HOME(8.0,47.0) 2017.8.5 14:11:51\nGPS(8.0,47.0,16) Hb:60.5 Hs:60.5",
    "M300": "2022.06.21 16:06:17\nGPS(47.0,8.0,0.0M) BAROMETER:60.5M",
}


@pytest.mark.parametrize("model", DIALECTS)
def test_every_dialect(tmp_path: Path, model: str) -> None:
    source = opened(tmp_path, cues(DIALECTS[model]), "?camera=350,-80,0")
    pose, why = source.at(at(0.0))
    assert pose is not None, why
    assert (pose.latitude, pose.longitude, pose.height) == (47.0, 8.0, 60.5)
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((350, -80, 0))
    assert pose.height_source == "above take-off"
    assert ("gimbal angles are from north and the horizon" in source.assumed) == (model in ("M3T", "P4 RTK"))


def test_angles_that_are_not_written_are_not_guessed(tmp_path: Path) -> None:
    assert opened(tmp_path, cues(DIALECTS["Mavic Pro"])).at(at(0.0)) == (None, NO_ANGLES)


def test_a_fixed_camera_turns_with_an_aircraft_that_tells_its_attitude(tmp_path: Path) -> None:
    body = "GPS (8.0, 47.0, 15), H 60.50m, F.PRY (0.0°, 0.0°, 110.0°)"
    pose, _ = opened(tmp_path, cues(body), "?mount=5,-90,0").at(at(0.0))
    assert (pose.yaw, pose.pitch) == pytest.approx((115, -90))


def test_mount_is_used_whatever_the_gimbal_says(tmp_path: Path) -> None:
    source = opened(tmp_path, cues(DIALECTS["P4 RTK"]), "?mount=0,0,0&camera=0,-45,0")
    pose, _ = source.at(at(0.0))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((110.1, 2.7, -7.0))  # F.PRY
    assert "mount= is used, not the gimbal's angles in the file" in source.assumed
    assert "camera= is not used: mount= says where the camera looks" in source.assumed


@pytest.mark.parametrize(("model", "todo"), [("M3T", ""), ("Mavic Pro", ", and say by camera=YAW,PITCH,ROLL where it")])
def test_mount_without_the_aircraft_s_attitude_is_refused(tmp_path: Path, model: str, todo: str) -> None:
    why = rf"mount= turns with the aircraft, whose attitude \(F\.PRY\) is not in it: leave mount= out{todo}"
    with pytest.raises(InputError, match=why):
        opened(tmp_path, cues(DIALECTS[model]), "?mount=0,-45,0&camera=0,-45,0")


def test_camera_is_told_where_the_file_says_it(tmp_path: Path) -> None:
    source = opened(tmp_path, cues(DIALECTS["M3T"]), "?camera=0,-45,0")
    assert source.at(at(0.0))[0].pitch == pytest.approx(-80)
    assert "camera= is not used: the file says where the camera looks" in source.assumed


ONE = ["[dzoom_ratio: 1.00],", "[dzoom_ratio: 10000, delta:0],", "[dzoom_ratio : 10000]", "DZOOM 1.000,", "[dzoom: 1x]",
       "[digital_zoom: 1.005]"]  # fmt: skip


@pytest.mark.parametrize("zoom", ONE)
def test_a_digital_zoom_of_one_changes_nothing(tmp_path: Path, zoom: str) -> None:
    source, plain = (opened(tmp_path, cues(f"{zoom}{DIALECTS['M3T']}")), opened(tmp_path, cues(DIALECTS["M3T"])))
    assert source.at(at(0.0)) == plain.at(at(0.0))
    assert source.at(at(0.0))[0] is not None
    assert (source.counts, source.assumed) == (plain.counts, plain.assumed)


@pytest.mark.parametrize(
    ("zoom", "why"),
    [
        ("[dzoom_ratio: 2.00],", "digital zoom up to 2: the lens is for 1"),
        ("[dzoom_ratio: 15000, delta:0],", "digital zoom up to 1.5: the lens is for 1"),
        ("F/2.8, DZOOM 1.020, ", "digital zoom up to 1.02: the lens is for 1"),
        *(
            (f"[dzoom_ratio: {text}]", "a digital zoom that is not understood: the lens is for 1")
            for text in ("1,00", "0.5", "on", "", "1.0.0", "-1")
        ),
    ],
)
def test_another_digital_zoom_is_not_that_of_the_lens(tmp_path: Path, zoom: str, why: str) -> None:
    assert opened(tmp_path, cues(f"{zoom}{DIALECTS['M3T']}")).at(at(0.0)) == (None, why)


def test_a_zoom_in_flight_holds_until_another_is_stated_and_nothing_is_mixed_across(tmp_path: Path) -> None:
    stated = ["1.00", "", "3.00", "", "1.00", "2.00", "1.00"]
    bodies = [f"[dzoom_ratio: {z}] " * bool(z) + DIALECTS["M3T"] * (z != "2.00") for z in stated]
    source = opened(tmp_path, cues(*bodies, step=0.5))
    why = "digital zoom up to 3: the lens is for 1"
    said = [source.at(at(quarter * 0.25))[1] for quarter in range(13)]
    assert said == ["", "", "", why, why, why, why, why, "", why, why, why, ""]  # also where nothing else is stated


@pytest.mark.parametrize(
    ("model", "good", "bad"),
    [
        ("M3T", "latitude: 47.0", "latitude: 47,123456"),
        ("M3T", "longitude: 8.0", "longitude: 8.0e0"),
        ("M3T", "rel_alt: 60.5", "rel_alt: 60,500"),
        ("M3T", "gb_pitch: -80.0", "gb_pitch: -80,0"),
        ("P4 RTK", "(8.0, 47.0, 15)", "(8,0, 47,0, 15)"),
        ("P4 RTK", "H 60.50m", "H 60,50m"),
        ("P4 RTK", "(-80.0°, 0.0°, -10.0°)", "(-80,0°, 0,0°, -10,0°)"),
        ("Mavic Pro", "BAROMETER:60.5", "BAROMETER:60,5"),
        ("old", "Hb:60.5", "Hb:60,5"),
    ],
)
def test_a_decimal_comma_is_never_cut(tmp_path: Path, model: str, good: str, bad: str) -> None:
    body = DIALECTS[model].replace(good, bad)
    assert body != DIALECTS[model]
    source = opened(tmp_path, cues(DIALECTS[model], body), "?camera=350,-80,0")
    why = "subtitle: a number that is not written like 47.123"
    assert source.counts == {"subtitle": 1, why: 1}
    with pytest.raises(InputError, match=rf"no position is in it \(1 {why}\)"):
        opened(tmp_path, cues(body))


@pytest.mark.parametrize(
    ("options", "height", "why"),
    [
        ("", None, NO_MEANING),
        ("&altitude=relative", 117.0, ""),
        ("&altitude=absolute", None, "it has absolute altitudes only: ground=METRES says how high the ground is"),
        ("&altitude=absolute&ground=40", 77.0, ""),
        ("&ground=40", None, NO_MEANING),
    ],
)
def test_an_altitude_that_does_not_say_from_where(tmp_path: Path, options: str, height: float | None, why: str) -> None:
    text = cues("[latitude: 41.424724] [longitude: 2.234156] [altitude: 117.000000]")
    pose, said = opened(tmp_path, text, f"?camera=0,-90,0{options}").at(at(0.0))
    assert ((pose.height if pose else None), said) == (height, why)


def test_absolute_altitudes_are_used_where_the_ground_is_known(tmp_path: Path) -> None:
    pose, _ = opened(tmp_path, cues(DIALECTS["M3T"]), "?ground=430").at(at(0.0))
    assert (pose.height, pose.height_source) == (pytest.approx(70.1), "altitude less ground=")


def test_between_two_subtitles(tmp_path: Path) -> None:
    bodies = [
        f"[latitude: 47.0000{n}0] [longitude: 8.0] [rel_alt: {60 + n}.0 abs_alt: 9.0] "
        f"[gb_yaw: {179 + n if n < 1 else -179}.0 gb_pitch: -45.0 gb_roll: 0.0]"
        for n in range(2)
    ]
    pose, _ = opened(tmp_path, cues(*bodies)).at(at(0.5))
    assert (pose.latitude, pose.height) == (pytest.approx(47.000005), pytest.approx(60.5))
    assert pose.yaw == pytest.approx(180)


def test_frames_without_a_media_time_have_none(tmp_path: Path) -> None:
    source = opened(tmp_path, cues(DIALECTS["M3T"]))
    for origin in (None, "a.jpg"):
        assert source.at(Moment(0.0, None, origin)) == (
            None, "the frame has no media time: subtitles belong to a video file",
        )  # fmt: skip
    assert opened(tmp_path, cues(DIALECTS["M3T"]), "?offset=-3").at(at(3.0))[0] is not None


def test_few_digits_are_told_as_an_error(tmp_path: Path) -> None:
    source = opened(tmp_path, cues("GPS(8.0001,47.0002,16) BAROMETER:1.9"), "?camera=0,-90,0")
    assert source.at(at(0.0))[0].sigma_position_m == pytest.approx(3.21, abs=0.01)  # 11.1 m / sqrt(12)
    assert "positions have 4 digits: steps of 11.1 m" in source.assumed
    fine = opened(tmp_path, cues("GPS(8.000100,47.000200,16) BAROMETER:1.9"), "?camera=0,-90,0")
    assert fine.at(at(0.0))[0].sigma_position_m is None


def test_what_cannot_be_is_refused_and_counted(tmp_path: Path) -> None:
    good = "[latitude: 47.0] [longitude: 8.0] [rel_alt: 60.0 abs_alt: 9.0]"
    text = cues(
        good,
        good.replace("47.0", "0.0").replace("8.0", "0.0"),
        good.replace("47.0", "97.0"),
        good.replace("47.0", "47.5"),
        good.replace("60.0", "197.0"),
        "no position",
    )
    text += "\n\n7\n00:00:02,000 --> 00:00:03,000\n" + good
    source = opened(tmp_path, text)
    assert source.counts == {
        "subtitle": 2,
        "subtitle: no GPS fix": 1,
        "subtitle: no latitude and longitude": 1,
        "subtitle: jumped": 1,
        "subtitle: no position": 1,
        "subtitle: time went backwards": 1,
    } | {key: n for key, n in source.counts.items() if key.startswith("height")}


@pytest.mark.parametrize("text", ["", "1\n", "1\n00:00:00,000 --> 00:00:01,000\nhello", "\x00\xff" * 50])
def test_a_file_without_a_position_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"flight.SRT: no position is in it \(.*\); expected a file with positions"):
        opened(tmp_path, text)


def test_a_file_that_is_too_large_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="No such file or directory; expected subtitles"):
        open_pose(f"srt:{tmp_path}/none.srt")
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    with pytest.raises(InputError, match="11 bytes; expected subtitles of at most"):
        opened(tmp_path, "x" * 11)


@settings(max_examples=50)
@given(st.text(st.sampled_from("0123456789-.,:()[] \nGPSHlatiudeong>M°"), max_size=300))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.srt"
    path.write_text("00:00:00,000 --> " + text)
    with suppress(InputError):
        Subtitles(path, Alignment(), Altitudes()).at(at(0.0))


@pytest.mark.parametrize(
    ("name", "taken", "refused", "without_help"),
    [
        ("air2s.srt", 17, {}, NO_MEANING),
        ("broken_incomplete.SRT", 19, {"subtitle: no position": 1}, NO_ANGLES),
        ("matrice_300.srt", 381, {}, NO_ANGLES),
        ("mavic_air2.srt", 25, {}, NO_MEANING),
        ("mavic_pro.SRT", 468, {}, NO_ANGLES),
        ("mix_p4rtk_mavic2pro.srt", 11, {"subtitle: jumped": 1}, ""),
        ("old_format.SRT", 468, {}, NO_ANGLES),
        ("p4_rtk.SRT", 55, {}, ""),
    ],
)
def test_real_files(name: str, taken: int, refused: dict[str, int], without_help: str) -> None:
    path = shared("data", "telemetry", name)
    source = open_pose(f"srt:{path}")
    assert isinstance(source, Subtitles)
    assert {key: n for key, n in source.counts.items() if key.startswith("subtitle")} == {"subtitle": taken, **refused}
    begin = source._place.first_t
    assert source.at(at(begin))[1] == without_help
    helped = open_pose(f"srt:{path}?altitude=relative&camera=0,-90,0")
    assert helped.at(at(begin))[0] is not None
    with pytest.raises(InputError, match="no position is in it"):
        open_pose(f"srt:{path.with_name('broken_empty2.SRT')}")
