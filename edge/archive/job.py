"""A job: one model with its settings over an archive. What decides its results decides its name, and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from edge.app.settings import MODEL, RunSettings
from edge.archive.unit import Sha256, Text, Unit
from edge.errors import InputError, SinkError
from edge.model.bundle import Bundle
from edge.system.declared import decoded
from edge.system.files import read_limited, reason_of, write_whole

JOBS, NAME = "jobs", "job.json"
MAX_JSON = 1 << 20
PACKAGE = Path(__file__).resolve().parents[1]


class Options(Struct, frozen=True, kw_only=True):
    """As `RunSettings` has them. ``threads``: of the engine in each process, 0: chosen."""

    backend: Text = "auto"
    threshold: Text | None = None
    tiles: Text | None = None
    lens: Text | None = None
    ground: Text | None = None
    mounting: Text | None = None


class Job(Struct, frozen=True, kw_only=True):
    """``model``: the bundle's folder. ``model_sha256``: of all its files that are read. ``code_sha256``: of this
    package's source, since another version may find other things.
    """

    model: Text
    model_sha256: Sha256
    code_sha256: Sha256
    options: Options

    @classmethod
    def of(cls, model: Path | None, options: Options) -> Job:
        """Raises BundleError for a bad bundle, InputError for options that cannot be."""
        bundle = Bundle.load(model or MODEL)
        RunSettings(out="", **msgspec.structs.asdict(options))  # raises for a value that cannot be
        listed = hashlib.sha256()
        listed.update((bundle.path / "model.json").read_bytes())  # it names every other file with its digest
        return cls(
            model=str(bundle.path.resolve()),
            model_sha256=listed.hexdigest(),
            code_sha256=code_sha256(),
            options=options,
        )

    @property
    def name(self) -> str:
        """Of its folder: the model's name, and the beginning of the digest of all that decides its results."""
        decides = msgspec.json.encode((self.model_sha256, self.code_sha256, self.options))
        return f"{Path(self.model).name}-{hashlib.sha256(decides).hexdigest()[:12]}"

    def settings(self, unit: Unit, out: Path) -> RunSettings:
        """Of the run over one unit: that of ``edge run --policy every`` with the same options."""
        options = msgspec.structs.asdict(self.options)
        del options["tiles"]  # of the engine, which several units share
        return RunSettings(out=out, source=unit.source, pose=unit.pose, policy="every", model=self.model, **options)


def folder_of(archive: Path, job: Job) -> Path:
    """Where the job's results are. Raises SinkError where it cannot be made."""
    folder = archive / JOBS / job.name
    try:
        for name in ("units", "tries", "claims", "work"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        if not (folder / NAME).exists():
            write_whole(folder / NAME, msgspec.json.format(msgspec.json.encode(job)) + b"\n")
    except OSError as error:
        raise SinkError(f"{folder}: {reason_of(error)}: free some space, or see who may write there") from None
    return folder


def read_job(folder: Path) -> Job:
    """Raises InputError where there is none."""
    try:
        return decoded(read_limited(folder / NAME, MAX_JSON), Job)
    except OSError as error:
        raise InputError(f"{folder / NAME}: {reason_of(error)}: expected a job of edge archive run") from None
    except ValueError as error:
        raise InputError(f"{folder / NAME}: {error}: expected a job of edge archive run") from None


def jobs_of(archive: Path) -> list[Path]:
    """The folders of an archive's jobs, the one that was begun last first."""
    try:
        found = [path for path in (archive / JOBS).iterdir() if (path / NAME).is_file()]
        return sorted(found, key=lambda path: (path / NAME).stat().st_mtime, reverse=True)
    except OSError:
        return []


def code_sha256() -> str:
    """Of every Python file of this package, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
