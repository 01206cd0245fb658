"""A run with a trusted key: the report says who signed, and what is not signed does not fly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.app.run import run
from edge.app.settings import RunSettings
from edge.commands.main import main
from edge.engine.null import NullEngine
from edge.errors import InputError
from edge.model.bundle import MODEL_JSON, Bundle
from tests.support.minisign import Keys

pytest.importorskip("nacl", reason="needs PyNaCl: pip install 'thermal-edge[signed]'")

MAKER, OTHER = Keys("maker"), Keys("other")
SOURCE = "sim:frames=2,width=80,height=64,pitch=-90,people=0,deer=0,cars=0,live=0"


@pytest.fixture
def signed(tiny_bundle: Path) -> Path:
    MAKER.sign(tiny_bundle / MODEL_JSON)
    return tiny_bundle


def settings(model: Path, out: Path, key: str | None) -> RunSettings:
    return RunSettings(source=SOURCE, model=model, out=out, backend="ort", trusted_key=key)


@pytest.mark.parametrize("asked", [True, False])
def test_the_report_says_who_signed(signed: Path, tmp_path: Path, asked: bool) -> None:
    report = run(settings(signed, tmp_path / "out", MAKER.public if asked else None))
    assert report["model_signature"] == {"key": MAKER.id, "checked": asked}
    assert json.loads((tmp_path / "out/report.json").read_text())["model_signature"] == report["model_signature"]


def test_the_report_says_that_nobody_signed(tiny_bundle: Path, tmp_path: Path) -> None:
    assert run(settings(tiny_bundle, tmp_path / "out", None))["model_signature"] is None


def test_what_another_key_signed_does_not_fly(signed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "--source", SOURCE, "--model", str(signed), "--out", str(tmp_path / "out")]
    assert main([*words, "--trusted-key", OTHER.public]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"model.json is signed by key {MAKER.id}: expected key {OTHER.id}: copy the bundle" in line
    assert not (tmp_path / "out").exists()


def test_options_that_say_the_contrary_are_refused(signed: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--trust-engine runs an engine for which nobody vouches, and --trusted-key"):
        RunSettings(out=tmp_path, trusted_key=MAKER.public, trust_engine=True)
    with (
        NullEngine(Bundle.load(signed)) as engine,
        pytest.raises(InputError, match="trusted_key belongs to the bundle"),
    ):
        run(settings(signed, tmp_path / "out", MAKER.public), engine=engine)


def test_info_says_who_signed(signed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(signed), "--trusted-key", MAKER.public]) == 0
    assert f"by key {MAKER.id}\n" in "".join(capsys.readouterr().out.splitlines(True)[:12])
    assert main(["info", str(signed), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["signature"] == {"key": MAKER.id, "checked": False}
    assert main(["info", str(signed)]) == 0
    assert f"by key {MAKER.id}, as its signature says; edge info --trusted-key KEY checks it" in " ".join(
        capsys.readouterr().out.split()
    )
    (signed / f"{MODEL_JSON}.minisig").unlink()
    assert main(["info", str(signed), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["signature"] is None
    assert main(["info", str(signed), "--trusted-key", MAKER.public]) == 2
