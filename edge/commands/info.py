"""What a bundle is, and what of it this machine can run, for a person."""

from __future__ import annotations

from collections.abc import Callable

from rich.table import Table
from rich.text import Text

from edge.commands.console import Screen
from edge.engine.readiness import Need, Probe, onnxruntime_need
from edge.engine.select import decide
from edge.model.bundle import Bundle
from edge.system.host import host_facts


def show_info(bundle: Bundle, screen: Screen) -> None:
    """Print what the bundle is, how it sees, what of it this machine can run, and how to get the rest."""
    table = Table(show_header=False, title=Text(f"{bundle.name} ({bundle.path})"), title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    architecture = ", ".join(f"{key} {value}" for key, value in bundle.architecture.items() if key != "name")
    rows = {
        "architecture": f"{bundle.architecture.get('name', '?')} ({architecture})",
        "classes": ", ".join(f"{i} {name}" for i, name in enumerate(bundle.classes)),
        "input": f"{bundle.width} x {bundle.height} uint8, at most {bundle.max_detections} detections",
        "8-bit sources": f"{bundle.normalise_8bit}",
        "16-bit sources": f"{bundle.normalise_16bit}",
        "trained on": f"mean {bundle.trained_mean:.3f}, std {bundle.trained_std:.3f} after normalising",
        "scores": f"shown from {bundle.score_threshold:g}, found from {bundle.graph_score_threshold:g}",
        "data": "; ".join(f"{key}: {value}" for key, value in bundle.data.items()) or "not said",
        "exported with": ", ".join(f"{key} {value}" for key, value in bundle.tools.items()) or "not said",
    }
    for name, digest in bundle.files.items():
        size = bundle.file(name).stat().st_size
        rows[name] = f"{size / 1e6:.1f} MB, sha256 {digest[:16]}.. verified"
    for name, value in rows.items():
        table.add_row(name, Text(value))
    screen.print(table)
    _show_readiness(bundle, screen)


def _show_readiness(bundle: Bundle, screen: Screen) -> None:
    # lines, not a table: commands are copied, and a table breaks them
    say = screen.say
    host = host_facts()
    where = host["board"] or host["cpu"]
    say(f"\non this machine ({where}{', L4T ' + host['l4t'] if host['l4t'] else ''})")
    needs = Probe(bundle).needs
    for backend, expected in (("ort", [onnxruntime_need(bundle)]), ("trt", needs)):
        runs = all(need.met for need in expected)
        say(f"  --backend {backend}   {'can run' if runs else 'cannot run'}")
        for need in expected:
            _show_need(need, say)
    say(f"  --backend auto  takes {decide(needs).backend}")


def _show_need(need: Need, say: Callable[[str], None]) -> None:
    say(f"      {need.name}: {need.state}: {need.text}")
    for command in need.fix:
        say(f"          {command}")
