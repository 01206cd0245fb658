"""The training loop: crops, torchvision's losses, AdamW, a cosine to zero, an EMA of the weights.

Every step draws its crops and its random samples from (seed, step) alone, so that a run that was killed goes
on from its last checkpoint exactly as if nothing had happened. What it writes: `export.training.run_folder`.
"""

from __future__ import annotations

import hashlib
import json
import math
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection import FasterRCNN

from edge.errors import EdgeError, InputError, SinkError
from export.data.dataset import LabelledSet
from export.detector.configuration import Configuration
from export.detector.entries import RECORD
from export.evaluate.evaluate import detect_with_model, figures, judge
from export.evaluate.hard_examples import Place
from export.evaluate.trained_on import SEEN, digest
from export.training.batches import batches
from export.training.criterion import DetectionCriterion
from export.training.crops import Crops
from export.training.prepare import check_frozen, freeze, multiplies_bfloat16, prepare_for_training
from export.training.run_folder import RunFolder
from export.training.settings import TrainSettings
from export.training.teacher import Teacher

LOG_EVERY = 10  # steps
WARM_UP = 0.03  # part of the run over which the learning rate rises


@dataclass(frozen=True)
class Watch:
    """Frames that are not trained on, with boxes; how often they are looked at."""

    data: LabelledSet
    minutes: float = 20.0


class Trainer:
    """One run in the folder ``out``; `run` goes on from the last checkpoint that is there.

    ``start``: where the weights of ``model`` come from (`Checkpoint.origin`), for the record; of a run of an earlier
    version its record's.
    ``hard_examples``: places in ``data`` around which some crops are drawn (`export.evaluate.hard_examples`).
    ``teacher``: a trained detector that teaches beside the labels (`export.training.teacher`); ``taught_by``: its
    `Checkpoint.origin`, for the record. ``seen``: `TrainedOn.to_json` of all that the model will have seen, too.
    ``workers``: processes that draw crops ahead (`export.training.batches`); nothing else depends on them.
    ``backbone``: sha256 of the file that the ResNet's weights are of, if they are of one.

    Raises InputError where the folder holds a run with other settings or a broken one, ``data`` has no boxes,
    or other classes than ``model`` or the teacher, and where ``settings.frozen`` begins the name of no parameter, or
    leaves none.
    """

    def __init__(
        self,
        model: FasterRCNN,
        data: LabelledSet,
        out: Path,
        settings: TrainSettings,
        start: Mapping[str, Any] | None = None,
        hard_examples: Sequence[Place] = (),
        teacher: FasterRCNN | None = None,
        taught_by: Mapping[str, Any] | None = None,
        seen: Mapping[str, Any] | None = None,
        workers: int = 0,
        backbone: str | None = None,
    ) -> None:
        if not sum(len(f.boxes) for f in data.frames):
            raise InputError(f"the training set has {len(data)} frames and no boxes: nothing can be learnt from it")
        outputs = model.roi_heads.box_predictor.cls_score.out_features - 1
        names = tuple(getattr(model, "class_names", ()))
        if outputs != len(data.classes) or names not in ((), data.classes):
            raise InputError(
                f"the detector has {outputs} classes ({', '.join(names) or 'without names'}), the training set "
                f"{len(data.classes)} ({', '.join(data.classes)}): expected the same in the same order"
            )
        self.model, self.data, self.settings = model, data, settings
        self.start, self._hard_examples, self._taught_by = start, hard_examples, taught_by
        self._seen, self._backbone = seen, backbone
        if not (out / "state.pth").exists():  # an earlier version may have begun it with any
            check_frozen(model, settings.frozen)
        freeze(model, settings.frozen)
        self.step, self.seconds = 0, 0.0
        self._normalisers = settings.normalisers()
        crops = Crops(data, model, settings.augmentation, self._normalisers, settings.sampling_weights, hard_examples)
        prepare_for_training(model, mixed=multiplies_bfloat16(next(model.parameters()).device))
        self._criterion = DetectionCriterion(model, Teacher(teacher, model, data) if teacher else None)
        self._learnt = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self._ema = {n: p.detach().clone() for n, p in self._learnt.items()}
        self._optimiser = torch.optim.AdamW(
            self._learnt.values(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self._folder = RunFolder(out, self._depends_on(), {"data": digest(data, 1)})
        self._folder.restore(self._take)
        record = self._folder.record_of_before() if self.step else None
        if record and identity_of(record.get("start")) != identity_of(start):  # its weights are not those given now
            self.start, self._seen = record.get("start"), record.get(SEEN)
        steps = range(self.step, settings.steps)
        self._batches = batches(crops, settings.seed, settings.batch, steps, workers)

    def run(self, tell: Callable[[str], None], watch: Watch | None = None) -> None:
        """Train to the end of the schedule, or until SIGINT or SIGTERM: both leave a checkpoint behind.

        ``watch``: how good the EMA of the weights is, is looked at every so often, and at the end; what the
        training does with its weights does not depend on it.

        Raises EdgeError where a loss is not finite, SinkError where the last checkpoint cannot be written.
        """
        stop: list[int] = []
        signals = {s: signal.signal(s, lambda number, _: stop.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
        began, before, sums = time.monotonic(), self.seconds, dict.fromkeys(self._criterion.names, 0.0)
        saved = watched = began
        try:
            while not stop and self.progress < 1:
                try:
                    losses = self._one_step()
                except EdgeError:
                    if stop:  # whoever stops all processes of a group stops the workers, too
                        break
                    raise
                for name, value in losses.items():
                    sums[name] += value / LOG_EVERY
                self.seconds = before + time.monotonic() - began
                if self.step % LOG_EVERY == 0:
                    self._log(sums, tell)
                    tell(f"step {self.step} ({self.progress:.1%}), loss {sum(sums.values()):.3f}, {self.seconds:.0f} s")
                    sums = dict.fromkeys(self._criterion.names, 0.0)
                if time.monotonic() - saved > self.settings.save_minutes * 60:
                    try:
                        self.save()
                    except SinkError as error:
                        tell(str(error))  # go on: there may be space again
                    saved = time.monotonic()
                if watch and time.monotonic() - watched > watch.minutes * 60:
                    self._look(watch, tell)
                    watched = time.monotonic()
            if watch and not stop:
                self._look(watch, tell)
            self.save()
        finally:
            self._batches.close()
            for number, handler in signals.items():
                signal.signal(number, handler)

    @property
    def progress(self) -> float:
        """Part of the schedule that is done, 0..1."""
        by_clock = self.seconds / (self.settings.minutes * 60) if self.settings.minutes else 0.0
        return min(1.0, max(self.step / self.settings.steps, by_clock))

    def _one_step(self) -> dict[str, float]:
        settings = self.settings
        crops = next(self._batches)
        torch.manual_seed(settings.seed * 1_000_003 + self.step)  # which anchors and proposals are sampled
        rate = settings.learning_rate * _schedule(self.progress)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        try:
            losses = self._criterion(crops)
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise self._out_of_memory() from error
        total = torch.stack(list(losses.values())).sum()
        if not torch.isfinite(total):
            raise EdgeError(
                f"the loss is {float(total.detach())} at step {self.step}: lower --learning-rate; "
                f"{self._folder.last_good()}"
            )
        self._optimiser.zero_grad()
        try:
            total.backward()  # type: ignore[no-untyped-call]
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise self._out_of_memory() from error
        torch.nn.utils.clip_grad_norm_(self._learnt.values(), settings.clip_norm)
        self._optimiser.step()
        self.step += 1
        past = min(settings.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, parameter in self._learnt.items():
                self._ema[name].lerp_(parameter, 1 - past)
        return {name: float(value.detach()) for name, value in losses.items()}

    def _out_of_memory(self) -> EdgeError:
        return EdgeError(f"out of memory at step {self.step}: lower --batch or --crop; {self._folder.last_good()}")

    def ema_state(self) -> dict[str, Tensor]:
        """State dict of the model with the EMA of its weights."""
        return {**self.model.state_dict(), **self._ema}

    def save(self) -> None:
        """Write the checkpoint and the model of the EMA. Raises SinkError; the files before stay whole then."""
        state = {
            "model": self.model.state_dict(),
            "ema": self._ema,
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        self._folder.save(state, self._deliverable())

    def _deliverable(self) -> dict[str, Any]:
        content: dict[str, Any] = {"model": self.ema_state(), "classes": list(self.data.classes)}
        record = {
            "normalise": self._normalisers.to_json(),
            "data": digest(self.data),
            "frames": len(self.data),
            "steps": self.step,
            "batch": self.settings.batch,
            "seconds": round(self.seconds),
            "seed": self.settings.seed,
            "hard_examples": len(self._hard_examples),
            "augmentation": asdict(self.settings.augmentation),
        }
        origins = {"start": self.start, "teacher": self._taught_by, SEEN: self._seen}
        content[RECORD] = json.loads(json.dumps(record | {name: of for name, of in origins.items() if of}))
        if self._detector():
            content["detector"] = self._detector()
        return content

    def _detector(self) -> dict[str, Any]:
        """What the model is, as plain values; {} where it does not say."""
        configuration = getattr(self.model, "configuration", None)
        if not isinstance(configuration, Configuration):
            return {}
        return dict(json.loads(json.dumps(configuration.to_json())))

    def _depends_on(self) -> dict[str, Any]:
        """What another run must share to go on with this one."""
        return {
            **asdict(self.settings),
            "data": digest(self.data),
            "hard_examples": hashlib.sha256(repr(self._hard_examples).encode()).hexdigest()[:16],
            "detector": self._detector(),
            "teacher": self._taught_by["checkpoint_sha256"] if self._taught_by else None,
            "start": identity_of(self.start),
            "backbone": self._backbone,
        }

    def _take(self, state: Mapping[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        ema = state["ema"] if "ema" in state else state["average"]  # its name in runs of before
        self._ema = {name: value.to(self._learnt[name].device) for name, value in ema.items()}
        self._optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = int(state["step"]), float(state["seconds"])

    def _look(self, watch: Watch, tell: Callable[[str], None]) -> None:
        learnt = {name: parameter.detach().clone() for name, parameter in self._learnt.items()}
        try:
            self.model.load_state_dict(self._ema, strict=False)
            judged = judge(watch.data, detect_with_model(self.model, self._normalisers))
        finally:
            self.model.load_state_dict(learnt, strict=False)
            self.model.train()
        found = figures(judged, watch.data.classes)
        row = {"AP": found["ap"], "AP50": found["ap50"]}
        row |= {f"AP50 {name}": value for name, value in found["per_class_ap50"].items()}
        self._append("ap.csv", {name: math.nan if value is None else value for name, value in row.items()}, tell)
        tell(f"step {self.step}: AP50 {found['ap50']:.3f} on {len(watch.data)} frames")

    def _log(self, losses: dict[str, float], tell: Callable[[str], None]) -> None:
        rate = float(self._optimiser.param_groups[0]["lr"])
        self._append("log.csv", {"learning_rate": rate, **{name: losses[name] for name in self._criterion.names}}, tell)

    def _append(self, name: str, values: dict[str, float], tell: Callable[[str], None]) -> None:
        row = {"step": str(self.step), "seconds": f"{self.seconds:.1f}"}
        self._folder.append(name, row | {key: f"{value:.5g}" for key, value in values.items()}, tell)


def identity_of(origin: Mapping[str, Any] | None) -> str | None:
    """Of a `Checkpoint.origin` what tells it from others: a bundle of a program's own detector may have no hash."""
    return (origin.get("checkpoint_sha256") or origin["name"]) if origin else None


def _schedule(progress: float) -> float:
    """Factor of the learning rate: a short rise, then a cosine to zero."""
    if progress < WARM_UP:
        return 0.1 + 0.9 * progress / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))
