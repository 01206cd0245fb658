"""The manifest: what is in it, what another plan reads again, and how it grows."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from edge.archive import digests
from edge.archive import plan as plan_by
from edge.archive.digests import Digests, together
from edge.archive.manifest import Manifest, write_manifest
from edge.archive.plan import plan
from edge.archive.unit import FileStamp, Unread
from edge.camera import open_camera
from edge.errors import InputError
from tests.edge.archive.flights import record, still, unit_of


def test_a_unit_has_the_digest_of_its_files_and_its_frames(tmp_path: Path) -> None:
    still(tmp_path / "in.a.png", 1)
    folder = tmp_path / "flights"
    folder.mkdir()
    one, two = still(folder / "a.png", 1), still(folder / "b.png", 2)
    record(folder / "rec", segments=2)
    planned = plan([folder], tmp_path / "archive")
    stills, recording = Manifest(tmp_path / "archive").units()
    assert (planned.units, planned.flights, planned.frames, planned.silent, planned.unread) == (2, 2, 10, 0, 0)
    assert (planned.new, planned.gone, planned.bytes) == (2, 0, stills.bytes + recording.bytes)
    assert [stamp.sha256 for stamp in stills.files] == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (one, two)
    ]
    assert (stills.frames, recording.frames, stills.bytes) == (2, 8, one.stat().st_size + two.stat().st_size)
    assert stills.sha256 == together(list(stills.files), "stills ")


def test_a_digest_tells_names_contents_order_and_the_kind_of_pose_but_not_the_place() -> None:
    a, b = FileStamp("/x/a", 1, 1, "0" * 64), FileStamp("/x/b", 1, 1, "1" * 64)
    moved = FileStamp("/y/z/a", 9, 9, "0" * 64)
    assert together([a, b]) == together([moved, b])
    others = [
        together([b, a]),
        together([a]),
        together([a, b], "exif"),
        together([b, FileStamp("/x/a", 1, 1, "2" * 64)]),
    ]
    assert len({together([a, b]), *others}) == 5


def test_unchanged_files_are_not_read_again_and_a_cut_off_line_costs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    blocks = digests._blocks

    def noted(path: Path) -> Any:
        read.append(path.name)
        return blocks(path)

    monkeypatch.setattr(digests, "_blocks", noted)
    files = [still(tmp_path / name, i) for i, name in enumerate(("a.png", "b.png"))]
    with Digests(tmp_path) as first:
        stamps = [first.of(path) for path in files]
    with Digests(tmp_path) as second:
        assert [second.of(path) for path in files] == stamps
    assert read == ["a.png", "b.png"]
    kept = tmp_path / "files.jsonl"
    kept.write_bytes(kept.read_bytes()[:-9])
    with Digests(tmp_path) as third:
        assert [third.of(path) for path in files] == stamps
    assert read == ["a.png", "b.png", "b.png"]
    with Digests(tmp_path) as fourth:
        assert [fourth.of(path) for path in files] == stamps
    assert read == ["a.png", "b.png", "b.png"]
    still(files[0], 7)
    os.utime(files[0], ns=(1, 1))
    with Digests(tmp_path) as fifth:
        assert fifth.of(files[0]) != stamps[0]
    assert read[3:] == ["a.png"]


def test_a_file_that_grows_while_it_is_read_is_no_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = still(tmp_path / "a.png")

    def growing(_: Path) -> list[bytes]:
        with path.open("ab") as file:
            file.write(b"more")
        return [b"x"]

    monkeypatch.setattr(digests, "_blocks", growing)
    with pytest.raises(InputError, match=r"no recording, video or still .* it changed while it was read"):
        plan([tmp_path], tmp_path / "archive")


def test_planned_again_it_opens_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "flights"
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        still(folder / name / "a.png", len(name))
    still(folder / "two" / "b.png", 9)
    plan([folder], tmp_path / "archive")
    opened: list[str] = []

    def noted(source: Any) -> Any:
        opened.append(source)
        return open_camera(source)

    monkeypatch.setattr(plan_by, "open_camera", noted)
    (folder / "three").mkdir()
    still(folder / "three" / "c.png", 5)
    (folder / "one" / "a.png").unlink()
    planned = plan([], tmp_path / "archive")
    assert (planned.units, planned.new, planned.gone) == (2, 1, 1)
    assert opened == [str(folder / "three" / "c.png")]


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    still(tmp_path / "good.png")
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    plan([tmp_path], tmp_path / "archive")
    (one,) = Manifest(tmp_path / "archive").unread()
    assert one.path == str(tmp_path / "v" / "bad.png")
    assert one.why == "the file is cut off; expected an 8 or 16 bit grey image: replace or remove it"


def test_a_folder_below_another_is_planned_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    still(tmp_path / "in" / "a.png")
    assert plan([tmp_path / "in", tmp_path], tmp_path / "archive").units == 1


@pytest.mark.parametrize(
    ("roots", "said"),
    [
        ([], "nothing to plan: name one or more folders"),
        (["none"], "none is not there"),
        (["."], "no recording, video"),
    ],
)
def test_nothing_to_plan(tmp_path: Path, roots: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        plan([tmp_path / name for name in roots], tmp_path / "archive")


def test_a_manifest_is_read_as_it_was_written_and_refused_where_it_was_cut(tmp_path: Path) -> None:
    units = [unit_of(still(tmp_path / "a.png"), number=number, of=2) for number in (0, 1)]
    write_manifest(tmp_path, ["/x"], units, [Unread("/y", "why")])
    manifest = Manifest(tmp_path)
    assert (list(manifest.units()), list(manifest.unread())) == (units, [Unread("/y", "why")])
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    assert list(Manifest(tmp_path).units()) == units
    with pytest.raises(InputError, match=r"line 4: .*plan again"):
        list(Manifest(tmp_path).unread())
    path.write_text('{"format": 2, "roots": [], "units": 0, "unread": 0}\n')
    with pytest.raises(InputError, match="later version"):
        Manifest(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match="run: edge archive plan DIR"):
        Manifest(tmp_path)


def test_a_head_that_says_more_than_there_is_is_refused_at_the_end_of_the_file(tmp_path: Path) -> None:
    write_manifest(tmp_path, ["/data"], [], [Unread("/data/a.txt", "no recording")])
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"units":0', b'"units":%d' % (2**63 - 1)))
    with pytest.raises(
        InputError, match=r"manifest\.jsonl, line 3: it is missing: expected a file of edge archive plan"
    ):
        list(Manifest(tmp_path).unread())


def test_a_name_that_is_no_utf_8_costs_no_other_file(tmp_path: Path) -> None:
    folder = tmp_path / "flights"
    for name in (b"in", b"\xff"):
        os.makedirs(os.fsencode(folder) + b"/" + name)
    still(folder / "in" / "a.png", 1)
    odd = os.fsencode(folder) + b"/in/b\xff.png"
    os.rename(still(folder / "in" / "b.png", 2), odd)
    assert plan([folder], tmp_path / "archive").unread == 2
    manifest = Manifest(tmp_path / "archive")
    assert [unit.source for unit in manifest.units()] == [(str(folder / "in" / "a.png"),)]
    said = {one.path: one.why for one in manifest.unread()}
    why = "its name is no UTF-8, and cannot be written down: rename it"
    assert said == {rf"{folder}/\udcff": why, rf"{folder}/in/b\udcff.png": why}
    with pytest.raises(InputError, match=r"b\\udcff\.png: its name is no UTF-8"):
        plan([Path(os.fsdecode(odd))], tmp_path / "other")
