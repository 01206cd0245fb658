"""The best scores in two steps are those of one, equal ones and what is no number included."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from export.graph.precision import DOMAIN, drop_markers
from export.graph.stages import top
from export.graph.stages.top import best_of_map


def earlier_first(values: torch.Tensor, k: int, dim: int = -1, largest: bool = True) -> Any:
    """As ONNX: torch's own topk gives equal values in any order."""
    return torch.return_types.topk([t.narrow(dim, 0, k) for t in values.sort(dim=dim, descending=largest, stable=True)])


@pytest.fixture
def as_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "topk", earlier_first)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 6), st.integers(0, 10_000), st.integers(1, 5))
def test_two_steps_are_one(count: int, anchors: int, seed: int, values: int) -> None:
    """Few different values: most are equal, and also the last taken and the first left out."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, values, (anchors, 8, 9), generator=generator).float()
    flat = scores.permute(1, 2, 0).flatten()
    count = min(count, len(flat))
    expected = earlier_first(flat, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "topk", earlier_first)
        for gain in (0, 10**6):  # always two steps, as far as there are cells; never
            patch.setattr(top, "GAIN", gain)
            found = best_of_map(scores, count)
            assert torch.equal(found[0], expected[0])
            assert torch.equal(found[1], expected[1])


@pytest.mark.parametrize(("cells", "steps"), [(34, 1), (35, 2)])
def test_two_steps_where_they_order_half_as_many(cells: int, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 4 scores a cell the 7 best: 34 + 7 + 28 is more than half of 136, 35 + 7 + 28 is half of 140."""
    ordered: list[int] = []

    def counted(values: torch.Tensor, k: int, dim: int = -1, largest: bool = True) -> Any:
        assert (values.ndim, values.shape[0], dim) == (2, 1, -1)
        ordered.append(values.shape[-1])
        return earlier_first(values, k, dim, largest)

    monkeypatch.setattr(torch.Tensor, "topk", counted)
    best_of_map(torch.rand(4, 1, cells), 7)
    assert ordered == ([136] if steps == 1 else [35, 7, 28])


@pytest.mark.usefixtures("as_onnx")
@pytest.mark.parametrize("odd", [torch.nan, torch.inf, -torch.inf, 65520.0, -65520.0])
@pytest.mark.parametrize("cells", [5, 300])
def test_what_is_no_number_is_the_greatest(odd: float, cells: int) -> None:
    scores = torch.linspace(-65519, 65519, 4 * cells).reshape(4, 1, cells)
    assert best_of_map(scores, 2)[0].tolist() == [65519, pytest.approx(65519 - 131038 / (4 * cells - 1))]
    scores[2, 0, 4] = odd
    values, at = best_of_map(scores, 2)
    assert values.tolist() == [torch.inf, 65519]
    assert at.tolist() == [4 * 4 + 2, 4 * (cells - 1) + 3]


class Best(torch.nn.Module):
    def forward(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return best_of_map(scores, 9)


def traced(shape: tuple[int, ...]) -> onnxruntime.InferenceSession:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Best(),
            (torch.zeros(shape),),
            file,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=17,
            input_names=["scores"],
            custom_opsets={DOMAIN: 1},
        )
    model = onnx.load_from_string(file.getvalue())
    drop_markers(model)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def test_in_onnxruntime_the_earlier_of_equal_scores_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `earlier_first` says of ONNX holds of the runtime, in one step and in two."""
    rng = np.random.default_rng(0)
    shape = (6, 10, 20)
    sessions = []
    for gain in (1, 10**6):
        monkeypatch.setattr(top, "GAIN", gain)
        sessions.append(traced(shape))
    for values in (1, 2, 5, 1000):
        scores = rng.integers(0, values, shape).astype(np.float32)
        flat = scores.transpose(1, 2, 0).ravel()
        at = np.argsort(-flat, kind="stable")[:9]
        for session in sessions:
            found = session.run(None, {"scores": scores})
            assert np.array_equal(found[0], flat[at])
            assert np.array_equal(found[1], at)
