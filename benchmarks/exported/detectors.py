"""Does every torchvision Faster R-CNN, as users build it, find the same after its export, or is it refused by name.

    python benchmarks/exported/detectors.py [--only WORD]

Each detector (`tests.support.users_detectors`) is saved as its user would, and exported three times: by the plain
command with its file, by the command with the options of a user who knows his model, and as a model object. ONNX
Runtime's detections are compared with torchvision's own on thermal scenes of 128 x 96 pixels, a size that none of
them resizes to. Exit code 1 where one of the three is WRONG: it finds something else, or is refused without the option.
Some 20 minutes for all on two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run from a checkout that is not installed
from rich.console import Console
from rich.table import Table
from torchvision.models.detection import FasterRCNN

from edge.engine.ort import OrtEngine
from edge.errors import InputError
from edge.model.bundle import Bundle
from export.commands.main import main as edge_export
from export.graph.bundle import export_bundle
from export.parity.compare import FLOAT32, Comparison
from export.parity.pairs import join, pair
from tests.support.random_detectors import eager
from tests.support.users_detectors import CLASSES, EVERY, HEIGHT, WIDTH, UsersDetector, scene

SCENES = (3, 4, 5)
LEAST = 0.06  # scores from here on are compared: detections at the graph's own threshold may fall on either side


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORD", help="detectors whose name has this in it")
    arguments = parser.parse_args()
    table = Table("detector", "plain command", "with its options", "model object")
    wrong = 0
    for name, detector in EVERY.items():
        if arguments.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            row = results(detector, Path(folder))
        print(f"{name}: {'; '.join(row)}", flush=True)
        table.add_row(name, *row)
        wrong += any(words.startswith("WRONG") for words in row)
    Console(width=150).print(table)
    print(f"{wrong} of {len(table.rows)} detectors wrong")
    return 1 if wrong else 0


def results(detector: UsersDetector, folder: Path) -> list[str]:
    """What became of the plain command, the command with its options, and the model object."""
    model = detector.lively()
    path = detector.save(model, folder / "model.pth")
    row = []
    for at, options in enumerate(((), detector.options)):
        if options is None:
            row.append("-")
            continue
        code, said = command(path, folder / f"bundle{at}", options)
        if code == 0:
            row.append(compared(model, Bundle.load(folder / f"bundle{at}")))
        elif at == 0 and detector.asked in said and said.count("\n") == 1:
            row.append(f"refused, naming {detector.asked}")
        else:
            row.append(f"WRONG: {said}")
    try:
        bundle = export_bundle(model, folder / "object", CLASSES, HEIGHT, WIDTH)
        row.append(compared(model, bundle))
    except InputError as error:
        row.append(f"refused: {error}" if detector.options is None else f"WRONG: {error}")
    return row


def command(path: Path, out: Path, options: tuple[str, ...]) -> tuple[int, str]:
    """Exit code of ``edge-export onnx``, and its errors."""
    words = ["onnx", "--checkpoint", str(path), "--out", str(out), "--classes", ",".join(CLASSES), "--quiet"]
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors):
        code = edge_export([*words, "--height", str(HEIGHT), "--width", str(WIDTH), *options])
    return code, errors.getvalue()


def compared(model: FasterRCNN, bundle: Bundle) -> str:
    """The same detections as torchvision's own, or not."""
    with OrtEngine(bundle) as engine:
        pairs = join([pair(eager(model, scene(seed)), engine.infer(scene(seed)), LEAST) for seed in SCENES])
    failures = Comparison("eager", "ONNX Runtime", pairs, FLOAT32, len(SCENES), 0).failures
    if failures or len(pairs.iou) < 5:
        return f"WRONG: {'; '.join(failures) or 'too few detections to tell'}"
    return f"equal, {len(pairs.iou)} detections"


if __name__ == "__main__":
    sys.exit(main())
