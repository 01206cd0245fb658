"""A bundle is taken only if the trusted key signed it, and only as it was signed: every other one is one line."""

from __future__ import annotations

import base64
import builtins
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import BundleError, InputError
from edge.model import bundle as bundle_module
from edge.model.bundle import MODEL_JSON, Bundle
from edge.model.golden import read_golden
from edge.model.recall import read_recall
from edge.model.signed.signature import NotSigned, PublicKey, Signature, signed_bytes, signer
from tests.conftest import write_bundle
from tests.support.minisign import KEY_ID, OLD_SIGNATURE, PUBLIC_KEY, SIGNATURE, SIGNED, Keys

pytest.importorskip("nacl", reason="needs PyNaCl: pip install 'thermal-edge[signed]'")

MAKER, OTHER = Keys("maker"), Keys("other")
TRUSTED = PublicKey.parse(MAKER.public)
BESIDE = f"{MODEL_JSON}.minisig"


@pytest.fixture
def signed(tiny_bundle: Path) -> Path:
    MAKER.sign(tiny_bundle / MODEL_JSON)
    return tiny_bundle


# ---- what the tool made ----


def test_a_signature_of_the_tool_is_good(tmp_path: Path) -> None:
    key = PublicKey.parse(PUBLIC_KEY)
    assert key.id == KEY_ID
    (tmp_path / "f").write_bytes(SIGNED)
    (tmp_path / "f.minisig").write_text(SIGNATURE)
    assert signed_bytes(tmp_path, "f", key) == SIGNED
    assert signer(tmp_path, "f") == KEY_ID
    (tmp_path / "f.minisig").write_text(SIGNATURE.replace("\n", "\r\n"))
    assert signed_bytes(tmp_path, "f", key) == SIGNED


def test_the_older_kind_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(SIGNED)
    (tmp_path / "f.minisig").write_text(OLD_SIGNATURE)
    with pytest.raises(NotSigned, match="an older kind: expected one of minisign 0.10 or newer"):
        signed_bytes(tmp_path, "f", PublicKey.parse(PUBLIC_KEY))


def test_each_bit_of_a_signature_counts(tmp_path: Path) -> None:
    key = PublicKey.parse(PUBLIC_KEY)
    lines = SIGNATURE.split("\n")
    for line in (1, 3):
        raw = base64.b64decode(lines[line])
        for at in range(0, len(raw), 7):
            changed = bytes([*raw[:at], raw[at] ^ 1, *raw[at + 1 :]])
            text = [*lines[:line], base64.b64encode(changed).decode(), *lines[line + 1 :]]
            (tmp_path / "f.minisig").write_text("\n".join(text))
            with pytest.raises(ValueError):  # noqa: PT011 - of its format or of what it says
                Signature.read(tmp_path / "f.minisig").check(SIGNED, key)
    for comment in ("of a best", "of a test ", "of a tes"):
        (tmp_path / "f.minisig").write_text(SIGNATURE.replace("of a test", comment))
        with pytest.raises(NotSigned, match="comment is not the one"):
            Signature.read(tmp_path / "f.minisig").check(SIGNED, key)


# ---- keys ----


def test_a_key_is_a_text_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "maker.pub"
    file.write_text(f"untrusted comment: minisign public key {MAKER.id}\n{MAKER.public}\n")
    assert PublicKey.parse(str(file)) == PublicKey.parse(MAKER.public) == TRUSTED
    assert TRUSTED.id == MAKER.id == "000000" + b"rekam".hex().upper()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nowhere.pub", r"'nowhere.pub' cannot be read \(No such file or directory\): expected the file"),
        (MAKER.public[:-1], "cannot be read"),
        (MAKER.public.replace("RW", "RX", 1), "cannot be read"),
        ("", "cannot be read|is no file"),
        ("a\0b", "embedded null byte"),
    ],
)
def test_what_is_no_key_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        PublicKey.parse(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no public key of minisign: expected the file FILE.pub"),
        (f"untrusted comment: x\n{MAKER.public}\nmore\n".encode(), "holds no public key"),
        (f"a comment\n{MAKER.public}\n".encode(), "holds no public key"),
        (b"untrusted comment: x\nRWRTY0Iy" + b"A" * 204, "no public key of minisign, it is a secret one"),
        (b"untrusted comment: x\nRWQAAEIy" + b"A" * 204, "no public key of minisign, it is a secret one"),
        (b"\xff\xfe", "it is no text"),
        (b"x" * 16_385, "has more than 16384 bytes"),
    ],
)
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "k.pub").write_bytes(content)
    with pytest.raises(InputError, match=message):
        PublicKey.parse(str(tmp_path / "k.pub"))


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.startswith("nacl"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(InputError, match=r"need PyNaCl, which is not installed: pip install 'thermal-edge\[signed\]'"):
        PublicKey.parse(MAKER.public)


# ---- a bundle ----


def test_a_signed_bundle_is_loaded(signed: Path) -> None:
    bundle = Bundle.load(signed, MAKER.public)
    assert bundle.signature == {"key": MAKER.id, "checked": True}
    assert bundle.trusted == TRUSTED


def test_without_a_key_nothing_is_asked_and_nobody_is_believed(signed: Path) -> None:
    assert Bundle.load(signed).signature == {"key": MAKER.id, "checked": False}
    (signed / BESIDE).write_text(OTHER.signature(b"something else"))
    assert Bundle.load(signed).signature == {"key": OTHER.id, "checked": False}
    for broken in ("", "no signature", "a\nb\nc\nd\n", "x" * 20_000):
        (signed / BESIDE).write_text(broken)
        assert Bundle.load(signed).signature is None
    (signed / BESIDE).unlink()
    assert Bundle.load(signed).signature is None


def edited(folder: Path) -> None:
    """The threshold, say, so that fewer persons are shown."""
    raw = json.loads((folder / MODEL_JSON).read_text())
    raw["thresholds"]["score"] = 0.99
    (folder / MODEL_JSON).write_text(json.dumps(raw))


def truncated(folder: Path) -> None:
    path = folder / BESIDE
    path.write_text(path.read_text()[:-9])


def of_another_bundle(folder: Path) -> None:
    write_bundle(folder / "other", classes=("Deer",))
    MAKER.sign(folder / "other" / MODEL_JSON)
    (folder / "other" / BESIDE).replace(folder / BESIDE)


def by_another_key(folder: Path) -> None:
    OTHER.sign(folder / MODEL_JSON)


def by_another_key_of_the_same_name(folder: Path) -> None:
    twin = Keys("other")
    twin._id = b"maker\0\0\0"
    twin.sign(folder / MODEL_JSON)


def swapped_for_a_pipe(folder: Path) -> None:
    (folder / BESIDE).unlink()
    os.mkfifo(folder / BESIDE)


ATTACKS: dict[Callable[[Path], Any], str] = {
    edited: f"is not the file that key {MAKER.id} signed",
    of_another_bundle: f"is not the file that key {MAKER.id} signed",
    by_another_key: f"is signed by key {OTHER.id}: expected key {MAKER.id}",
    by_another_key_of_the_same_name: f"is not the file that key {MAKER.id} signed",
    truncated: "cannot be read .it is no whole signature: it was cut off or changed",
    swapped_for_a_pipe: "model.json.minisig is no file",
    lambda folder: (folder / BESIDE).unlink(): "is not signed, there is no model.json.minisig: expected a signature of",
    lambda folder: (folder / BESIDE).write_bytes(b"\xff" * 99): "it is no text",
    lambda folder: (folder / BESIDE).write_text("x" * 16_385): "has more than 16384 bytes",
    lambda folder: (folder / BESIDE).chmod(0): "Permission denied|not signed by",
    lambda folder: (folder / MODEL_JSON).write_bytes(b"\0" * 64_000_001): "has more than 64000000 bytes",
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: str(attack.__name__))
def test_what_was_not_signed_is_refused_before_it_is_parsed(
    signed: Path, attack: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    attack(signed)
    if ATTACKS[attack].startswith("Permission") and os.geteuid() == 0:
        pytest.skip("root may read everything")
    monkeypatch.setattr(bundle_module, "read_json", lambda data: pytest.fail("parsed"))
    with pytest.raises(BundleError, match=ATTACKS[attack]) as error:
        Bundle.load(signed, MAKER.public)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(signed / MODEL_JSON))


def test_a_changed_file_of_a_signed_bundle_is_refused(signed: Path) -> None:
    (signed / "model.onnx").write_bytes((signed / "model.onnx").read_bytes() + b"\0")
    with pytest.raises(BundleError, match="model.onnx was altered"):
        Bundle.load(signed, MAKER.public)


def test_what_was_checked_is_what_is_parsed(signed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """model.json is read once: what lies there a moment later is not looked at."""

    def then_edited(folder: Path, name: str, key: PublicKey) -> bytes:
        data = signed_bytes(folder, name, key)
        edited(folder)
        return data

    monkeypatch.setattr(bundle_module, "signed_bytes", then_edited)
    assert Bundle.load(signed, MAKER.public).score_threshold == 0.5


def test_links_are_followed_and_their_content_is_checked(signed: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (signed / MODEL_JSON).rename(elsewhere)
    (signed / MODEL_JSON).symlink_to(elsewhere)
    assert Bundle.load(signed, MAKER.public).trusted
    elsewhere.write_bytes(elsewhere.read_bytes() + b" ")
    with pytest.raises(BundleError, match="is not the file that key"):
        Bundle.load(signed, MAKER.public)


def test_a_table_of_recall_needs_a_signature_too(signed: Path) -> None:
    bundle = Bundle.load(signed, MAKER.public)
    table = {
        "format": 2, "model_onnx": bundle.files["model.onnx"], "labels": "x", "frames": 1, "path": "p", "min_iou": 0.5,
        "scores": [0.5], "edges_px": [0, 8], "classes": {"Person": {"boxes": [40], "found": [[30]]}},
    }  # fmt: skip
    (signed / "recall.json").write_text(json.dumps(table))
    assert read_recall(Bundle.load(signed), "Person", 0.5) is not None
    with pytest.raises(BundleError, match="recall.json is not signed, .*: have it signed as the bundle, or remove"):
        read_recall(bundle, "Person", 0.5)
    MAKER.sign(signed / "recall.json")
    curve = read_recall(bundle, "Person", 0.5)
    assert curve is not None
    assert curve.recall.tolist() == [0.75]
    (signed / "recall.json").write_text(json.dumps(table).replace("[[30]]", "[[40]]"))
    with pytest.raises(BundleError, match="recall.json is not the file that key"):
        read_recall(bundle, "Person", 0.5)


def test_a_stored_frame_needs_signatures_too(signed: Path) -> None:
    bundle = Bundle.load(signed, MAKER.public)
    said = {
        "format": 1,
        "model_onnx": bundle.files["model.onnx"],
        "origin": "o",
        "boxes": [],
        "scores": [],
        "labels": [],
    }
    (signed / "golden.json").write_text(json.dumps(said))
    cv2.imwrite(str(signed / "golden.png"), np.zeros((64, 80), np.uint8))
    assert read_golden(Bundle.load(signed)) is not None
    for name in ("golden.json", "golden.png"):
        with pytest.raises(BundleError, match="golden.png is not signed, there is no golden"):
            read_golden(bundle)
        MAKER.sign(signed / name)
    assert read_golden(bundle) is not None
