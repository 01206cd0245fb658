"""MAVLink frames out of bytes: cut, checked, signed; noise costs no message, and a forgery shuts nobody out."""

from __future__ import annotations

import pytest

pytest.importorskip("pymavlink", reason="pip install 'thermal-edge[mavlink]'")

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.pose.dialect import ASKED_FOR, BAD, MOST_HELD, SIGNATURE, UNKNOWN, Decoder, Encoder
from tests.support.autopilot import Autopilot, key_of, mavlink

KEY = key_of("a passphrase")


def kinds(decoder: Decoder, data: bytes, step: int = 1 << 20) -> list[str]:
    pieces = [data[i : i + step] for i in range(0, len(data), step)]
    return [message.get_type() for piece in pieces for message in decoder.feed(piece)]


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize("version", [1, 2])
def test_a_stream_may_be_cut_anywhere(version: int, step: int) -> None:
    autopilot, decoder = Autopilot(version), Decoder()
    data = autopilot.heartbeat() + autopilot.attitude(1.0) + autopilot.position(1.0)
    assert kinds(decoder, data, step) == ["HEARTBEAT", "ATTITUDE", "GLOBAL_POSITION_INT"]
    assert decoder.versions == {version: 3}


@settings(max_examples=60)
@given(st.binary(max_size=600), st.integers(1, 50))
def test_noise_is_passed_over(noise: bytes, step: int) -> None:
    autopilot, decoder = Autopilot(), Decoder()
    kinds(decoder, noise, step)
    # a mark in the noise may have promised up to 280 bytes; what comes then is whole again
    assert kinds(decoder, b"".join(autopilot.attitude(t) for t in range(20)), 50)[-5:] == ["ATTITUDE"] * 5


def test_what_nobody_asks_for_is_left_out() -> None:
    autopilot = Autopilot()
    other = autopilot.pack(mavlink.MAVLink_sys_status_message(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    decoder = Decoder()
    assert kinds(decoder, other + autopilot.heartbeat()) == ["HEARTBEAT"]
    assert decoder.versions == {2: 2}
    assert mavlink.MAVLINK_MSG_ID_SYS_STATUS not in ASKED_FOR


def test_a_wrong_checksum_and_an_unknown_message_are_counted() -> None:
    autopilot, decoder = Autopilot(), Decoder()
    wrong = bytearray(autopilot.attitude(1.0))
    wrong[20] ^= 1
    unknown = bytearray(autopilot.attitude(1.0))
    unknown[7:10] = b"\xff\xff\xff"
    assert kinds(decoder, bytes(wrong + unknown) + autopilot.heartbeat()) == ["HEARTBEAT"]
    assert (decoder.counts[BAD], decoder.counts[UNKNOWN]) == (1, 1)


def test_what_waits_for_its_rest_has_a_limit() -> None:
    decoder = Decoder()
    for _ in range(100):
        assert kinds(decoder, b"\x00" * 1000) == []
    assert len(decoder._held) <= MOST_HELD


# ---- signed ----


def test_only_what_is_signed_with_the_key() -> None:
    decoder, autopilot = Decoder(KEY), Autopilot(key=KEY)
    assert kinds(decoder, autopilot.heartbeat()) == ["HEARTBEAT"]
    others = (Autopilot(), Autopilot(1), Autopilot(key=key_of("another")))
    assert [kinds(decoder, other.heartbeat()) for other in others] == [[], [], []]
    assert decoder.counts[SIGNATURE] == 3
    assert kinds(Decoder(), autopilot.heartbeat()) == ["HEARTBEAT"]  # without a key a signature is not looked at


def test_what_was_recorded_and_is_sent_again_is_refused() -> None:
    decoder, autopilot = Decoder(KEY), Autopilot(key=KEY)
    first, second = autopilot.heartbeat(), autopilot.heartbeat()
    assert [kinds(decoder, data) for data in (first, first, second, first)] == [["HEARTBEAT"], [], ["HEARTBEAT"], []]


def test_a_forged_time_shuts_nobody_out() -> None:
    """A message with a time far ahead and a wrong signature must not make all that follow look old."""
    decoder, autopilot = Decoder(KEY), Autopilot(key=KEY)
    forged = bytearray(autopilot.heartbeat())
    forged[-12:-6] = b"\xff" * 6
    assert kinds(decoder, bytes(forged)) == []
    assert kinds(decoder, autopilot.heartbeat()) == ["HEARTBEAT"]


# ---- what is said to an autopilot ----


def said(encoder: Encoder) -> list[mavlink.MAVLink_message]:
    reader = mavlink.MAVLink(None)
    data = encoder.heartbeat() + encoder.timesync(123) + encoder.message_interval(7, "ATTITUDE", 20)
    return list(reader.parse_buffer(data))


def test_it_says_who_it_is_and_asks() -> None:
    encoder = Encoder()
    encoder.speak_to(7, old=False)
    heartbeat, sync, command = said(encoder)
    assert (heartbeat.type, heartbeat.autopilot) == (18, 8)
    assert {(m.get_srcSystem(), m.get_srcComponent()) for m in (heartbeat, sync, command)} == {(7, 191)}
    assert (sync.tc1, sync.ts1) == (0, 123)
    assert (command.target_system, command.target_component, command.command) == (7, 1, 511)
    assert (command.param1, command.param2) == (30, 50_000)
    assert [m.get_seq() for m in (heartbeat, sync, command)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("key", "old", "mark"), [(None, False, 0xFD), (None, True, 0xFE), (KEY, False, 0xFD), (KEY, True, 0xFD)]
)
def test_it_speaks_as_it_is_spoken_to_and_signs_what_can_be_signed(key: bytes | None, old: bool, mark: int) -> None:
    encoder = Encoder(key)
    encoder.speak_to(1, old)
    data = encoder.heartbeat()
    assert data[0] == mark
    if key:
        assert kinds(Decoder(KEY), data) == ["HEARTBEAT"]
