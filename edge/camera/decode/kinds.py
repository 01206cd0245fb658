"""Which container a file is, told by its content alone: only these reach FFmpeg, which would play a text as ANSI art.

FFmpeg tries some 300 demuxers and weighs the file's suffix: ``.asc`` and ``.txt`` become ANSI art, ``.bin``, ``.idf``
and ``.xb`` screens of letters. So a file is opened only where its own bytes say that it is one of those below, and
under a name without a suffix. Signatures: RIFF (AVI), ISO/IEC 14496-12 (MP4), RFC 9559 (Matroska), ISO/IEC 13818-1
(MPEG-TS, MPEG-PS), ITU-T H.264 and H.265 Annex B, and the documents of each of the others.
"""

from __future__ import annotations

import re

HEAD = 1 << 18  # bytes that are looked at: over a second of a stream
MP4_BOXES = frozenset(b"ftyp moov mdat moof free skip wide uuid sidx styp mfra meta pdin emsg ssix prft udta".split())
PICTURE_BRANDS = frozenset(
    b"heic heix heim heis hevc mif1 msf1 avif avis".split()
)  # HEIF and AVIF: stills in MP4's boxes
EBML = b"\x1a\x45\xdf\xa3"
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
SYNC, PACKET, IN_A_ROW = 0x47, 188, 8
TS_STEPS = {PACKET: "MPEG-TS", 192: "MPEG-TS (M2TS)", 204: "MPEG-TS (with parity)"}
NOT_TIMED = frozenset({"H.264", "H.265", "MJPEG"})  # streams of pictures: nobody wrote down when each was taken
TRANSPORT = frozenset({*TS_STEPS.values(), "MPEG-PS", "FLV"})  # what comes over a link and may have lost a part of it
MAGICS = (
    (EBML, "Matroska"),
    (ASF, "ASF"),
    (b"FLV\x01", "FLV"),
    (b"OggS", "Ogg"),
    (b"nut/multimedia container\x00", "NUT"),
    (b"YUV4MPEG2 ", "Y4M"),
    (b"DKIF", "IVF"),
    (b"\x00\x00\x01\xba", "MPEG-PS"),
    (b"IMKH", "MPEG-PS"),  # Hikvision's recorders put 40 bytes before it
    (b"DHAV", "DHAV"),  # Dahua's
    (b"DAHUA", "DHAV"),
)


def container_of(head: bytes) -> str | None:
    """The container that a file with these first bytes is, by the names above; None where it is none of them.

    ``head``: up to `HEAD` bytes; of a shorter file all of it.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "AVI"
    if head[4:8] in MP4_BOXES and not head[:4].isalnum():
        return None if head[4:8] == b"ftyp" and head[8:12] in PICTURE_BRANDS else "MP4"
    named = next((name for magic, name in MAGICS if head.startswith(magic)), None)
    return named or _transport_stream(head) or _annex_b(head) or _jpegs(head)


def _transport_stream(head: bytes) -> str | None:
    """Packets in a row that begin with the sync byte, among them a table or the start of a video's packet.

    A recording may begin anywhere in a packet. A file full of 0x47 has the one, and not the other.
    """
    for step, name in TS_STEPS.items():
        for start in range(min(step, len(head))):
            packets = head[start::step][: len(head) // step]
            if head[start] == SYNC and len(packets) > 2 and packets[:IN_A_ROW].count(SYNC) == len(packets[:IN_A_ROW]):
                starts = range(start, len(head) - PACKET + 1, step)
                if any(_says_what_it_holds(head[at : at + PACKET]) for at in starts):
                    return name
    return None


def _says_what_it_holds(packet: bytes) -> bool:
    """Whether a packet of MPEG-TS begins a program table (PAT) or a video's PES packet."""
    if packet[0] != SYNC or not packet[1] & 0x40 or not packet[3] & 0x10:
        return False
    payload = packet[5 + packet[4] :] if packet[3] & 0x20 else packet[4:]
    pid = (packet[1] & 0x1F) << 8 | packet[2]
    table = pid == 0 and payload[:1] != b"" and payload[1 + payload[0] :][:1] == b"\x00"
    return table or (payload[:3] == b"\x00\x00\x01" and len(payload) > 3 and payload[3] >> 4 == 0xE)


def _annex_b(head: bytes) -> str | None:
    """A stream of H.264 or H.265 units: every one is of a kind that there is, and the parameter sets are among them."""
    units = [match.end() for match in re.finditer(b"\x00\x00\x01", head) if match.end() + 1 < len(head)]
    if len(units) < 3 or any(head[at] & 0x80 for at in units):
        return None
    avc = {head[at] & 0x1F for at in units}
    if {7, 8} <= avc and avc & {1, 5} and max(avc) <= 20 and 0 not in avc:
        return "H.264"
    hevc = {head[at] >> 1 for at in units}
    layered = any(head[at] & 1 or not 0 < head[at + 1] < 8 for at in units)
    return "H.265" if {32, 33, 34} <= hevc and min(hevc) <= 21 and max(hevc) <= 40 and not layered else None


def _jpegs(head: bytes) -> str | None:
    """JPEGs one behind the other (MJPEG), alone or as an HTTP server sends them; one alone is a still."""
    if re.match(rb"(\r?\n)?(--[^\r\n]+\r?\n)?(?i:[\w-]+: [^\r\n]*\r?\n)*\r?\n\xff\xd8\xff", head):
        return "MJPEG" if re.search(rb"(?i)content-type: *image/jpe?g", head[:1024]) else None
    end = _end_of_jpeg(head)
    return (
        "MJPEG" if end is not None and head[end : end + 3] == b"\xff\xd8\xff" and b"MPF\x00" not in head[:end] else None
    )


def _end_of_jpeg(data: bytes) -> int | None:
    """Where the JPEG at the beginning of ``data`` ends, its thumbnails skipped; None where it is none, or goes on."""
    at = 2 if data[:3] == b"\xff\xd8\xff" else len(data)
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xD9:
            return at + 2
        if marker != 0xDA:  # a segment with its length
            at += 2 + size
            continue
        found = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]").search(data, at + 2 + size)  # the scan's end
        if found is None:
            return None
        at = found.start()
    return None
