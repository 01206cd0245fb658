"""The user's own code makes the detector: what it may be, and what is told where it is something else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models.detection import FasterRCNN

from edge.errors import InputError
from export.detector.build import frc_resnet_fpn
from export.detector.factory import detector_from_factory

pytestmark = pytest.mark.usefixtures("narrow_resnet")
CODE = """
import torch
from torch import nn
from export.detector.build import frc_resnet_fpn

def make(size=96):
    torch.manual_seed(1)
    model = frc_resnet_fpn(18, 2, "layer1", channels=8, representation_size=16, min_size=size, norm_eps=0.0)
    return model.train()

class Lit(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = make()

class Kit:
    @staticmethod
    def build():
        return make(64)

def needs(classes, *, depth):
    pass

def fails():
    return {}["no such key"]

def leaves():
    raise SystemExit(3)

wrapped = Lit
half = lambda: make().half()
number = 7
built = make()
nothing = lambda: None
"""


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's folder, where he stands."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "mine"]:  # another test's
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "models.py").write_text(CODE)
    (tmp_path / "broken.py").write_text("x = 1\nimport no_such_package\n")
    (tmp_path / "wrong.py").write_text("def make(:\n")
    (tmp_path / "script.py").write_text("import argparse\nargparse.ArgumentParser().parse_args(['--wrong'])\n")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in ("mine", "mine.models", "broken", "wrong", "script"):
        sys.modules.pop(name, None)


def test_what_the_function_returns_is_taken_as_it_is() -> None:
    before = list(sys.path)
    model = detector_from_factory("mine.models:make")
    assert isinstance(model, FasterRCNN)
    assert not model.training
    assert (model.transform.min_size, model.backbone.body.bn1.eps) == ((96,), 0.0)
    assert (model.class_names, model.training_record, model.notes) == ((), {}, ())
    assert sys.path == before


def test_an_object_a_method_and_half_precision() -> None:
    built = detector_from_factory("mine.models:built")
    assert built is sys.modules["mine.models"].built
    assert detector_from_factory("mine.models:Kit.build").transform.min_size == (64,)
    assert next(detector_from_factory("mine.models:half").parameters()).dtype == torch.float32


def test_weights_are_loaded_into_it_and_fit_exactly(program: Path) -> None:
    other = frc_resnet_fpn(18, 2, "layer1", channels=8, representation_size=16)
    state = other.state_dict()
    torch.save({"model": {f"module.{k}": v for k, v in state.items()}, "classes": ["deer", "person"]}, "w.pth")
    model = detector_from_factory("mine.models:make", Path("w.pth"))
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert model.class_names == ("deer", "person")
    assert model.transform.min_size == (96,)
    for change, told in (
        (lambda s: s.pop("rpn.head.cls_logits.bias"), "lack rpn.head.cls_logits.bias"),
        (lambda s: s.update({"roi_heads.x": torch.ones(1)}), "besides its parameters, roi_heads.x"),
        (lambda s: s.update({"rpn.head.cls_logits.bias": torch.ones(3)}), "size mismatch for rpn.head.cls_logits.bias"),
    ):
        wrong = dict(state)
        change(wrong)
        torch.save(wrong, program / "wrong.pth")
        with pytest.raises(InputError, match=told):
            detector_from_factory("mine.models:make", program / "wrong.pth")


def test_counters_of_a_batch_norm_are_not_missed(program: Path) -> None:
    (program / "norms.py").write_text(
        "from mine.models import make\nfrom torch import nn\n"
        "def build():\n    model = make()\n    model.backbone.body.bn1 = nn.BatchNorm2d(64)\n    return model\n"
    )
    state = {k: v for k, v in detector_from_factory("norms:build").state_dict().items() if "num_batches" not in k}
    torch.save(state, "w.pth")
    assert isinstance(detector_from_factory("norms:build", Path("w.pth")).backbone.body.bn1, nn.BatchNorm2d)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("mine.models", "expected package.module:function"),
        ("mine/models.py:make", "names a file: expected its module, as mine.models:make"),
        ("mine.models:", "expected package.module:function"),
        ("nowhere.at.all:make", "there is no module nowhere in"),
        ("mine.nowhere:make", "there is no module mine.nowhere"),
        ("mine.models:maek", r"has no maek \(it has make, Lit, Kit, needs, fails"),
        ("broken:make", "broken.py, line 2: ModuleNotFoundError: No module named 'no_such_package'"),
        ("wrong:make", "wrong.py, line 1: SyntaxError"),
        ("script:make", "importing script failed.*SystemExit"),
        ("mine.models:needs", r"needs arguments \(classes, depth\)"),
        ("mine.models:fails", r"models.py, line 25: KeyError: 'no such key'"),
        ("mine.models:leaves", r"models.py, line 28: SystemExit: 3"),
        ("mine.models:number", "is a int"),
        ("mine.models:nothing", "gives a NoneType: expected a torchvision FasterRCNN"),
        ("mine.models:wrapped", "gives a Lit, whose .net is one: return that"),
    ],
)
def test_everything_else_is_told_in_a_line(spec: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        detector_from_factory(spec)
    assert "\n" not in str(error.value)


def test_a_mask_head_is_refused(program: Path) -> None:
    (program / "masks.py").write_text(
        "from torchvision.models.detection import maskrcnn_resnet50_fpn\n"
        "def make():\n    return maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=2)\n"
    )
    with pytest.raises(InputError, match="mask head"):
        detector_from_factory("masks:make")
