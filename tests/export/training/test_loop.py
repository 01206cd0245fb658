"""A run resumes to the step and loses nothing when something breaks."""

from __future__ import annotations

import errno
import json
import multiprocessing
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from edge.errors import EdgeError, InputError, SinkError
from edge.model.normalisers import Normalisers
from export.data.dataset import LabelledSet
from export.detector.checkpoint import load_detector, normalisers_of
from export.evaluate.trained_on import digest
from export.training import loop as train
from export.training.augment import Augmentation
from export.training.loop import Trainer, Watch
from export.training.settings import TrainSettings
from tests.support import tiny_training
from tests.support.tiny_training import FROZEN, NONE, tiny_model

pytestmark = pytest.mark.usefixtures("narrow_resnet")

TINY = TrainSettings(steps=4, batch=1, seed=3, frozen=FROZEN, augmentation=Augmentation(crop=64, mosaic=0.5))


@pytest.fixture
def tiny_set(tmp_path: Path) -> LabelledSet:
    return tiny_training.tiny_set(tmp_path)


def run_steps(data: LabelledSet, out: Path, how: TrainSettings = TINY) -> dict[str, torch.Tensor]:
    Trainer(tiny_model(), data, out, how).run(lambda _: None)
    return dict(torch.load(out / "model.pth", weights_only=True)["model"])


def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, tiny_set: LabelledSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_steps(tiny_set, tmp_path / "whole")
    trainer = Trainer(tiny_model(), tiny_set, tmp_path / "parts", TINY)
    trainer._one_step()
    trainer._one_step()
    trainer.save()
    trainer._one_step()  # lost with the kill
    resumed = run_steps(tiny_set, tmp_path / "parts")
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, rtol=0, atol=0, msg=name)
    assert load_detector(tmp_path / "parts/model.pth").roi_heads.box_predictor.cls_score.out_features == 2


def test_a_run_goes_on_with_any_number_of_workers(tmp_path: Path, tiny_set: LabelledSet) -> None:
    whole = run_steps(tiny_set, tmp_path / "whole")
    trainer = Trainer(tiny_model(), tiny_set, tmp_path / "parts", TINY, workers=2)
    trainer._one_step()
    trainer.save()
    resumed = run_steps(tiny_set, tmp_path / "parts")
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, rtol=0, atol=0, msg=name)


def test_a_stop_of_the_whole_group_leaves_a_checkpoint(tmp_path: Path, tiny_set: LabelledSet) -> None:
    """timeout, systemd and a closed terminal stop the workers, too."""

    def stop(_: str) -> None:
        for child in multiprocessing.active_children():
            child.kill()
        signal.raise_signal(signal.SIGTERM)

    trainer = Trainer(tiny_model(), tiny_set, tmp_path / "run", replace(TINY, steps=1000), workers=2)
    trainer.run(stop)
    assert 10 <= torch.load(tmp_path / "run/state.pth", weights_only=True)["step"] < 1000


def test_another_configuration_or_data_is_refused(tmp_path: Path, tiny_set: LabelledSet) -> None:
    Trainer(tiny_model(), tiny_set, tmp_path / "run", TINY)
    with pytest.raises(InputError, match="another learning_rate"):
        Trainer(tiny_model(), tiny_set, tmp_path / "run", replace(TINY, learning_rate=1.0))
    with pytest.raises(InputError, match="another data"):
        Trainer(tiny_model(), LabelledSet(("person",), tiny_set.frames[:1]), tmp_path / "run", TINY)


START = {"name": "a.pth", "checkpoint_sha256": "aa"}
OTHER = {"name": "b.pth", "checkpoint_sha256": "bb"}


def test_another_start_or_backbone_is_refused(tmp_path: Path, tiny_set: LabelledSet) -> None:
    Trainer(tiny_model(), tiny_set, tmp_path / "from", TINY, START)
    for start in (OTHER, None):
        with pytest.raises(InputError, match="holds a run with another start: "):
            Trainer(tiny_model(), tiny_set, tmp_path / "from", TINY, start)
    Trainer(tiny_model(), tiny_set, tmp_path / "from", TINY, {**START, "name": "moved.pth"})
    Trainer(tiny_model(), tiny_set, tmp_path / "without", TINY, backbone="cc")
    with pytest.raises(InputError, match="holds a run with another start: "):
        Trainer(tiny_model(), tiny_set, tmp_path / "without", TINY, START, backbone="cc")
    with pytest.raises(InputError, match="holds a run with another backbone: "):
        Trainer(tiny_model(), tiny_set, tmp_path / "without", TINY, backbone="dd")


def test_a_region_that_is_ignored_from_now_on_is_other_data(tmp_path: Path, tiny_set: LabelledSet) -> None:
    Trainer(tiny_model(), tiny_set, tmp_path / "run", TINY)
    whole = np.array([[0, 0, 128, 96]], np.float32)
    changed = replace(tiny_set, frames=tuple(replace(f, ignored=whole) for f in tiny_set.frames))
    with pytest.raises(InputError, match="holds a run with another data: "):
        Trainer(tiny_model(), changed, tmp_path / "run", TINY)


def as_begun_before(out: Path, data: LabelledSet) -> None:
    """As 26dcd55 left it: no start in train.json, which holds a digest of names and boxes."""
    settings = json.loads((out / "train.json").read_text())
    del settings["start"], settings["backbone"]
    (out / "train.json").write_text(json.dumps(settings | {"data": digest(data, 1)}))


@pytest.mark.parametrize("given", [START, OTHER, None])
def test_a_run_of_before_goes_on_and_keeps_its_start(
    tmp_path: Path, tiny_set: LabelledSet, given: dict[str, Any] | None
) -> None:
    trainer = Trainer(tiny_model(), tiny_set, tmp_path / "run", TINY, START, seen={"frames": 7})
    trainer._one_step()
    trainer.save()
    as_begun_before(tmp_path / "run", tiny_set)
    further = Trainer(tiny_model(), tiny_set, tmp_path / "run", TINY, given, seen={"frames": 8})
    assert (further.step, further.start) == (1, START)
    further.save()
    record = torch.load(tmp_path / "run/model.pth", weights_only=True)["training"]
    assert record["start"] == START
    assert record["seen"] == {"frames": 8 if given == START else 7}
    with pytest.raises(InputError, match="another data"):
        Trainer(tiny_model(), LabelledSet(("person",), tiny_set.frames[:1]), tmp_path / "run", TINY, given)


def test_what_is_frozen_is_there_and_leaves_something(tmp_path: Path, tiny_set: LabelledSet) -> None:
    for frozen, told in (
        (
            (*FROZEN, "backbone.body.layr1"),
            "--freeze backbone.body.layr1: no parameter.* rpn.head, roi",
        ),
        (("backbone", "rpn", "roi_heads"), "--freeze backbone,rpn,roi_heads leaves no parameter to train"),
    ):
        with pytest.raises(InputError, match=told):
            Trainer(tiny_model(), tiny_set, tmp_path / "run", replace(TINY, frozen=frozen))
    assert not (tmp_path / "run").exists()


def test_a_run_of_before_that_froze_nothing_goes_on(tmp_path: Path, tiny_set: LabelledSet) -> None:
    Trainer(tiny_model(), tiny_set, tmp_path / "run", TINY).save()
    settings = json.loads((tmp_path / "run/train.json").read_text())
    (tmp_path / "run/train.json").write_text(json.dumps(settings | {"frozen": [*FROZEN, "nonsense"]}))
    Trainer(tiny_model(), tiny_set, tmp_path / "run", replace(TINY, frozen=(*FROZEN, "nonsense")))


def with_old_names(values: dict[str, Any]) -> dict[str, Any]:
    old = {"ema": "average", "sampling_weights": "shares", "hard_examples": "mistakes"}
    return {old.get(k, k): with_old_names(v) if k == "augmentation" else v for k, v in values.items()}


def test_a_run_of_before_the_renaming_goes_on(tmp_path: Path, tiny_set: LabelledSet) -> None:
    whole = run_steps(tiny_set, tmp_path / "whole")
    trainer = Trainer(tiny_model(), tiny_set, tmp_path / "old", TINY)
    trainer._one_step()
    trainer.save()
    settings = json.loads((tmp_path / "old/train.json").read_text())
    old = with_old_names(settings)
    assert (old["average"], old["shares"], old["augmentation"]["mistakes"]) == (0.99, [], 0.4)
    (tmp_path / "old/train.json").write_text(json.dumps(old))
    torch.save(with_old_names(torch.load(tmp_path / "old/state.pth", weights_only=True)), tmp_path / "old/state.pth")
    for name, value in run_steps(tiny_set, tmp_path / "old").items():
        torch.testing.assert_close(value, whole[name], rtol=0, atol=0, msg=name)
    (tmp_path / "old/train.json").write_text(json.dumps(old | {"average": 0.5}))
    with pytest.raises(InputError, match="another ema"):
        Trainer(tiny_model(), tiny_set, tmp_path / "old", TINY)


def test_another_detector_is_refused(tmp_path: Path, tiny_set: LabelledSet) -> None:
    Trainer(tiny_model(), tiny_set, tmp_path / "run", TINY)
    model = tiny_model()
    model.configuration = model.configuration.changed(max_size=160)
    with pytest.raises(InputError, match="another detector"):
        Trainer(model, tiny_set, tmp_path / "run", TINY)


def test_a_broken_state_is_refused(tmp_path: Path, tiny_set: LabelledSet) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/state.pth").write_bytes(b"half a file")
    with pytest.raises(InputError, match="cannot be resumed"):
        Trainer(tiny_model(), tiny_set, tmp_path / "run", TINY)


def test_nothing_to_learn_and_wrong_classes(tmp_path: Path, tiny_set: LabelledSet) -> None:
    empty = tuple(replace(f, boxes=NONE, labels=np.zeros(0, np.int64)) for f in tiny_set.frames)
    with pytest.raises(InputError, match="no boxes"):
        Trainer(tiny_model(), LabelledSet(("person",), empty), tmp_path, TINY)
    with pytest.raises(InputError, match="2 classes"):
        Trainer(tiny_model(2), tiny_set, tmp_path, TINY)
    model = tiny_model()
    model.class_names = ("deer",)
    with pytest.raises(InputError, match=r"1 classes \(deer\), the training set 1 \(person\)"):
        Trainer(model, tiny_set, tmp_path, TINY)


def test_a_loss_that_is_not_finite_ends_the_run_with_the_last_good_model(tmp_path: Path, tiny_set: LabelledSet) -> None:
    trainer = Trainer(tiny_model(), tiny_set, tmp_path / "run", TINY)
    trainer._one_step()
    trainer.save()
    good = (tmp_path / "run/model.pth").read_bytes()
    with torch.no_grad():
        trainer.model.roi_heads.box_predictor.cls_score.bias.fill_(float("nan"))
    with pytest.raises(EdgeError, match="loss is nan at step 1: lower --learning-rate"):
        trainer.run(lambda _: None)
    assert (tmp_path / "run/model.pth").read_bytes() == good


def test_frames_of_ignored_regions_alone_are_no_divergence(tmp_path: Path, tiny_set: LabelledSet) -> None:
    whole = np.array([[0, 0, 128, 96]], np.float32)
    hidden = [replace(f, boxes=NONE, labels=np.zeros(0, np.int64), ignored=whole) for f in tiny_set.frames[1:]]
    data = LabelledSet(tiny_set.classes, (tiny_set.frames[0], *hidden))
    how = replace(TINY, steps=8, augmentation=Augmentation(crop=64, mosaic=0.0, background=1.0))
    trainer = Trainer(tiny_model(), data, tmp_path / "run", how)
    losses = [sum(trainer._one_step().values()) for _ in range(8)]
    assert 0.0 in losses  # a crop of the second or third frame
    assert max(losses) > 0.1
    assert all(np.isfinite(losses))


def test_a_full_disk_leaves_the_checkpoint_before(
    tmp_path: Path, tiny_set: LabelledSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(tiny_model(), tiny_set, tmp_path / "run", TINY)
    trainer.save()
    before = {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    trainer._one_step()
    monkeypatch.setattr("edge.system.files.os.fsync", full)
    with pytest.raises(SinkError, match="No space left"):
        trainer.save()
    assert {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()} == before


def test_the_learning_rate_rises_and_falls_to_zero() -> None:
    rates = [train._schedule(p) for p in np.linspace(0, 1, 200)]
    peak = int(np.argmax(rates))
    assert rates[0] == pytest.approx(0.1)
    assert rates[peak] == pytest.approx(1.0, abs=1e-2)
    assert np.all(np.diff(rates[peak:]) < 0)
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)


def test_the_normaliser_of_training_travels_with_the_checkpoint(tmp_path: Path, tiny_set: LabelledSet) -> None:
    how = replace(TINY, steps=1, normalise_16bit="percentile:low=2,high=98")
    run_steps(tiny_set, tmp_path / "run", how)
    model = load_detector(tmp_path / "run/model.pth")
    assert normalisers_of(model) == how.normalisers()
    assert normalisers_of(model) != Normalisers() == normalisers_of(tiny_model())
    assert model.training_record["augmentation"]["crop"] == 64
    with pytest.raises(InputError, match="blur"):
        replace(TINY, normalise_16bit="blur").normalisers()


def test_a_watched_run_trains_the_same_and_draws_its_curve(tmp_path: Path, tiny_set: LabelledSet) -> None:
    plain = run_steps(tiny_set, tmp_path / "plain", replace(TINY, steps=2))
    trainer = Trainer(tiny_model(), tiny_set, tmp_path / "run", replace(TINY, steps=2))
    trainer.run(lambda _: None, Watch(tiny_set, minutes=1e-9))  # after each step
    for name, value in torch.load(tmp_path / "run/model.pth", weights_only=True)["model"].items():
        torch.testing.assert_close(value, plain[name], rtol=0, atol=0, msg=name)
    rows = (tmp_path / "run/ap.csv").read_text().splitlines()
    assert rows[0] == "step,seconds,AP,AP50,AP50 person"
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2", "2"]
    curves = cv2.imread(str(tmp_path / "run/curves.png"))
    assert curves is not None
    assert curves.shape[0] == 3 * 180


def test_a_folder_that_cannot_be_used_and_a_loss_before_any_checkpoint(tmp_path: Path, tiny_set: LabelledSet) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="give another folder"):
        Trainer(tiny_model(), tiny_set, tmp_path / "file", TINY)
    model = tiny_model()
    with torch.no_grad():
        model.roi_heads.box_predictor.cls_score.bias.fill_(float("nan"))
    with pytest.raises(EdgeError, match="no checkpoint yet"):
        Trainer(model, tiny_set, tmp_path / "run", TINY).run(lambda _: None)


def test_a_log_that_cannot_be_written_is_told_and_ends_nothing(tmp_path: Path, tiny_set: LabelledSet) -> None:
    trainer = Trainer(tiny_model(), tiny_set, tmp_path / "run", replace(TINY, steps=1))
    (tmp_path / "run/ap.csv").mkdir()
    said: list[str] = []
    trainer._append("ap.csv", {"AP": 0.5}, said.append)
    assert "could not be written" in said[0]
