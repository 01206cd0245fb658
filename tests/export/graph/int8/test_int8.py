"""The INT8 graph of a small detector: what is rounded, what stays float, and how it comes into a bundle."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from torchvision.models.detection import FasterRCNN

from edge.data import RawDetections
from edge.engine.ort import OrtEngine
from edge.errors import EdgeError, InputError
from edge.model.bundle import ONNX_INT8, WEIGHTS, Bundle, sha256
from export.commands import check as check_cli
from export.commands.main import main
from export.detector.checkpoint import load_detector
from export.graph.bundle import STEPS, export_bundle
from export.graph.int8 import add, calibrate, ranges
from export.graph.int8.add import add_int8, float_graph
from export.graph.int8.calibrate import FEWEST, FRAMES, Frames, calibration_frames
from export.graph.int8.layers import plan_of
from export.parity import reference
from export.parity.compare import INT8, compare
from export.parity.pairs import join, pair
from export.parity.reference import Picture, Reference, compare_with_reference
from tests.export.conftest import few_rounds, once
from tests.support.random_detectors import HEIGHT, WIDTH, thermal_scene

LEAST = 10  # frames, in place of `FEWEST`


@pytest.fixture(scope="module", autouse=True)
def quickly_made() -> Iterator[None]:
    """Fewer rounds of the suppression, and fewer frames; and of ends that a range could have a tenth is tried: how fine
    they are is the matter of `test_ranges`.
    """
    with few_rounds() as patch:
        patch.setattr(calibrate, "FEWEST", LEAST)
        patch.setattr(ranges, "_ENDS", ranges._ENDS[::10])
        yield


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        for i in range(LEAST):
            cv2.imwrite(str(folder / f"{i:02}.png"), thermal_scene(HEIGHT, WIDTH, i))

    return once(tmp_path_factory, "calibration", make)


@pytest.fixture(scope="module")
def added(shared_bundle: Path, frames: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle of shared weights, with the graph. Beside it lies ``plain.onnx``, what was rounded."""

    def make(folder: Path) -> None:
        shutil.copytree(shared_bundle, folder / "bundle")
        bundle = Bundle.load(folder / "bundle")

        def kept(bundle: Bundle, model: FasterRCNN) -> onnx.ModelProto:
            graph = float_graph(bundle, model)
            onnx.save(graph, folder / "plain.onnx")
            return graph

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(add, "float_graph", kept)
            add_int8(bundle, load_detector(bundle.path), calibration_frames(bundle, str(frames)))

    return Bundle.load(once(tmp_path_factory, "int8", make) / "bundle")


def nearly_the_same(bundle: Bundle) -> bool:
    """A detector of random weights makes more of rounding than a trained one: single boxes move far."""
    scenes = [thermal_scene(HEIGHT, WIDTH, 50 + i) for i in range(4)]
    with OrtEngine(bundle) as plain, OrtEngine(bundle, graph=ONNX_INT8) as int8:
        found = join([pair(plain.infer(scene), int8.infer(scene), 0.1) for scene in scenes])
    print(
        len(found.iou), found.lost, found.new, np.abs(found.score_change).mean(), found.iou.mean(), np.median(found.iou)
    )
    assert len(found.iou) > 15
    assert found.lost.sum() + found.new.sum() <= 0.5 * len(found.iou)
    assert 1e-5 < np.median(np.abs(found.score_change)) < 0.02
    return bool(np.median(found.iou) > 0.9)


def test_it_finds_what_the_float_graph_finds(added: Bundle) -> None:
    assert nearly_the_same(added)


def test_integers_give_what_the_rounded_numbers_give_in_float(added: Bundle) -> None:
    """`OrtEngine` computes in integers; with nothing fused, ONNX Runtime computes each step in float32."""
    import onnxruntime

    scene = thermal_scene(HEIGHT, WIDTH, 60)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(added.file(ONNX_INT8)), options, providers=["CPUExecutionProvider"])
    _, scores, *_ = session.run(None, {"image": scene[None, :, :, None]})
    with OrtEngine(added, graph=ONNX_INT8) as engine:
        found = engine.infer(scene).scores
    assert np.abs(np.sort(found) - np.sort(scores[0]))[-8:].max() < 0.02


def test_the_bundle_says_how_it_was_calibrated(added: Bundle, frames: Path) -> None:
    inputs = b"".join(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).tobytes() for path in sorted(frames.iterdir()))
    assert added.int8 == {
        "method": "least error to the power 2.5",
        "frames": LEAST,
        "frames_sha256": hashlib.sha256(inputs).hexdigest(),
        "layers": len(plan_of(onnx.load(added.path.parent / "plain.onnx")).layers),
        "weight_bits": 7,
    }
    assert added.weight_bits == 7


def test_what_stays_float(added: Bundle) -> None:
    graph = onnx.load(added.file(ONNX_INT8)).graph
    makers = {name: node for node in graph.node for name in node.output}
    kinds: dict[str, set[bool]] = {}
    for node in graph.node:
        if node.op_type in ("Conv", "Gemm"):
            rounded = all(makers[name].op_type == "DequantizeLinear" for name in node.input if name in makers)
            kinds.setdefault(node.name.split("/")[-2].removesuffix("_1").removesuffix("_2"), set()).add(
                rounded and makers.get(node.input[1]) is not None
            )
    assert kinds.pop("conv1") == {True, False}  # of the blocks, and the one that sees the picture
    floats = {name for name, rounded in kinds.items() if rounded == {False}}
    assert floats == {"inner_blocks.0.0", "inner_blocks.1.0", "cls_logits", "bbox_pred", "cls_score", "fc6", "fc7"}
    sums = [n for n in graph.node if n.op_type == "Add" and n.input[0] in makers and n.name.startswith("/backbone")]
    by_place = Counter("body" if "/body/" in n.name else "pyramid" for n in sums)
    assert by_place == {"body": 4, "pyramid": 1}
    for node in sums:
        assert [makers[name].op_type == "DequantizeLinear" for name in node.input] == ["/body/" in node.name] * 2


def test_the_first_layer_is_pooled_before_its_relu(added: Bundle) -> None:
    nodes = onnx.load(added.file(ONNX_INT8), load_external_data=False).graph.node
    kinds = [node.op_type for node in nodes]
    first = kinds.index("Conv")
    assert kinds[first : first + 4] == ["Conv", "MaxPool", "Relu", "QuantizeLinear"]


def test_sums_of_pairs_fit_16_bits_also_where_the_graph_rounds_its_weights(added: Bundle) -> None:
    """As ONNX Runtime rounds them when it loads the graph, which saves none."""
    graph = onnx.load(added.file(ONNX_INT8)).graph
    values = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:  # of shared weights, in half precision
        if node.op_type == "Cast" and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
    rounded = [node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] in values]
    assert len(rounded) > 8
    for node in rounded:
        weight, scale = values[node.input[0]].astype(np.float32), values[node.input[1]]
        assert np.abs(np.rint(weight / scale.reshape(-1, *[1] * (weight.ndim - 1)))).max() in (63, 64)
    assert 2 * 255 * 64 < 2**15 <= 2 * 255 * 65


def test_kernels_that_overflow_find_the_same(added: Bundle) -> None:
    """What 7 bits are for: ONNX Runtime's fast kernels for x86 without VNNI give what the others give."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(added.file(ONNX_INT8)), options, providers=["CPUExecutionProvider"])
    scene = thermal_scene(HEIGHT, WIDTH, 60)
    with OrtEngine(added, graph=ONNX_INT8) as engine:
        found = engine.infer(scene)
    boxes, scores, *_ = session.run(["boxes", "scores"], {"image": scene[None, :, :, None]})
    assert np.array_equal(found.scores, scores[0])
    assert np.array_equal(found.boxes, boxes[0])


def test_weights_are_shared_and_rounded_when_loaded(added: Bundle, shared_bundle: Path) -> None:
    assert sha256(added.path / WEIGHTS) == sha256(shared_bundle / WEIGHTS)
    graph = onnx.load(added.file(ONNX_INT8), load_external_data=False).graph
    outside = [t for t in graph.initializer if t.data_location == TensorProto.EXTERNAL]
    assert len(outside) >= 5
    assert not [t.name for t in graph.initializer if t.data_type == TensorProto.INT8 and len(t.dims) > 1]
    assert (added.path / ONNX_INT8).stat().st_size < (added.path / WEIGHTS).stat().st_size


def test_the_same_frames_give_the_same_bytes(added: Bundle, shared_bundle: Path, frames: Path, tmp_path: Path) -> None:
    shutil.copytree(shared_bundle, tmp_path / "bundle")
    assert main(["onnx", "--checkpoint", str(tmp_path / "bundle"), "--int8", "--calibrate", str(frames)]) == 0
    again = Bundle.load(tmp_path / "bundle")
    assert again.files == added.files
    assert again.int8 == added.int8


def test_a_bundle_of_its_own_weights_holds_them_in_bytes(
    exported: Path, small_detector: FasterRCNN, frames: Path, tmp_path: Path
) -> None:
    shutil.copytree(exported / "deer", tmp_path / "deer")
    bundle = Bundle.load(tmp_path / "deer")
    bundle = add_int8(bundle, small_detector, calibration_frames(bundle, str(frames)))
    model = onnx.load(bundle.file(ONNX_INT8))
    weights = [t for t in model.graph.initializer if t.data_type == TensorProto.INT8 and len(t.dims) == 4]
    assert len(weights) == len({t.name for t in weights}) > 8
    for tensor in weights:  # each output channel uses its whole range, but for what a short scale takes
        most = np.abs(numpy_helper.to_array(tensor).reshape(tensor.dims[0], -1).astype(int)).max(1)
        assert ((most >= 63) & (most <= 64)).all()
    assert nearly_the_same(Bundle.load(bundle.path))


@pytest.mark.usefixtures("traced_before")
def test_a_new_bundle_is_written_with_it(small_detector: FasterRCNN, frames: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    words = ["deer", "person"], HEIGHT, WIDTH
    made = export_bundle(small_detector, tmp_path / "new", *words, calibrate=str(frames), progress=steps.append)
    assert steps == list(STEPS)
    bundle = Bundle.load(tmp_path / "new")
    assert (bundle.files, bundle.int8) == (made.files, made.int8)
    assert sha256(tmp_path / "new" / ONNX_INT8) == bundle.files[ONNX_INT8]
    with OrtEngine(bundle, graph=ONNX_INT8) as engine:
        assert (engine.infer(thermal_scene(HEIGHT, WIDTH, 50)).scores > 0.1).any()


def test_check_compares_it_with_the_float_graph(added: Bundle, frames: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comparisons = compare(added, str(frames), most=2, min_score=0.1)
    assert [(c.reference, c.other) for c in comparisons] == [("float32", "float16"), ("float32", "int8")]
    int8 = comparisons[1]
    assert (int8.tolerance, int8.frames, int8.unsettled) == (INT8, 2, 0)
    assert len(int8.pairs.iou) > 5
    assert np.abs(int8.pairs.score_change).max() > 1e-4  # it is no float graph
    with OrtEngine(added) as engine:
        nothing = replace(engine.infer(thermal_scene(HEIGHT, WIDTH)), scores=np.zeros(added.max_detections, np.float32))
    plain = OrtEngine.infer

    def blind(engine: OrtEngine, image: np.ndarray) -> RawDetections:
        return nothing if engine.backend == "ort-int8" else plain(engine, image)

    monkeypatch.setattr(OrtEngine, "infer", blind)
    (_, lost) = compare(added, str(frames), most=2, min_score=0.1)
    assert lost.failures[0].startswith("int8 against float32: ")
    assert "detections lack a partner, expected 5.0% or less" in lost.failures[0]


# ---- and beside the user's own program


def as_a_program_found(engine: OrtEngine, path: Path) -> Picture:
    """What a program that is this engine would have written of a file."""
    found = engine.infer(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    kept = found.scores > 0
    return Picture(
        path.name,
        sha256(path),
        (WIDTH, HEIGHT),
        (WIDTH, HEIGHT),
        [tuple(box) for box in found.boxes[kept].tolist()],
        found.scores[kept].tolist(),
        (found.labels[kept] + 1).tolist(),
    )


def test_beside_a_reference_it_is_compared_with_the_float_graph(
    added: Bundle, shared_bundle: Path, frames: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = sorted(frames.iterdir())[:2]
    with OrtEngine(added) as plain, OrtEngine(added, graph=ONNX_INT8) as int8:
        pictures = [as_a_program_found(plain, path) for path in paths]
        least = float(np.median(np.concatenate([picture.scores for picture in pictures])))  # half are not compared
        grey = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in paths]
        expected = join([pair(plain.infer(image), int8.infer(image), least) for image in grey])
    infer = OrtEngine.infer

    def unsettled_once(engine: OrtEngine, image: np.ndarray) -> RawDetections:
        found = infer(engine, image)
        return replace(found, converged=engine.backend == "ort" or not np.array_equal(image, grey[0]))

    monkeypatch.setattr(OrtEngine, "infer", unsettled_once)
    program = Reference(1, pictures)
    (same, half, third), causes = compare_with_reference(added, frames, program, min_score=least)
    assert [(c.reference, c.other, c.frames) for c in (same, half, third)] == [
        ("your program", "float32", 2),
        ("float32", "float16", 2),
        ("float32", "int8", 2),
    ]
    assert (same.failures, causes) == ([], [])
    assert [c.unsettled for c in (same, half, third)] == [0, 0, 1]
    assert third.tolerance == INT8
    # the float graph's answers and the INT8 graph's, neither the program's nor those in half precision
    assert len(third.pairs.iou) > 5
    for name in ("iou", "score_change", "size", "lost", "new"):
        assert np.array_equal(getattr(third.pairs, name), getattr(expected, name))
    assert not np.array_equal(third.pairs.score_change, half.pairs.score_change)
    without = compare_with_reference(Bundle.load(shared_bundle), frames, program, 1, least)[0]
    assert [c.other for c in without] == ["float32", "float16"]


def test_with_a_reference_a_blind_int8_graph_fails_and_the_others_pass(
    added: Bundle,
    frames: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Through the command. Half precision is left out: it has tests of its own."""
    with OrtEngine(added) as plain:
        pictures = [as_a_program_found(plain, path) for path in sorted(frames.iterdir())[:2]]
        nothing = replace(plain.infer(thermal_scene(HEIGHT, WIDTH)), scores=np.zeros(added.max_detections, np.float32))
    (tmp_path / "r.json").write_bytes(msgspec.json.encode(Reference(1, pictures)))
    infer = OrtEngine.infer

    def blind(engine: OrtEngine, image: np.ndarray) -> RawDetections:
        return nothing if engine.backend == "ort-int8" else infer(engine, image)

    monkeypatch.setattr(OrtEngine, "infer", blind)
    monkeypatch.setattr(reference, "float16_detector", lambda bundle: OrtEngine(bundle).infer)
    monkeypatch.setattr(check_cli, "_compile", lambda bundle: {"skipped": "no"})
    words = ["check", str(added.path), "--images", str(frames), "--reference", str(tmp_path / "r.json")]
    assert main([*words, "--min-score", "0.2"]) == 1
    beyond = [line for line in capsys.readouterr().out.splitlines() if line.startswith("beyond tolerance: ")]
    assert len(beyond) == 1
    assert "int8 against float32: " in beyond[0]
    assert "detections lack a partner, expected 5.0% or less" in beyond[0]


# ---- frames that will not do


def refusal(bundle: Path, source: str) -> str:
    with pytest.raises(EdgeError) as caught:
        calibration_frames(Bundle.load(bundle), source)
    return str(caught.value)


def test_too_few_frames(shared_bundle: Path, exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "FEWEST", FEWEST)
    said = refusal(shared_bundle, str(exported / "frames"))
    assert said.endswith("frames gives 3 frames: expected 24 or more, of the kind that the detector flies on")


def test_live_flat_coloured_and_unreadable_frames(shared_bundle: Path, tmp_path: Path) -> None:
    assert "is live: expected" in refusal(shared_bundle, "sim:width=96,height=64")
    rng = np.random.default_rng(0)
    for name in ("flat", "colour", "broken"):
        (tmp_path / name).mkdir()
        for i in range(LEAST):
            picture = np.full((HEIGHT, WIDTH), 90 + i, np.uint8)
            if name == "colour":
                picture = rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
            cv2.imwrite(str(tmp_path / name / f"{i}.png"), picture)
    assert "differ by 0.0000" in refusal(shared_bundle, str(tmp_path / "flat"))
    assert "brightness is not heat there" in refusal(shared_bundle, str(tmp_path / "colour"))
    (tmp_path / "broken" / "5.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    assert "5.png" in refusal(shared_bundle, str(tmp_path / "broken"))
    assert "no such file or folder" in refusal(shared_bundle, str(tmp_path / "nowhere"))


def test_frames_are_spread_over_the_source(shared_bundle: Path, tmp_path: Path) -> None:
    for i in range(3 * FRAMES):
        cv2.imwrite(str(tmp_path / f"{i:03}.png"), (thermal_scene(HEIGHT, WIDTH) // 2 + i).astype(np.uint8))
    found = calibration_frames(Bundle.load(shared_bundle), str(tmp_path)).images
    least = int((thermal_scene(HEIGHT, WIDTH) // 2).min())
    assert [int(image.min()) - least for image in found] == list(range(1, 3 * FRAMES, 3))


def test_numbers_that_overflow_leave_the_bundle_as_it_was(
    added: Bundle,
    shared_bundle: Path,
    small_detector: FasterRCNN,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(shared_bundle, tmp_path / "bundle")
    before = {path.name: path.read_bytes() for path in (tmp_path / "bundle").iterdir()}
    bundle = Bundle.load(tmp_path / "bundle")
    monkeypatch.setattr(
        "export.graph.int8.calibrate._values",
        lambda *_: {"/backbone/body/maxpool/MaxPool_output_0": np.array([np.inf])},
    )
    monkeypatch.setattr(add, "float_graph", lambda *_: onnx.load(added.path.parent / "plain.onnx"))
    with pytest.raises(InputError, match="overflow in a calibration frame"):
        add_int8(bundle, small_detector, Frames([thermal_scene(HEIGHT, WIDTH)]))
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "bundle").iterdir()}
