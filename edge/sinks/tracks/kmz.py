"""``tracks.kmz``: a place mark with its picture for each track with a position (OGC KML 2.2), for Google Earth, QGIS,
ATAK.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from html import escape
from xml.etree import ElementTree as ET

from edge.measure.track_lines import GroundPosition, TrackLine
from edge.sinks.colours import on_paper
from edge.sinks.tracks.geojson import description, title
from edge.sinks.tracks.track_file import Picture, spec
from edge.system.text import in_xml

KML = "http://www.opengis.net/kml/2.2"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # of the files in the archive: the same tracks give the same bytes
WIDTH_PX = 256  # at which a picture of some tens of pixels is shown


def kmz(tracks: Sequence[TrackLine], picture: Picture | None = None) -> bytes:
    """The file: ``doc.kml``, and for each place mark a picture in ``files/``, where ``picture`` has one.

    Marks stand on the ground (clampToGround): a position has no height. Tracks without a position are left out, and
    counted in the document's description.
    """
    shown = [(track, track.position) for track in tracks if track.position is not None]
    pictures = {track.track: png for track, _ in shown if picture and (png := picture(track))}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        # the first file of the archive is the one that is opened
        _add(archive, "doc.kml", _document(len(tracks), shown, set(pictures)), zipfile.ZIP_DEFLATED)
        for number, png in pictures.items():
            _add(archive, _name(number), png, zipfile.ZIP_STORED)  # a PNG is compressed
    return out.getvalue()


def _add(archive: zipfile.ZipFile, name: str, data: bytes, how: int) -> None:
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.compress_type = how
    info.external_attr = 0o644 << 16
    archive.writestr(info, data)


def _name(number: int) -> str:
    return f"files/{number:06d}.png"


def _document(tracks: int, shown: Sequence[tuple[TrackLine, GroundPosition]], pictured: set[int]) -> bytes:
    ET.register_namespace("", KML)
    root = ET.Element(f"{{{KML}}}kml")
    document = _element(root, "Document")
    _element(document, "name", "tracks")
    left_out = tracks - len(shown)
    _element(document, "description", f"{tracks} tracks; {left_out} of them have no position and are not shown")
    for label in sorted({track.label for track, _ in shown}):
        style, colour = _element(document, "Style", id=_style(label)), on_paper(label)
        icon = _element(style, "IconStyle")
        _element(icon, "color", f"ff{colour[5:7]}{colour[3:5]}{colour[1:3]}".lower())  # aabbggrr
    for track, where in shown:
        _mark(document, track, where, track.track in pictured)
    data: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return data


def _mark(document: ET.Element, track: TrackLine, where: GroundPosition, has_picture: bool) -> None:
    mark = _element(document, "Placemark", id=f"track-{track.track}")
    _element(mark, "name", title(track))
    balloon = escape(description(track))
    if has_picture:
        balloon += f'<br/><img src="{_name(track.track)}" width="{WIDTH_PX}"/>'
    _element(mark, "description", balloon)
    if track.first_utc and track.last_utc:
        span = _element(mark, "TimeSpan")
        _element(span, "begin", track.first_utc)
        _element(span, "end", track.last_utc)
    _element(mark, "styleUrl", f"#{_style(track.label)}")
    data = _element(mark, "ExtendedData")
    for name, value in {
        "track": track.track,
        "class": track.name,
        "score": track.score,
        "sigma_m": where.sigma_m,
    }.items():
        _element(_element(data, "Data", name=name), "value", str(value))
    point = _element(mark, "Point")
    _element(point, "altitudeMode", "clampToGround")
    _element(point, "coordinates", f"{where.lon:.7f},{where.lat:.7f}")


def _style(label: int) -> str:
    return f"class-{label}"


def _element(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, f"{{{KML}}}{tag}", attributes)
    if text is not None:
        child.text = in_xml(text)
    return child


SPEC = spec("kmz", kmz, "also write tracks.kmz: place marks with pictures (Google Earth, QGIS, ATAK)", pictures=True)
