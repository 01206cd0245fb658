"""Checksums made right again after a mutation, so that what is behind them is reached."""

from __future__ import annotations

import struct
import zlib


def png(data: bytes) -> bytes:
    """The CRC of every chunk."""
    found, at = bytearray(data), 8
    while at + 12 <= len(found):
        end = at + 8 + int.from_bytes(found[at : at + 4], "big")
        if end + 4 > len(found):
            break
        found[end : end + 4] = zlib.crc32(found[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(found)


def recording(data: bytes) -> bytes:
    """The CRC of every record."""
    found, at = bytearray(data), 0
    while at + 16 <= len(found):
        kind, meta, payload, _ = struct.unpack_from("<4sIII", found, at)
        end = at + 16 + meta + payload
        if kind[:3] != b"\x89TE" or end > len(found):
            break
        crc = zlib.crc32(found[at + 16 : end], zlib.crc32(found[at : at + 12]))
        found[at + 12 : at + 16] = crc.to_bytes(4, "little")
        at = end
    return bytes(found)


def klv(data: bytes) -> bytes:
    """The sum at the end of every packet with a length in the short or the long form."""
    from edge.pose.klv import KEY, _length

    found, at = bytearray(data), data.find(KEY)
    while at >= 0:
        length, begin = _length(data, at + len(KEY))
        end = begin + length
        if 4 <= length <= len(data) - begin:
            body = found[at : end - 2]
            body[-2:] = b"\x01\x02"
            found[at : end - 2] = body
            total = sum(body[::2]) * 256 + sum(body[1::2])
            found[end - 2 : end] = (total & 0xFFFF).to_bytes(2, "big")
        at = data.find(KEY, at + 1)
    return bytes(found)


def mavlink(data: bytes) -> bytes:
    """The checksum of every frame whose message is known."""
    from pymavlink.generator.mavcrc import x25crc

    from edge.pose import dialect

    found, at = bytearray(data), 0
    while (at := dialect.next_frame(found, at)) < len(found):
        size = dialect.frame_size(found, at)
        frame = found[at : at + size]
        known = dialect.mavlink.mavlink_map.get(dialect.message_number(frame)) if 10 <= size == len(frame) else None
        if known is None:
            at += 1
            continue
        end = size - (13 if frame[0] == dialect.V2 and frame[2] & dialect.SIGNED else 0)
        checked = bytearray(frame[1 : end - 2])
        checked.append(known.crc_extra)
        found[at + end - 2 : at + end] = x25crc(checked).crc.to_bytes(2, "little")
        at += size
    return bytes(found)


def stored_zip(data: bytes) -> bytes:
    """The CRC of every file in an archive without compression, as torch.save writes it."""
    found = bytearray(data)
    end = found.rfind(b"PK\5\6")
    if end < 0 or end + 20 > len(found):
        return data
    count, at = struct.unpack_from("<H4xI", found, end + 10)
    for _ in range(count):
        if found[at : at + 4] != b"PK\1\2" or at + 46 > len(found):
            break
        size, name, extra, comment, head = struct.unpack_from("<I4xHHH8xI", found, at + 20)
        if found[head : head + 4] == b"PK\3\4" and head + 30 <= len(found):
            begin = head + 30 + sum(struct.unpack_from("<HH", found, head + 26))
            crc = zlib.crc32(found[begin : begin + size]).to_bytes(4, "little")
            found[at + 16 : at + 20] = crc
            if found[head + 6] & 8:  # it stands behind the file
                after = begin + size + 4 * (found[begin + size : begin + size + 4] == b"PK\7\x08")
                if after + 4 <= len(found):
                    found[after : after + 4] = crc
            else:
                found[head + 14 : head + 18] = crc
        at += 46 + name + extra + comment
    return bytes(found)
