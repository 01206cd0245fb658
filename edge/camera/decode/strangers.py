"""What a file is that this package cannot read, in words, and a way that works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

# widths and heights of thermal sensors: what a headerless file may hold
SENSORS = ((640, 512), (640, 480), (384, 288), (320, 256), (320, 240), (256, 192), (160, 120), (80, 60), (1280, 1024))
AS_VIDEO = "convert it with ffmpeg -i IN -c:v ffv1 OUT.mkv"
SEQ = "a FLIR SEQ or CSQ recording (FFF): export 16-bit TIFFs from it, for example with flirpy's split_seqs"
MAGICS = (
    (b"FFF\x00", SEQ),
    (b"AFF\x00", SEQ),
    (b"%PDF", "a PDF; take the pictures out of it"),
    (b"PK\x03\x04", "a ZIP archive; unpack it and name what is in it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it and name what is in it"),
    (b"Rar!", "a RAR archive; unpack it and name what is in it"),
    (b"\xfd7zXZ\x00", "a file packed by xz; unpack it"),
    (b"BZh", "a file packed by bzip2; unpack it"),
    (b"\x28\xb5\x2f\xfd", "a file packed by zstd; unpack it"),
    (b"\x89HDF", "an HDF5 file; save its frames as NPY or 16-bit TIFFs"),
    (b"CDF\x01", "a netCDF file; save its frames as NPY or 16-bit TIFFs"),
    (b"CDF\x02", "a netCDF file; save its frames as NPY or 16-bit TIFFs"),
    (b"MATLAB 5.0", "a MATLAB file; save its frames as 16-bit TIFFs (imwrite)"),
    (b"\x80\x04\x95", "a Python pickle, which may run code: save the array as NPY (numpy.save)"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"ID3\x03", "an audio file"),
    (b"ID3\x04", "an audio file"),
    (b"fLaC", "an audio file"),
    (b"\x06\x0e\x2b\x34", f"an MXF video; {AS_VIDEO}"),
    (b"\x1f\x07\x00", f"a DV video; {AS_VIDEO}"),
    (b".RMF", f"a RealMedia video; {AS_VIDEO}"),
    (b"\x00\x00\x01\xb3", f"a bare MPEG-2 stream; {AS_VIDEO}"),
    (b"\x00\x00\x01\xb0", f"a bare MPEG-4 stream; {AS_VIDEO}"),
    (b"LUCAM-RECORDER", f"an SER video; {AS_VIDEO}"),
)
TABLE = "export a radiometric table as 16-bit TIFF, or save its array as NPY (numpy.save)"
BOMS = (
    (b"\xef\xbb\xbf", "UTF-8"),
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
TEXT, SHORT = 1 << 14, 200  # bytes that are looked at; a text of fewer may be without an end of line
CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1a\x1b") | {127}  # no text has them


def named(head: bytes) -> str | None:
    """What a file with these first bytes is, and what to do with it; None where nothing is known.

    ``head``: its first bytes, some thousands.
    """
    known = next((what for magic, what in MAGICS if head.startswith(magic)), None)
    if known:
        return known
    if (encoding := text_of(head)) is not None:
        if head.lstrip().startswith(b"#EXTM3U"):
            return "a playlist: give the address of the stream"
        return f"a text file ({encoding}): {TABLE}"
    if head.startswith(b"\x1f\x8b"):
        return "a file packed by gzip; unpack it"
    if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"RMID"):
        return "an audio file"
    if head[257:262] == b"ustar":
        return "a TAR archive; unpack it and name what is in it"
    if head[128:132] == b"DICM":
        return "a DICOM file; save its frames as 16-bit TIFFs"
    return None


def text_of(head: bytes) -> str | None:
    """The encoding of a text that begins with these bytes; None where they are none.

    ASCII, UTF-8, UTF-16 and UTF-32, with a mark or without, and the 8-bit encodings (Latin-1, cp1252, GBK).
    """
    head = head[:TEXT]
    lines = len(head) <= SHORT or b"\n" in head or b"\r" in head  # 8-bit counts may all be letters by chance
    marked = next((name for mark, name in BOMS if head.startswith(mark)), None)
    if marked is not None and (marked == "UTF-8" or _wide(head)):
        return marked
    if len(head) >= 2 and lines and _wide(head):
        return "UTF-16"
    if not head or CONTROL.intersection(head):
        return None
    if any(byte >= 128 for byte in head) and _utf8(head):
        return "UTF-8"
    if not lines:
        return None
    if max(head) < 128:
        return "ASCII"
    return "Latin-1 or another 8-bit encoding" if sum(byte < 128 for byte in head) > len(head) / 2 else None


def _utf8(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and error.reason == "unexpected end of data"  # cut inside a character
    return True


def _wide(head: bytes) -> bool:
    """Whether every other byte is 0 and those between are letters: UTF-16 or UTF-32 of a Western text."""
    body = (
        head[4:] if head[:4] in (BOMS[1][0], BOMS[2][0]) else head[2:] if head[:2] in (BOMS[3][0], BOMS[4][0]) else head
    )
    body = body[: len(body) // 4 * 4]
    for step in (2, 4):
        for at in range(step) if step == 2 else (0, 3):
            letters = body[at::step]
            rest = len(body) - len(letters) - sum(body[i::step].count(0) for i in range(step) if i != at)
            # a degree sign is one byte here; a sign beyond Latin-1, such as a long dash, is not
            if letters and not CONTROL.intersection(letters) and 0 not in letters and rest <= len(letters) / 10:
                return True
    return False


def headerless(path: Path, size: int) -> str:
    """What to say of a file of so many bytes that begins like nothing known."""
    fits = [f"{w}x{h}" for w, h in sizes_of(size, 2)][:3]
    width, height = (fits[0] if fits else "640x512").split("x")
    may = f", or {' or '.join(fits[1:])}" if fits[1:] else ""
    return (
        "no video or image that is known. Raw frames without a header are read when their size is given: "
        f"'{path}?width={width}&height={height}&format=Y16'{may}"
    )


def sizes_of(size: int, bytes_a_pixel: int) -> Iterator[tuple[int, int]]:
    """Widths and heights of sensors whose frames fill so many bytes exactly."""
    return ((w, h) for w, h in SENSORS if size and size % (w * h * bytes_a_pixel) == 0)
