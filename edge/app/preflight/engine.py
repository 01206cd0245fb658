"""Which engine computes, and does it find in the stored frame what the trained detector finds there?"""

from __future__ import annotations

from collections.abc import Iterator

from edge.app.preflight.plan import Plan
from edge.app.preflight.side_by_side import Line
from edge.engine import open_engine
from edge.engine.readiness import Probe
from edge.engine.select import choose_backend
from edge.errors import BundleError, EngineError, InputError
from edge.model.bundle import ONNX_CPU, ONNX_INT8
from edge.model.golden import FILE, MARGIN, difference, read_golden
from edge.seams import Engine
from edge.system.cpu import byte_products


def engine_lines(plan: Plan, wait_s: float = 0.0) -> Iterator[Line]:
    """Open it as the mission asks for, in one thread, and let it look at the stored frame.

    ``wait_s``: how long that waits for the camera's check: an engine on the CPU would take its frames' time.
    """
    options, bundle = plan.options, plan.bundle
    trust, backend = bool(options.get("trust_engine")), str(options.get("backend", "auto"))
    yield Line(
        "model", "green", f"{bundle.name}, {len(bundle.files)} files as they were exported: {', '.join(bundle.classes)}"
    )
    try:
        graph, why = _graph(plan, backend, trust)
        engine = open_engine(
            bundle,
            graph,
            trust_engine=trust,
            zero_copy=bool(options.get("zero_copy")),
            spin=bool(options.get("spin")),
        )
    except (EngineError, InputError) as error:
        yield Line("engine", "red", str(error), f"edge info {bundle.path} tells what is missing")
        return
    with engine:
        yield _engine(plan, engine, why, trust)
        plan.measured(wait_s)
        yield _frame(plan, engine)


def _graph(plan: Plan, backend: str, trust: bool) -> tuple[str, str]:
    """The backend to open, and why. A run with ``ort`` times both graphs at its start, which takes longer
    than a preflight may: here it is the one in INT8, where it could be taken.
    """
    bundle, why = plan.bundle, "asked for"
    if backend == "auto":
        choice = choose_backend(Probe(bundle, trust))
        backend, why = choice.backend, choice.why
    if backend != "ort" or ONNX_INT8 not in bundle.files:
        return backend, why
    if not byte_products(bundle.weight_bits):
        return "ort-float", why
    return "ort-int8", f"{why}; a run measures at its start whether {ONNX_INT8} or {ONNX_CPU} is faster here"


def _engine(plan: Plan, engine: Engine, why: str, trust: bool) -> Line:
    value = f"{engine.description}; why: {why}"
    if engine.backend == "null":
        return Line("engine", "yellow", "null: nothing is detected", "leave model.backend out")
    doubts = list(engine.notes)
    if engine.backend == "trt":
        doubts += [f"{one.what}: {one.why}: {one.fix}" for one in Probe(plan.bundle, trust).mismatches]
    return Line("engine", "yellow" if doubts else "green", value, "; ".join(doubts))


def _frame(plan: Plan, engine: Engine) -> Line:
    if engine.backend == "null":
        return Line("stored frame", "yellow", "not looked at: no engine", "leave model.backend out")
    try:
        golden = read_golden(plan.bundle)
    except BundleError as error:
        return Line("stored frame", "yellow", str(error), "")
    if golden is None:
        said = f"the bundle has no {FILE}: nothing was compared"
        return Line(
            "stored frame", "yellow", said, f"edge-export check {plan.bundle.path} compares it with its checkpoint"
        )
    found = difference(golden, engine.infer(golden.picture), plan.lowest)
    if found.lost or not found.both:
        todo = (
            f'build the engine again (edge-export engine {plan.bundle.path}), or fly with model.backend = "ort-float"'
        )
        return Line("stored frame", "red", str(found), todo)
    more = found.added or found.score > MARGIN
    return Line(
        "stored frame", "yellow" if more else "green", str(found), "more than rounding explains" if more else ""
    )
