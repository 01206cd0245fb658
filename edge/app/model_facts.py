"""What a bundle is, and what of it this machine can run."""

from __future__ import annotations

from typing import Any

from edge.engine.readiness import Need, Probe, onnxruntime_need, openvino_need
from edge.engine.select import decide
from edge.model.bundle import Bundle
from edge.system.host import host_facts


def model_facts(bundle: Bundle) -> dict[str, Any]:
    """The object that ``edge info --json`` prints; keys may be added, none is renamed.

    - ``name``, ``path``, ``classes`` (label 0 first), ``architecture``: of the bundle
    - ``assumed``: settings of the detector that its checkpoint did not tell and nobody said when it was exported
    - ``input``: ``{"width", "height"}``, pixels; ``max_detections``: in a frame
    - ``normalise``: ``{"8bit", "16bit"}``, each ``{"method", "params", "version"}``
    - ``trained``: ``{"mean", "std"}`` of the training frames after normalising, 0..1
    - ``thresholds``: ``{"score", "score_by_class", "graph_score"}`` and those of suppression: scores from which
      detections are shown, of every class, and from which the graph gives them
    - ``one_body``: groups of classes of whose overlapping boxes one is followed and counted
    - ``data``: what it was trained on, as far as the bundle says: ``name``, ``licence``, ``citation``, ...
    - ``tools``: versions that exported it; ``files``: ``{name: {"bytes", "sha256"}}``, verified
    - ``signature``: null where ``model.json`` has none, else ``{"key", "checked"}``: the id of the key, and whether it
      was checked; if not it is a name that anybody can write there
    - ``machine``: ``{"board", "l4t", "auto", "backends": {"ort", "openvino", "trt"}}``, ``openvino`` only where it is
      installed; ``auto``: the backend that ``auto`` takes; a backend is ``{"runs", "needs": [{"name", "state", "text",
      "fix"}]}``, ``state`` one of ready, doubtful, missing, refused, ``fix`` a list of commands
    """
    trt = Probe(bundle).needs
    openvino = openvino_need(bundle)
    backends = {"ort": [onnxruntime_need(bundle)], **({"openvino": [openvino]} if openvino else {}), "trt": trt}
    host = host_facts()
    return {
        "name": bundle.name,
        "path": str(bundle.path),
        "classes": list(bundle.classes),
        "architecture": dict(bundle.architecture),
        "assumed": dict(bundle.assumed),
        "input": {"width": bundle.width, "height": bundle.height},
        "max_detections": bundle.max_detections,
        "normalise": {"8bit": bundle.normalise_8bit.to_json(), "16bit": bundle.normalise_16bit.to_json()},
        "trained": {"mean": bundle.trained_mean, "std": bundle.trained_std},
        "thresholds": {
            "score": bundle.score_threshold,
            "score_by_class": bundle.thresholds.to_json(),
            "graph_score": bundle.graph_score_threshold,
            **bundle.nms_thresholds,
        },
        "one_body": [list(group) for group in bundle.one_body],
        "data": dict(bundle.data),
        "tools": dict(bundle.tools),
        "files": {
            name: {"bytes": bundle.file(name).stat().st_size, "sha256": digest} for name, digest in bundle.files.items()
        },
        "signature": bundle.signature,
        "machine": {
            "board": host["board"] or host["cpu"],
            "l4t": host["l4t"],
            "auto": decide(trt).backend,
            "backends": {name: _backend(needs) for name, needs in backends.items()},
        },
    }


def _backend(needs: list[Need]) -> dict[str, Any]:
    return {
        "runs": all(need.met for need in needs),
        "needs": [{"name": need.name, "state": need.state, "text": need.text, "fix": list(need.fix)} for need in needs],
    }
