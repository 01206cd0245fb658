"""``edge info``: what a model folder holds, and what this machine can run of it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edge.app.model_facts import model_facts
from edge.app.settings import MODEL
from edge.commands.console import Screen
from edge.commands.options import MODEL_HELP, Commands, Screens, add_command, add_trusted_key
from edge.model.bundle import ONNX_CPU, ONNX_FP16, ONNX_INT8, WEIGHTS, Bundle
from edge.model.thresholds import in_words

PURPOSE = {
    ONNX_CPU: "for ONNX Runtime",
    ONNX_FP16: "for TensorRT",
    ONNX_INT8: "for ONNX Runtime, INT8",
    WEIGHTS: "the weights of these graphs",
}


def add(commands: Commands) -> None:
    """The command and its options."""
    sub = add_command(commands, "info", execute, "what a model finds, and whether this machine can run it")
    sub.add_argument("bundle", nargs="?", default=str(MODEL), metavar="BUNDLE", help=MODEL_HELP)
    add_trusted_key(sub)
    sub.add_argument("--json", action="store_true", help="for programs: one JSON object, see docs/output.md")


def execute(arguments: argparse.Namespace, screens: Screens) -> None:
    """Look, and say it."""
    facts = model_facts(Bundle.load(arguments.bundle, arguments.trusted_key))
    if arguments.json:
        print(json.dumps(facts, indent=2))
        return
    show_model(facts, screens.out)
    show_machine(facts["machine"], screens.out)


def show_model(facts: dict[str, Any], screen: Screen) -> None:
    """Print what the model is, for a person."""
    thresholds, size = facts["thresholds"], facts["input"]
    rows = [
        ("model", f"{facts['name']}, in {facts['path']}"),
        ("detects", ", ".join(facts["classes"])),
        ("trained on", _data(facts["data"])),
        (
            "input",
            f"{size['width']} x {size['height']} grey pixels, white = hot; frames of another size are fitted into it, "
            f"keeping their shape. At most {facts['max_detections']} detections in a frame",
        ),
        ("8-bit frames", _grey(facts["normalise"]["8bit"])),
        ("16-bit frames", _grey(facts["normalise"]["16bit"])),
        (
            "scores",
            f"a detection is shown if its score is {in_words(thresholds['score_by_class'])} or more; edge run "
            f"--threshold takes another, from {thresholds['graph_score']:g} to 1",
        ),
        *([("one body", _bodies(facts["one_body"]))] if facts["one_body"] else []),
        ("network", _network(facts["architecture"])),
        *([("assumed", _assumed(facts["assumed"]))] if facts["assumed"] else []),
        ("signed", _signed(facts["signature"])),
        ("exported with", ", ".join(f"{name} {version}" for name, version in facts["tools"].items()) or "not said"),
    ]
    for name, file in facts["files"].items():
        what = f", {PURPOSE[name]}" if name in PURPOSE else ""
        rows.append((name, f"{file['bytes'] / 1e6:.1f} MB{what}; unchanged (sha256 {file['sha256'][:16]}..)"))
    screen.rows([(name, value, "") for name, value in rows])


def show_machine(machine: dict[str, Any], screen: Screen) -> None:
    """Print what of it this machine can run, and how to get the rest."""
    # lines, not a table: commands are copied, and a table breaks them
    say = screen.say
    say("")
    say(f"on this machine ({machine['board']}{', L4T ' + machine['l4t'] if machine['l4t'] else ''})")
    for name, backend in machine["backends"].items():
        say(f"  --backend {name}   {'can run' if backend['runs'] else 'cannot run'}")
        for need in backend["needs"]:
            say(f"      {need['name']}: {need['state']}: {need['text']}")
            for command in need["fix"]:
                say(f"          {command}")
    say(f"  --backend auto  takes {machine['auto']}")


def _data(data: dict[str, Any]) -> str:
    """What it was trained on, in a sentence, of what may be any JSON."""
    name, licence, citation = (str(data[key]) if data.get(key) else "" for key in ("name", "licence", "citation"))
    training = data.get("training")
    frames = training.get("frames") if isinstance(training, dict) else None
    count = f", {frames} frames" if isinstance(frames, int) else ""
    return f"{name or 'not said'}{count}; licence: {licence or 'not said'}{f'; {citation}' if citation else ''}"


def _network(architecture: dict[str, Any]) -> str:
    """The architecture's name, and what of its settings is one value."""
    known = [f"{key} {architecture[key]}" for key in ("body", "pyramid", "channels") if key in architecture]
    name = str(architecture.get("name", "not said"))
    return f"{name} ({', '.join(known)}); the rest is in model.json" if known else name


def _assumed(assumed: dict[str, str]) -> str:
    """What nobody has said of the network, in a sentence."""
    settings = ", ".join(f"{name} {value}" for name, value in assumed.items())
    return f"the checkpoint did not tell these settings, they are as usual for its architecture: {settings}"


def _bodies(groups: list[list[str]]) -> str:
    named = "; ".join(" and ".join(group) for group in groups)
    return f"{named}: where boxes of these lie on each other, the surer one is followed and counted"


def _signed(signature: dict[str, Any] | None) -> str:
    """By whom, and whether anybody knows."""
    if signature is None:
        return "no"
    return f"by key {signature['key']}" + (
        "" if signature["checked"] else ", as its signature says; edge info --trusted-key KEY checks it"
    )


def _grey(spec: dict[str, Any]) -> str:
    """How frames become grey, in a sentence."""
    number = {name: f"{value:g}" for name, value in spec["params"].items() if isinstance(value, (int, float))}
    unit = "deg C" if spec["params"].get("unit") == "celsius" else "counts"
    sentences = {
        "identity": "the camera's grey levels are used as they are",
        "anchored": "black and white follow the scene: black lies {below} times the spread of the values below their "
        "median, white {above} times above it and at least {above_kelvin} K; smoothed from frame to frame",
        "window": "black is {low} {unit}, white is {high} {unit}, always",
        "percentile": "in each frame the coldest {low} % of the pixels become black, all above {high} % white",
        "minmax": "in each frame the coldest pixel becomes black, the hottest white",
        "plateau": "in each frame counts that occur often get more grey levels (plateau equalisation)",
        "clahe": "in each frame contrast is evened out region by region (CLAHE)",
    }
    sentence = sentences.get(spec["method"], "see model.json").format(**{**number, "unit": unit})
    return f"{sentence} (method {spec['method']})"
