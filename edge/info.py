"""What a bundle is, for a person."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from edge.bundle import Bundle


def show_info(bundle: Bundle, console: Console) -> None:
    """Print what the bundle is, how it sees, and what of it this machine can run."""
    table = Table(show_header=False, title=f"{bundle.name} ({bundle.path})", title_justify="left")
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
        table.add_row(name, value)
    console.print(table)
