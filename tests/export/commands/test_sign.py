"""edge-export sign: what it writes is what `edge run --trusted-key` and minisign take."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import InputError
from edge.model.bundle import MODEL_JSON, Bundle, sha256
from edge.model.passport import ENGINE, PASSPORT, Passport, Target
from edge.model.signed.signature import PublicKey, signed_bytes
from export.commands.main import main
from export.commands.signing.secret_key import SecretKey, scrypt_cost
from tests.support.children import run_child
from tests.support.minisign import KEY_ID, PUBLIC_KEY, SECRET_FILE, Keys

pytest.importorskip("nacl", reason="needs PyNaCl: pip install 'thermal-edge[signed]'")

MAKER = Keys("maker")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return MAKER.secret_file(tmp_path / "maker.key")


def test_what_it_signs_is_taken(tiny_bundle: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sign", str(tiny_bundle), "--key", str(key)]) == 0
    assert capsys.readouterr().out == f"{tiny_bundle / MODEL_JSON}.minisig  by key {MAKER.id}\n"
    assert Bundle.load(tiny_bundle, MAKER.public).trusted
    lines = (tiny_bundle / f"{MODEL_JSON}.minisig").read_text().splitlines()
    assert lines[2].split("\t")[1:] == [f"file:{MODEL_JSON}", "hashed"]


def test_the_tool_takes_it_too(tiny_bundle: Path, key: Path) -> None:
    tool = shutil.which("minisign")
    if tool is None:
        pytest.skip("needs minisign: apt install minisign")
    assert main(["sign", str(tiny_bundle), "--key", str(key), "--quiet"]) == 0
    done = run_child([tool, "-V", "-P", MAKER.public, "-m", tiny_bundle / MODEL_JSON], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = run_child([tool, "-S", "-s", key, "-m", tiny_bundle / MODEL_JSON], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Bundle.load(tiny_bundle, MAKER.public).trusted


def test_a_key_of_the_tool_is_read(tmp_path: Path) -> None:
    (tmp_path / "k.key").write_text(SECRET_FILE)
    read = SecretKey.read(tmp_path / "k.key")
    assert read.public == PublicKey.parse(PUBLIC_KEY)
    assert read.public.id == KEY_ID
    assert read.seed.hex() not in repr(read)
    (tmp_path / "f").write_bytes(b"deer")
    (tmp_path / "f.minisig").write_bytes(read.sign(b"deer", "a comment"))
    assert signed_bytes(tmp_path, "f", read.public) == b"deer"


def test_what_was_made_for_the_bundle_is_signed_with_it(
    tiny_bundle: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = Bundle.load(tiny_bundle)
    table = {
        "format": 2, "model_onnx": bundle.files["model.onnx"], "labels": "x", "frames": 1, "path": "p", "min_iou": 0.5,
        "scores": [0.5], "edges_px": [0, 8], "classes": {},
    }  # fmt: skip
    (tiny_bundle / "recall.json").write_text(json.dumps(table))
    (tiny_bundle / ENGINE).write_bytes(b"code")
    assert main(["sign", str(tiny_bundle), "--key", str(key)]) == 2  # for an engine without a passport nobody signs
    assert "has no passport" in capsys.readouterr().err
    assert not list(tiny_bundle.glob("*.minisig"))
    Passport(engine_sha256="of other code", onnx_sha256="", model_json_sha256="", target=Target()).write(tiny_bundle)
    assert main(["sign", str(tiny_bundle), "--key", str(key)]) == 2
    assert f"{ENGINE} is not the file that {PASSPORT} describes" in capsys.readouterr().err
    Passport(
        engine_sha256=sha256(tiny_bundle / ENGINE),
        onnx_sha256="",
        model_json_sha256=sha256(tiny_bundle / MODEL_JSON),
        target=Target(),
    ).write(tiny_bundle)
    golden = {"format": 1, "model_onnx": bundle.files["model.onnx"], "origin": "o"}
    golden |= {name: [] for name in ("boxes", "scores", "labels")}
    (tiny_bundle / "golden.json").write_text(json.dumps(golden))
    cv2.imwrite(str(tiny_bundle / "golden.png"), np.zeros((64, 80), np.uint8))
    assert main(["sign", str(tiny_bundle), "--key", str(key)]) == 0
    names = sorted(path.name.removesuffix(".minisig") for path in tiny_bundle.glob("*.minisig"))
    assert names == ["golden.json", "golden.png", "model.engine.json", "model.json", "recall.json"]
    signed = Bundle.load(tiny_bundle, MAKER.public)
    assert Passport.read(signed).engine_sha256 == sha256(tiny_bundle / ENGINE)
    table["model_onnx"] = "another"
    (tiny_bundle / "recall.json").write_text(json.dumps(table))
    assert main(["sign", str(tiny_bundle), "--key", str(key)]) == 2
    assert "was measured with another model.onnx" in capsys.readouterr().err


def test_a_changed_bundle_is_not_signed(tiny_bundle: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny_bundle / "model.onnx").write_bytes(b"another")
    assert main(["sign", str(tiny_bundle), "--key", str(key)]) == 2
    assert "model.onnx was altered" in capsys.readouterr().err
    assert not list(tiny_bundle.glob("*.minisig"))


def test_a_password_opens_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = MAKER.secret_file(tmp_path / "k", password="secret")
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    assert SecretKey.read(path).public == PublicKey.parse(MAKER.public)
    monkeypatch.setattr("sys.stdin", io.StringIO("Secret\n"))
    with pytest.raises(InputError, match="cannot be opened: the password is wrong, or the file is damaged"):
        SecretKey.read(path)


def test_the_cost_of_a_password_is_libsodiums() -> None:
    assert scrypt_cost(33_554_432, 1 << 30) == (20, 1)  # as minisign -G; crypto_pwhash_scryptsalsa208sha256's SENSITIVE
    assert scrypt_cost(524_288, 16_777_216) == (14, 1)  # INTERACTIVE
    assert scrypt_cost(0, 1 << 30) == (10, 1)
    assert scrypt_cost(33_554_432, 1 << 20) == (10, 1024)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), "cannot be read .No such file or directory.: expected a secret key"),
        (lambda path: path.write_text(""), "is no secret key of minisign"),
        (lambda path: path.write_text(f"untrusted comment: x\n{MAKER.public}\n"), "is no secret key .* no .pub at its"),
        (lambda path: path.write_bytes(b"\xff"), "it is no text"),
        (lambda path: path.write_text(path.read_text()[:-9]), "is no secret key of minisign"),
        (lambda path: MAKER.secret_file(path, "x", (1 << 40, 1 << 36)), "takes 68.7 GB to check: expected at most 2.1"),
        (lambda path: path.write_text(SECRET_FILE.replace("BXz0Q", "BXz1Q")), "its two halves do not belong together"),
    ],
)
def test_a_file_that_is_no_key_is_one_line(tmp_path: Path, change: object, message: str) -> None:
    path = MAKER.secret_file(tmp_path / "k")
    change(path)  # type: ignore[operator]
    with pytest.raises(InputError, match=message) as error:
        SecretKey.read(path)
    assert "\n" not in str(error.value)
