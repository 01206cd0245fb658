"""Crops keep boxes on their objects; a run resumes to the step and loses nothing when something breaks."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models.detection import FasterRCNN

from edge.errors import EdgeError, InputError, SinkError
from edge.model.normalisers import Normalisers
from export.commands.train import sizes_seen
from export.data.dataset import LabelledFrame, LabelledSet
from export.detector.build import frc_resnet_fpn
from export.detector.checkpoint import load_detector, normalisers_of
from export.training import loop as train
from export.training.augment import Augmentation, cut, warp_of
from export.training.crops import Crops
from export.training.loop import Trainer, TrainSettings, Watch

NONE = np.zeros((0, 4), np.float32)
TINY = TrainSettings(steps=4, batch=1, seed=3, augmentation=Augmentation(crop=64, mosaic=0.5))


def tiny_model(classes: int = 1) -> FasterRCNN:
    torch.manual_seed(0)
    model = frc_resnet_fpn(
        18,
        classes,
        "layer1",
        channels=8,
        representation_size=16,
        sampling_ratio=2,
        image_mean=(0.4,) * 3,
        image_std=(0.2,) * 3,
        min_size=96,
        max_size=128,
    )
    with torch.no_grad():
        for name, value in model.named_buffers():
            if name.endswith("running_var"):
                value.fill_(4.0)
    return model


@pytest.fixture
def tiny_set(tmp_path: Path) -> LabelledSet:
    rng = np.random.default_rng(0)
    frames = []
    for i in range(3):
        pixels = rng.integers(60, 90, (96, 128)).astype(np.uint8)
        pixels[40:52, 30:40] = 220
        path = tmp_path / f"{i}.png"
        cv2.imwrite(str(path), pixels)
        frames.append(
            LabelledFrame(path, 128, 96, np.array([[30, 40, 40, 52]], np.float32), np.zeros(1, np.int64), NONE)
        )
    return LabelledSet(("person",), tuple(frames))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(10, 110), st.floats(10, 80), st.integers(4, 30), st.integers(4, 30))
def test_a_box_stays_on_its_object(seed: int, x: float, y: float, w: int, h: int) -> None:
    x1, y1 = int(x), int(y)
    x2, y2 = min(x1 + w, 128), min(y1 + h, 96)
    grey = np.zeros((96, 128), np.uint8)
    grey[y1:y2, x1:x2] = 255
    box = np.array([[x1, y1, x2, y2]], np.float32)
    frame = LabelledFrame(Path("x"), 128, 96, box, np.zeros(1, np.int64), NONE)
    how = Augmentation(vflip=0.5, quarter_turns=0.5)
    affine = warp_of(frame, ((x1 + x2) / 2, (y1 + y2) / 2), 64, 1.0, how, np.random.default_rng(seed))
    crop = cut(grey, frame, affine, 64, 0.0, 0.0)
    rows, columns = np.nonzero(crop.pixels > 127)
    shown = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(crop.boxes[0], shown, atol=1.01)  # half a pixel of sampling at each end


@pytest.mark.parametrize(("shorter", "longer", "factor"), [(96, 128, 1.0), (120, 160, 1.25), (192, 200, 1.5625)])
def test_objects_are_as_large_as_the_detector_will_see_them(
    tiny_set: LabelledSet, shorter: int, longer: int, factor: float
) -> None:
    model = tiny_model()
    model.transform.min_size, model.transform.max_size = (shorter,), longer
    how = Augmentation(crop=64, mosaic=0.0, background=0.0, scale=(1.0, 1.0), hflip=0.0)
    crops = Crops(tiny_set, model, how, Normalisers())
    for seed in range(5):
        box = crops.draw(np.random.default_rng(seed)).boxes[0]
        np.testing.assert_allclose(box[2:] - box[:2], [10 * factor, 12 * factor], rtol=1e-4)
    # as torchvision resizes a frame of this set
    image, _ = model.transform([torch.zeros(3, 96, 128)])
    assert image.image_sizes[0][1] == pytest.approx(128 * factor, abs=1)
    seen = f"{round(128 * factor)}x{round(96 * factor)}"
    assert sizes_seen(model, tiny_set) == f"the detector sees frames of 128x96 at {seen}"


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


def test_another_configuration_or_data_is_refused(tmp_path: Path, tiny_set: LabelledSet) -> None:
    Trainer(tiny_model(), tiny_set, tmp_path / "run", TINY)
    with pytest.raises(InputError, match="another learning_rate"):
        Trainer(tiny_model(), tiny_set, tmp_path / "run", replace(TINY, learning_rate=1.0))
    with pytest.raises(InputError, match="another data"):
        Trainer(tiny_model(), LabelledSet(("person",), tiny_set.frames[:1]), tmp_path / "run", TINY)


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


def test_a_loss_that_is_not_finite_ends_the_run_with_the_last_good_model(tmp_path: Path, tiny_set: LabelledSet) -> None:
    trainer = Trainer(tiny_model(), tiny_set, tmp_path / "run", TINY)
    trainer._one_step()
    trainer.save()
    good = (tmp_path / "run/model.pth").read_bytes()
    with torch.no_grad():
        trainer.model.roi_heads.box_predictor.cls_score.bias.fill_(float("nan"))
    with pytest.raises(EdgeError, match="loss is nan at step 1"):
        trainer.run(lambda _: None)
    assert (tmp_path / "run/model.pth").read_bytes() == good


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
