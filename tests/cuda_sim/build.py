"""Build the simulated CUDA driver and, once a machine, real pycuda against it.

    python -m tests.cuda_sim.build

pycuda comes as a source distribution only. It is compiled without optimisation (about two minutes of one
core), kept in the user's cache folder, and never installed into an environment. The driver is a
second's work and is made anew whenever its source changes.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.children import run_child

PYCUDA = "2026.1"
NOT_SUPPORTED = 801  # CUDA_ERROR_NOT_SUPPORTED
HERE = Path(__file__).resolve().parent
SOURCES = sorted(HERE.glob("*.[ch]"))
COMMAND = "python -m tests.cuda_sim.build"

# NVIDIA's wheels with cuda.h lack this one header; these are its documented declarations
PROFILER_HEADER = """#include <cuda.h>
typedef enum { CU_OUT_KEY_VALUE_PAIR = 0, CU_OUT_CSV = 1 } CUoutput_mode;
extern "C" {
CUresult cuProfilerInitialize(const char *, const char *, CUoutput_mode);
CUresult cuProfilerStart(void);
CUresult cuProfilerStop(void);
}
"""


class Unavailable(Exception):
    """The simulator cannot be used here; the text says why and what to do."""


@dataclass(frozen=True)
class Simulator:
    """``driver``: folder with ``libcuda.so.1``. ``pycuda``: folder to put on PYTHONPATH."""

    driver: Path
    pycuda: Path


def simulator() -> Simulator:
    """What the tests run on. Compiles the driver where its source changed.

    Raises Unavailable where there is no compiler or pycuda was not built yet.
    """
    if not (shutil.which("gcc") and shutil.which("g++") and shutil.which("nm")):
        raise Unavailable("no C++ compiler (gcc, g++ and nm are needed): apt install g++")
    packages = _cache() / f"pycuda-{PYCUDA}"
    if not packages.is_dir():
        raise Unavailable(f"pycuda {PYCUDA} is not built in {_cache()}: run {COMMAND}")
    return Simulator(_driver(packages), packages)


def main() -> None:
    """Build what is missing, and say what is used."""
    packages = _cache() / f"pycuda-{PYCUDA}"
    if shutil.which("g++") and not packages.is_dir():
        print(f"building pycuda {PYCUDA} once, some minutes, into {packages}", flush=True)
        _build_pycuda(packages)
    try:
        print(f"simulated CUDA driver: {simulator().driver}")
    except Unavailable as error:
        print(f"no simulated CUDA driver: {error}: its tests will be skipped")


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    tag = f"{sys.implementation.cache_tag}-{platform.machine()}"
    return Path(base) / "thermal-edge" / tag


def _driver(packages: Path) -> Path:
    """Folder with a driver that has every symbol this pycuda refers to."""
    extension = next((packages / "pycuda").glob("_driver.*.so"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in (*SOURCES, Path(__file__))))
    folder = _cache() / f"driver-{digest.hexdigest()[:16]}"
    if not folder.is_dir():
        with _whole(folder) as work:
            library = work / "libcuda.so.1"
            _compile(library)
            missing = _symbols(extension, "U") - _symbols(library, "T")
            stubs = work / "missing.c"
            stubs.write_text("".join(f"int {name}(void) {{ return {NOT_SUPPORTED}; }}\n" for name in sorted(missing)))
            _compile(library, stubs)
    return folder


def _compile(library: Path, *more: Path) -> None:
    flags = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    sources = [path for path in (*SOURCES, *more) if path.suffix == ".c"]
    name = "-Wl,-soname,libcuda.so.1"
    _run(["gcc", *flags, name, f"-I{HERE}", *map(str, sources), "-o", str(library), "-lpthread"])


def _symbols(library: Path, kind: str) -> set[str]:
    lines = _run(["nm", "-D", str(library)]).splitlines()
    rows = (line.split() for line in lines)
    return {row[-1].partition("@")[0] for row in rows if row[-2] == kind and row[-1].startswith("cu")}


def _build_pycuda(packages: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    with _whole(packages) as done, tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "cudaProfiler.h").write_text(PROFILER_HEADER)
        (work / "lib").mkdir()
        # linked with the real thing, or the linker would forget that the driver is needed
        _compile(work / "lib" / "libcuda.so")
        headers = _headers(pip, work)
        _run([*pip, "download", "--no-deps", "--no-binary", "pycuda", "-d", name, f"pycuda=={PYCUDA}"])
        shutil.unpack_archive(next(work.glob("pycuda-*.tar.gz")), work)
        source = work / f"pycuda-{PYCUDA}"
        (source / "siteconf.py").write_text(
            "BOOST_INC_DIR = BOOST_LIB_DIR = BOOST_PYTHON_LIBNAME = BOOST_THREAD_LIBNAME = []\n"
            "BOOST_COMPILER = 'gcc43'\nUSE_SHIPPED_BOOST = True\n"
            "CUDA_TRACE = CUDA_ENABLE_GL = CUDA_ENABLE_CURAND = False\n"
            f"CUDA_INC_DIR = {[name, str(headers)]!r}\n"
            f"CUDADRV_LIB_DIR = {[str(work / 'lib')]!r}\nCUDADRV_LIBNAME = ['cuda']\n"
            "CUDART_LIB_DIR = CUDART_LIBNAME = CURAND_LIB_DIR = CURAND_LIBNAME = []\n"
            "CXXFLAGS = ['-O0', '-g0', '-w']\nLDFLAGS = []\n"
        )
        _run(["nice", "-n", "15", *pip, "wheel", "--no-deps", "-w", name, str(source)])
        wheel = str(next(work.glob("pycuda-*.whl")))
        _run([*pip, "install", "--no-deps", "--no-compile", "--upgrade", "--target", str(done), wheel])


def _headers(pip: list[str], work: Path) -> Path:
    """A folder with ``cuda.h``: of NVIDIA's wheels, of a toolkit, or fetched."""
    installed = Path(sysconfig.get_paths()["purelib"]).glob("nvidia/*/include/cuda.h")
    for header in (*sorted(installed), Path("/usr/local/cuda/include/cuda.h")):
        if header.is_file():
            return header.parent
    _run([*pip, "install", "--no-deps", "--target", str(work / "cuda"), "nvidia-cuda-runtime"])
    return next((work / "cuda").glob("nvidia/*/include/cuda.h")).parent


class _whole:
    """A folder that appears under its name only when it is complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Path:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._work = Path(tempfile.mkdtemp(dir=self._folder.parent, prefix=".building-"))
        return self._work

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and not self._folder.is_dir():
            self._work.rename(self._folder)
        else:
            shutil.rmtree(self._work)


def _run(command: list[str]) -> str:
    done = run_child(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return str(done.stdout)


if __name__ == "__main__":
    main()
