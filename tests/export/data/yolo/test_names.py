"""Classes of a YOLO set: by number, from every file that names them, and these agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import InputError
from export.data.yolo.names import read_names
from tests.support.label_files import write_text


def files(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        write_text(folder / name.replace("_", "."), text)
    return folder


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"data_yaml": "names: [a, b]\nnc: 3"}, "nc 3 and 2 names"),
        ({"data_yaml": "names: {0: a, 2: b}\nnc: 4"}, "nc 4 and 2 names"),
        ({"data_yaml": "names: {-1: a, 0: b}"}, "names"),
        ({"data_yaml": "names: {0: a, 0: b}"}, "key '0' comes twice"),
        ({"data_yaml": "names: [a]\nnames: [b]"}, "key 'names' comes twice"),
        ({"data_yaml": "names: [a, A]"}, r"classes 0 \('a'\) and 1 \('A'\) have one name"),
        ({"data_yaml": 'names: ["\\e[2Ja"]'}, "class 0 is called '.x1b"),
        ({"data_yaml": "names: [a]", "classes_txt": "b\n"}, "data.yaml and .*classes.txt do not name the same"),
        ({"data_yaml": "names: [a]", "other_yaml": "names: {1: a}"}, "data.yaml and .*other.yaml do not name the same"),
        ({"classes_txt": "a\n\nb\n"}, "line 2 is empty"),
        ({"classes_txt": "a\n# animals\nb\n"}, "line 2 is '# animals'"),
        ({"classes_txt": "a\nb\na\n"}, r"classes 0 \('a'\) and 2 \('a'\)"),
        ({"obj_names": "a\nb\n", "obj_data": "classes = 3\n"}, "classes 3 and 2 names"),
        ({"data_yaml": "a: &a [x, x]\nb: &b [*a, *a]\nnames: [*b, *b]"}, "has names"),
        ({"data_yaml": "names: " + "[" * 800}, "cannot be read as YAML"),
        ({"data_yaml": "names: [a]\n" + "# x\n" * 40_000}, "has 160011 characters"),
        ({}, "names no classes"),
    ],
)
def test_names_that_are_not_certain_are_refused(texts: dict[str, str], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told) as caught:
        read_names(files(tmp_path, **texts))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        ({"data_yaml": "names: {1: car, 0: person}\nnc: 2"}, {0: "person", 1: "car"}),
        ({"data_yaml": "names: {0: person, 2: car}\nnc: 3"}, {0: "person", 2: "car"}),
        ({"data_yaml": "names: [car]", "classes_txt": "car\n\n"}, {0: "car"}),
        ({"data_yaml": "names: [car]", "hyp_yaml": "lr0: 0.01"}, {0: "car"}),
        ({"obj_names": "person, lying\r\ncar\r\n", "obj_data": "classes= 2"}, {0: "person, lying", 1: "car"}),
    ],
)
def test_names_are_by_number(texts: dict[str, str], names: dict[int, str], tmp_path: Path) -> None:
    found = read_names(files(tmp_path, **texts)).names
    assert found == names
    assert list(found) == sorted(found)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["data.yaml", "classes.txt"])
def test_names_of_windows(name: str, encoding: str, tmp_path: Path) -> None:
    text = "names: [jünger]\r\n" if name == "data.yaml" else "jünger\r\n"
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert read_names(tmp_path).names == {0: "jünger"}
    (tmp_path / name).write_bytes(b"# a\n" * (name == "data.yaml") + text.encode("latin-1"))
    with pytest.raises(InputError, match=r"line \d: byte 0xfc is no UTF-8"):
        read_names(tmp_path)
