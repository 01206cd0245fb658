"""The page that `parity.py` writes: its rows as tables, with what they mean."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

HEAD = """\
# Parity and compilation

Written by `make parity`{frames}; do not edit. {done}

## Parity

The reference configuration of each detector (1000 region proposals, adaptive sampling; the stock detectors as
torchvision has them, resizing to 300 x 375), {channels} channels a pyramid level, random weights
with the spread of trained ones, a frame of 320 x 256 pixels and its mirror image{real}. Every detection from
0.06 up must find its partner; "alone" counts those on either side that have none. IoU and score: the worst of all
pairs, unless "median" is said.

Random weights are the harder case; a trained detector of yours, on your frames:
`edge-export check BUNDLE --images DIR --checkpoint FILE`.

- **rounding**: torchvision in float32 against itself in float64. What is below it nobody can promise: a box that the
  border cuts to less than a pixel loses whole percents of IoU to hundredths of a pixel, and suppression at its
  threshold keeps the one or the other of two neighbours.
- **CPU**: `model.onnx` in ONNX Runtime against torchvision. Expected: IoU 0.99 or more, score 0.001 or less.
- **plain**: the form for TensorRT in float32 against torchvision, sampling ratio 2: no plugin, unrolled suppression.
- **float16**: the same graph typed as `model.fp16.onnx`, against it in float32, both in ONNX Runtime.
- **bounded**: the form for TensorRT where the model wants adaptive sampling and gets at most two samples a bin and
  axis (`--roi-samples`), against torchvision, float32. Random detectors have larger boxes than real ones:
  see "Sampling".
"""
SAMPLING = """\
## Sampling

Adaptive RoIAlign takes as many samples as a bin is map pixels long; without data-dependent shapes their number needs
a bound. With a bound of S the result is exact for regions of up to 8 S x 10 S map pixels: at stride 4 and S = 2 that
is 64 pixels high and 80 wide. Beyond, S evenly spaced samples a bin stand for more. Largest relative error of the
pooled features (norm of the difference / norm), 50 square regions, layer1 pyramid, reference selection of levels:
"""
COMPILE = """\
## Compilation

`model.fp16.onnx`, 640 x 512, reference configuration, strongly typed, TensorRT-RTX {version} for {target}, no GPU.
Seconds are of two shared x86 cores that did other work too.
"""


def write(rows: dict[str, Row], every: list[str]) -> str:
    """The whole page. ``rows``: by title. ``every``: the detectors that belong on it, in order."""
    channels = " and ".join(sorted({str(row["channels"]) for row in rows.values() if "channels" in row})) or "no"
    kinds = [kind for kind in ("random", "real") if any(title.endswith(f" {kind}") for title in rows)]
    expected = {f"parity on {kind} frames": [f"parity {name} {kind}" for name in every] for kind in ("random", "real")}
    expected["compilation"] = [f"compile {name}" for name in every if name.startswith("frc_")]
    missing = {part: [t.split()[1] for t in titles if t not in rows] for part, titles in expected.items()}
    undone = "".join(f"\n- {part}: {', '.join(names)}" for part, names in missing.items() if names)
    done = f"Not done yet:\n{undone}" if undone else "All rows are done."
    real = "; the real one is the middle of a frame from `--frames`" if "real" in kinds else ""
    frames = " with `FRAMES=` a folder of thermal frames" if "real" in kinds else ""
    parts = [HEAD.format(done=done, frames=frames, real=real, channels=channels)]
    for kind in kinds:
        found = {name: rows[f"parity {name} {kind}"] for name in every if f"parity {name} {kind}" in rows}
        versions = next(iter(found.values()))["versions"]
        parts.append(
            f"### {kind.capitalize()} frames\n\ntorch {versions['torch']}, torchvision {versions['torchvision']}, "
            f"ONNX Runtime {versions['onnxruntime']}\n\n" + _parity(found)
        )
    if "sampling" in rows:
        parts.append(SAMPLING + "\n" + _sampling(rows["sampling"]))
    compiled = {name: rows[f"compile {name}"] for name in every if f"compile {name}" in rows}
    if compiled:
        first = next(iter(compiled.values()))
        parts.append(COMPILE.format(version=first["tensorrt_rtx"], target=first["target"]) + "\n" + _compile(compiled))
    return "\n".join(parts)


def _parity(rows: dict[str, Row]) -> str:
    heads = ["detector", "pairs"]
    heads += [head for form in ("rounding", "CPU", "plain") for head in (f"{form} alone", "IoU", "score")]
    heads += ["float16 alone", "median IoU", "median score", "score", "bounded alone", "median IoU", "median score"]
    lines = []
    for name, row in rows.items():
        cells = [name, str(row["cpu"]["pairs"])]
        for form in ("eager64", "cpu", "plain"):
            cells += [str(row[form]["alone"]), *_worst(row[form])]
        half = row["half"]
        cells += [str(half["alone"]), f"{half['median_iou']:.4f}", f"{half['median_score']:.0e}"]
        cells += [f"{half['largest_score']:.0e}"]
        bounded = row.get("bounded")
        if bounded is None:
            cells += ["as plain", "", ""]
        else:
            cells += [str(bounded["alone"]), f"{bounded['median_iou']:.4f}", f"{bounded['median_score']:.0e}"]
        lines.append(cells)
    return _table(heads, lines)


def _worst(figures: Row) -> list[str]:
    return [f"{figures['least_iou']:.5f}", f"{figures['largest_score']:.0e}"]


def _sampling(row: Row) -> str:
    bounds = list(row["sides"][0]["errors"])
    lines = [[str(s["side"]), str(s["stride"]), *(f"{s['errors'][b]:.1e}" for b in bounds)] for s in row["sides"]]
    return _table(["side, px", "stride", *(f"S = {b}" for b in bounds)], lines)


def _compile(rows: dict[str, Row]) -> str:
    lines = [
        [
            name,
            f"{row['trace_seconds']:.1f}",
            f"{row['onnx_bytes'] / 1e6:.1f}",
            f"{row['seconds']:.1f}",
            f"{row['bytes'] / 1e6:.1f}",
        ]
        for name, row in rows.items()
    ]
    return _table(["detector", "trace and type, s", "ONNX, MB", "compile, s", "engine, MB"], lines)


def _table(heads: list[str], lines: list[list[str]]) -> str:
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)], *lines]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)
