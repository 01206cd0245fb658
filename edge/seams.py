"""The seams: what a camera, an engine and a sink must be, so that any other can take its place.

    class Mine(edge.Camera):                 class Mine(edge.Engine):               class Mine(edge.Sink):
        live, fps = True, 30.0                   def _infer(self, image): ...           def write(self, result): ...
        def read(self): ...

One method each. The ``with`` block is written here, once; `tests/edge/contracts` holds what every one of them passes.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from edge.data import Frame, RawDetections, Result
from edge.errors import EngineError, InputError
from edge.system.activity import INFERRING, here

if TYPE_CHECKING:
    from edge.model.bundle import Bundle

Self = TypeVar("Self", bound="Closing")


class Closing(ABC):  # noqa: B024
    """Something that holds a device, a file or a thread until `close`; a ``with`` block closes it."""

    def close(self) -> None:  # noqa: B027 - nothing to release is the usual case
        """Release what is held. May be called twice."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Camera(Closing):
    """A source of thermal frames.

    ``description``: one line for a person: what was opened and what it delivers; it may grow while frames come.
    ``live``: frames come at their own pace and are lost if nobody reads them (a camera, a stream, a paced simulation);
    False for files, which wait. ``fps``: nominal frames a second, None where unknown. ``frames``: how many frames the
    source holds, None where unknown or endless.

    Threads. One thread reads, not always the one that opened. `close` comes from any thread, also while `read` waits:
    then `read` must return or raise within a second or two. Nothing is read after `close`.

    The end. ``None`` from `read` ends the flight: a camera that is only silent waits, or raises CameraError.
    """

    description: str = ""
    live: bool = False
    fps: float | None = None
    frames: int | None = None

    # ---- what only some cameras can; the defaults are right for all others ----
    waits_for_return: bool = False
    """Whether `read` may wait without an end for a camera that is away: a time limit then needs a clock of its own."""
    crop: tuple[int, int, int, int] | None = None
    """The part of the picture that its frames are: x, y, width, height in pixels of what was delivered; None: all."""
    whole: tuple[int, int] | None = None
    """Width and height, pixels, of the picture that ``crop`` is a part of, where that is known."""
    mask: npt.NDArray[np.bool_] | None = None
    """`Frame.mask` of all its frames."""
    intrinsics: tuple[float, float, float, float] | None = None
    """Of the lens, where it is known: fx, fy, cx, cy in pixels of the frames, as `edge.geo.CameraModel` has them."""
    seq_tells_losses: bool = True
    """Whether a gap in ``Frame.seq`` is a frame that was lost; False where frames are left out on purpose."""
    independent: bool = False
    """Whether frames do not follow each other in time (stills without a rate): each is looked at as the first."""

    @property
    def once_live(self) -> bool:
        """Whether its frames come, or once came, from a live camera: a replay is looked at as its flight was."""
        return self.live

    @abstractmethod
    def read(self) -> Frame | None:
        """The next frame; None when the source has ended. Blocks until there is one.

        ``Frame.seq`` counts up by one for every frame that the sensor made: a gap is a lost frame, and is counted.
        ``Frame.t_capture`` is `time.monotonic` seconds (`edge.monotonic_of` converts the wall clock's). The frame owns
        its pixels: what was given must not change any more.

        Raises CameraError where the source breaks: a failed read is never a None. Any other exception is taken for
        the same.
        """

    def outages(self) -> dict[str, Any] | None:
        """For a report: how often the camera was lost and found again; None for one that is not looked for."""
        return None

    def select(self, seqs: Collection[int]) -> None:  # noqa: ARG002
        """Give only the frames with these ``seq``, such as those that a flight's detector took.

        To be called before the first `read`.

        Raises InputError where the source is no replay of a recording.
        """
        raise InputError(f"{self.description or 'this source'} is no replay: frames are chosen from a recording only")


class CameraWrapper(Camera):
    """A camera around another: everything is the inner one's, but what a subclass does otherwise."""

    def __init__(self, camera: Camera) -> None:
        """Takes over ``camera`` and closes it."""
        self._camera = camera
        self.description = camera.description
        self.live, self.fps, self.frames = camera.live, camera.fps, camera.frames
        self.waits_for_return, self.seq_tells_losses = camera.waits_for_return, camera.seq_tells_losses
        self.independent = camera.independent
        self.crop, self.whole = camera.crop, camera.whole
        self.mask, self.intrinsics = camera.mask, camera.intrinsics

    @property
    def once_live(self) -> bool:
        return self._camera.once_live

    def read(self) -> Frame | None:
        try:
            return self._camera.read()
        finally:
            self.description = self._camera.description  # some learn more about themselves on the way

    def close(self) -> None:
        self._camera.close()

    def outages(self) -> dict[str, Any] | None:
        return self._camera.outages()

    def select(self, seqs: Collection[int]) -> None:
        self._camera.select(seqs)
        self.frames, self.seq_tells_losses = self._camera.frames, self._camera.seq_tells_losses


class _Foreign(Camera):
    """A camera that was not derived from `Camera`."""

    def __init__(self, camera: Any) -> None:
        self._camera = camera
        self.description = str(getattr(camera, "description", type(camera).__name__))
        self.live = bool(getattr(camera, "live", False))
        self.fps, self.frames = getattr(camera, "fps", None), getattr(camera, "frames", None)
        self.independent = bool(getattr(camera, "independent", False))

    def read(self) -> Frame | None:
        frame: Frame | None = self._camera.read()
        return frame

    def close(self) -> None:
        self._camera.close()


def as_camera(camera: Any) -> Camera:
    """``camera`` itself; around one that is no `Camera`, but has `read` and `close`, a camera.

    Raises InputError where it has not.
    """
    if isinstance(camera, Camera):
        return camera
    if not all(callable(getattr(camera, name, None)) for name in ("read", "close")):
        raise InputError(f"the camera is {type(camera).__name__}: expected an edge.Camera, with read() and close()")
    return _Foreign(camera)


class Engine(Closing):
    """A loaded detector.

    ``bundle``: what it was made from. ``backend``: ``ort``, ``openvino``, ``trt``, ``null`` or a name of one's own.
    ``description``: one line for a person. ``notes``: what that person should know before flying, one line each.
    ``chosen``: why it is this backend. ``versions``: of the libraries that compute. ``last_ms``: where the time of the
    last `infer` went, milliseconds by stage, as far as the engine can tell; {} where it cannot.

    Threads. The thread that makes an engine uses it and closes it, whatever library computes: a GPU's objects live in
    one thread, and what passes on a laptop must pass on the board.
    """

    bundle: Bundle
    backend: str = ""
    description: str = ""
    notes: Sequence[str] = ()
    chosen: str = ""
    versions: Mapping[str, str] = {}
    last_ms: Mapping[str, float] = {}

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._thread = threading.current_thread()
        self._closed = False

    def infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        """Detect in one normalised image.

        ``image``: (H, W) uint8 white-hot grey of the bundle's input size; it may be reused once this returns. The
        result is a copy and stays valid.

        Raises EngineError where the library or the device fails, the image is of another size or type, the engine is
        closed, or another thread asks than the one that made it.
        """
        self._check_open()
        expected = (self.bundle.height, self.bundle.width)
        if image.dtype != np.uint8 or image.shape != expected:
            raise EngineError(f"engine was given {image.dtype} {image.shape}: expected uint8 {expected}")
        here().works(INFERRING)  # a frame may take several calls: each has its time
        return self._infer(image).of_numbers()

    def close(self) -> None:
        """Release the device. May be called twice. Raises EngineError in another thread than the one that made it."""
        if not self._closed:
            self._check_thread()
            self._closed = True
            self._release()

    @abstractmethod
    def _infer(self, image: npt.NDArray[np.uint8]) -> RawDetections:
        """`infer`, after its checks: what an engine has to bring."""

    def _release(self) -> None:
        """Give back what was taken; called once, in the thread that made the engine."""

    def _check_open(self) -> None:
        if self._closed:
            raise engine_closed()
        self._check_thread()

    def _check_thread(self) -> None:
        if threading.current_thread() is not self._thread:
            raise engine_elsewhere(self._thread)


def engine_closed() -> EngineError:
    """What is said where a closed engine is used."""
    return EngineError("the engine is closed: open it again")


def engine_elsewhere(owner: threading.Thread) -> EngineError:
    """What is said where another thread uses an engine than ``owner``, which made it."""
    here = threading.current_thread().name
    return EngineError(
        f"the engine belongs to thread {owner.name!r} and was used in {here!r}: open and use an engine in one thread"
    )


def require_engine(engine: Any) -> Engine:
    """``engine`` itself. Raises InputError where it is no `Engine`, whose checks everything relies on."""
    if not isinstance(engine, Engine):
        raise InputError(f"the engine is {type(engine).__name__}: expected a class derived from edge.Engine")
    return engine


class Sink(Closing):
    """A place where results go.

    `edge.sinks.Background` gives it a thread of its own; then all calls come from there.
    """

    @abstractmethod
    def write(self, result: Result) -> None:
        """Take one result; its arrays are not changed any more, and may be kept.

        Raises SinkError where it cannot be kept. Any other exception is taken for the same: the sink is over then.
        """

    def idle(self) -> None:
        """Called a few times a second while no result comes: what was written must reach the disk all the same."""

    def notice(self, text: str) -> None:
        """Tell whoever is at the other end of a link that the run gives something up; the usual sink has none.

        ``text``: at most 50 characters. Called from any thread.
        """

    def link_report(self) -> dict[str, Any] | None:
        """For a report, of one that sends over a link: the fields of `edge.app.report_json.LinkReport`. Else None.

        Called from any thread, also after `close`.
        """
        return None

    def close(self) -> None:
        """Finish and release; raises SinkError where the last of it could not be kept. May be called twice."""
