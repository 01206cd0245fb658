"""NVIDIA's own Python bindings on a machine with no GPU: what each version of TensorRT really offers.

The wheels ``tensorrt_cu12_bindings`` hold only the binding. It links to three libraries, of which it calls
nine functions when it is to build or run something, and none when it is imported: with empty libraries in
their place every class, enum and signature can be read. That is done once a version, in a process of its own,
and kept as JSON in the user's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tests.support.children import run_child

# JetPack 6.1/6.2, 7.1, 7.2, and the newest
VERSIONS = ("10.3.0", "10.13.3.9", "10.16.1.11", "11.4.0.106")

LIBRARIES = ("nvinfer", "nvinfer_plugin", "nvonnxparser")
STUB = "\n".join(
    f"void *{name}(void) {{ return 0; }}"
    for name in (
        "createInferBuilder_INTERNAL",
        "createInferRefitter_INTERNAL",
        "createInferRuntime_INTERNAL",
        "createNvOnnxParser_INTERNAL",
        "createNvOnnxParserRefitter_INTERNAL",
        "getBuilderPluginRegistry",
        "getPluginRegistry",
        "getNvOnnxParserVersion",
        "initLibNvInferPlugins",
    )
)

# runs where the binding can be imported; prints {class or "": {member: [kind, docstring or type, value]}}
DUMP = r"""
import inspect, json
import tensorrt_bindings as trt

def describe(owner, name):
    member = inspect.getattr_static(owner, name)
    if isinstance(member, property):
        return ["property", member.fget.__doc__ or ""]
    value = getattr(owner, name)
    if inspect.isclass(value):
        return ["class", value.__name__]
    if callable(value):
        return ["method", value.__doc__ or ""]
    of_enum = hasattr(type(value), "__members__")
    return ["constant", type(value).__name__, str(int(value)) if of_enum else ""]

def visit(owner, path):
    names = [name for name in dir(owner) if not name.startswith("__") or name == "__init__"]
    found[path] = members = {name: describe(owner, name) for name in names}
    for name, (kind, *_) in members.items():
        value = getattr(owner, name)
        if kind == "class" and value.__module__.startswith("tensorrt_bindings") and path.count(".") < 2:
            visit(value, f"{path}.{name}".strip("."))

found = {}
visit(trt, "")
print(json.dumps({"version": trt.__version__, "members": found}))
"""


class Unavailable(Exception):
    """The bindings cannot be had here; says why."""


def members(version: str) -> dict[str, dict[str, list[str]]]:
    """``{class: {member: [kind, docstring or type, value]}}`` of one version; class "" is the module itself.

    Raises Unavailable where there is no C compiler or pip cannot fetch the wheel.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "thermal-edge" / "bindings"
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    mark = hashlib.sha256((DUMP + STUB).encode()).hexdigest()[:8]
    kept = cache / f"tensorrt-{version}-{python}-{mark}.json"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as work:
            text = _dump(version, Path(work))
            partial = Path(work) / "names.json"
            partial.write_text(text)
            partial.replace(kept)
    content: dict[str, Any] = json.loads(kept.read_text())
    assert content["version"] == version
    found: dict[str, dict[str, list[str]]] = content["members"]
    return found


def _dump(version: str, work: Path) -> str:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise Unavailable("needs a C compiler to make three empty libraries, and there is none")
    fetched = _run(
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--only-binary", ":all:", "--dest", str(work), f"tensorrt_cu12_bindings=={version}",
    )  # fmt: skip
    if fetched.returncode:
        last = fetched.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise Unavailable(f"needs tensorrt_cu12_bindings {version}, which pip cannot fetch: {last[0]}")
    with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
        wheel.extractall(work)
    (work / "stub.c").write_text(STUB)
    major = version.partition(".")[0]
    for name in LIBRARIES:
        library = f"lib{name}.so.{major}"
        made = _run(
            compiler,
            "-shared",
            "-fPIC",
            "-o",
            str(work / library),
            f"-Wl,-soname,{library}",
            str(work / "stub.c"),
        )
        if made.returncode:
            raise Unavailable(f"needs a working C compiler: {compiler}: {made.stderr.strip()}")
    dumped = _run(sys.executable, "-c", DUMP, LD_LIBRARY_PATH=str(work), PYTHONPATH=str(work), PYTHONWARNINGS="ignore")
    assert dumped.returncode == 0, dumped.stderr
    return dumped.stdout


def _run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_child(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=300)
