"""The public names with their parameters and defaults: what a program of somebody else's may hold on to.

A name, a parameter, its place or its default changes here only together with these lists.
"""

from __future__ import annotations

import inspect
import logging
import os
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.signatures import signature, surface, told

# a package, below it each name of its __all__: (parameters of a call), then what a class has: values and methods()
PUBLIC = """
edge
    Background (sink, depth, lossless, name='') close(within_s=None) end() leave(why) link_report() notice(text) skipped
      waiting write(result)
    Bundle (path, name, architecture, classes, height, width, normalise_8bit, normalise_16bit, trained_mean,
      trained_std, score_threshold, graph_score_threshold, max_detections, files, checkpoint_sha256='',
      nms_thresholds=..., data=..., tools=..., assumed=..., int8=..., score_chosen=..., signer='', trusted=None,
      score_thresholds=..., one_body=()) architecture assumed checkpoint_sha256 classes data file(name) files
      graph_score_threshold height int8 load(path, trusted_key=None) max_detections name nms_thresholds normalise_16bit
      normalise_8bit one_body path read(name) score_chosen score_threshold score_thresholds signature signer thresholds
      to_json() tools trained_mean trained_std trusted verify(name, expected) weight_bits width
      with_normaliser(spec, override=False) write_json()
    BundleError exit_code
    Camera () close() crop description fps frames independent intrinsics live mask once_live outages() read()
      select(seqs) seq_tells_losses waits_for_return whole
    CameraError exit_code
    Detections (boxes, scores, labels, width, height, track_ids=None, celsius=None, positions=None,
      position_covariances=None, position_factors=None) boxes celsius height labels none(width, height)
      position_covariances position_factors positions scores track_ids where(keep) width
    EdgeError exit_code
    Engine (bundle) backend bundle chosen close() description infer(image) last_ms notes versions
    EngineError exit_code
    Filter (threshold=None, min_size_px=0.0, by_class=...) by_class lowest(usual) min_size_px of(threshold) threshold
    Frame (pixels, seq, t_capture, utc=None, flags=frozenset(), temperature=None, pose=None, origin=None, t_arrival=...,
      replayed=False, mask=None) flags height mask origin pixels pose replayed seq shutter_closed t_arrival t_capture
      temperature utc width
    InputError exit_code
    Pose (latitude, longitude, height, yaw, pitch, roll=0.0, sigma_position_m=None, sigma_height_m=None,
      sigma_attitude_deg=None, sigma_time_s=None, speed_m_s=None, height_source='') height height_source latitude
      longitude pitch roll sigma_attitude_deg sigma_height_m sigma_position_m sigma_time_s speed_m_s yaw
    RawDetections (boxes, scores, labels, converged=True, finite=True) boxes converged finite labels of_numbers() scores
    ReplayError exit_code
    Result (*, frame, detections, t_result, picture, stages_ms=..., inferred=True, converged=True, finite=True,
      dropped=0, duplicates=0, lost=0, frozen_s=0.0, warnings=frozenset(), seen=..., t_source=0.0, ended_tracks=(),
      footprint=None, footprint_part=None, faint=None) converged detections dropped duplicates ended_tracks faint finite
      footprint footprint_part frame frozen_s inferred latency_ms lost picture seen stages_ms t_result t_source warnings
    RunSettings (*, out, source=None, model=hituav-r18, trusted_key=None, frames=None, seconds=None, policy=None,
      backend='auto', tiles=None, threshold=None, normalise=None, override_normalise=False, outputs=(), record=False,
      record_budget=None, verify=None, pose=None, lens=None, ground=None, mounting=None, coverage=None,
      reconnect_s=None, trust_engine=False, zero_copy=False, spin=False, spare=None, keep_free=None, flights=None,
      limits=Limits(heat_margin=5.0, memory=268435456, disk=1000000000, degrade=True), status=None, web=None,
      mission=None) backend coverage flights frames ground keep_free lens limits mission model mounting normalise out
      outputs override_normalise policy pose reconnect_s record record_budget seconds source source_text sources spare
      spin status threshold tiles trust_engine trusted_key verify web zero_copy
    Sink () close() idle() link_report() notice(text) write(result)
    SinkError exit_code
    SinkSpec (name, file, make, lossless=None, depth=8, essential=False, help='', check=..., beside=(), heavy=False,
      pixels=True) beside check depth essential file heavy help lossless make name path(folder) pixels
    SourceError exit_code
    Stream (camera, engine, policy, filter, stop, follow, locate) close() effort filter replace_engine(engine)
    TemperatureScale (gain, offset=0.0) celsius(counts) counts(celsius) gain kelvin_per_count(counts) offset
    monotonic_of (epoch_s)
    open_camera (source, reconnect_s=None)
    open_engine (model, backend='auto', threads=0, *, trust_engine=False, zero_copy=False, spin=False, tiles=None)
    run (settings, *, camera=None, engine=None, sinks=(), watch=None, stop=None, give_up=None, own_process=False)
    stream (camera, engine, *, policy=None, threshold=None, filter=None, stop=None, follow=None, locate=None)
edge.camera
    Camera () close() crop description fps frames independent intrinsics live mask once_live outages() read()
      select(seqs) seq_tells_losses waits_for_return whole
    EveryFrame (camera, stop=None) close() dropped duplicates frozen_s get() lost
    FrameSource () close() dropped duplicates frozen_s get() lost
    LatestFrames (camera, stop=None) close() dropped duplicates frozen_s get() lost
    choose_policy (camera, policy=None)
    open_camera (source, reconnect_s=None)
    open_frames (camera, policy=None, stop=None)
edge.engine
    Engine (bundle) backend bundle chosen close() description infer(image) last_ms notes versions
    open_engine (model, backend='auto', threads=0, *, trust_engine=False, zero_copy=False, spin=False, tiles=None)
edge.geo
    ASSUMED Assumed(position_m=2.0, height_m=3.0, attitude_deg=2.0, time_s=0.1, speed_m_s=10.0, pixel_px=2.0,
      common_position=1.0, common_height=1.0, common_attitude=0.8, common_time=1.0)
    Alignment (mounting, sigma_deg, sigma_height_m, unsure_m, before_m, after_m, objects, moving) after_m before_m
      mounting moving objects sigma_deg sigma_height_m unsure_m
    Assumed (position_m=2.0, height_m=3.0, attitude_deg=2.0, time_s=0.1, speed_m_s=10.0, pixel_px=2.0,
      common_position=1.0, common_height=1.0, common_attitude=0.8, common_time=1.0) attitude_deg common_attitude
      common_height common_position common_time height_m pixel_px position_m speed_m_s time_s
    CameraModel (width, height, fx, fy, cx, cy, distortion=(0.0, 0.0, 0.0, 0.0, 0.0), name='') cropped(crop) cx cy
      distortion fold_radius fov_deg from_fov(width, height, horizontal_deg=None, *, vertical_deg=None,
      diagonal_deg=None, name='') from_lens(width, height, focal_mm, pitch_um, name='') fx fy height name
      project(points) rays(uv) scaled(width, height) usable width
    Dem (heights, x0, y0, dx, dy, zone=None, vertical='unknown', sigma_m=4.0, name='ground model') altitude(latitude,
      longitude) cast(eye, rays) dx dy grid(latitude, longitude) height_above_ground(latitude, longitude, altitude,
      vertical) heights holes name range sigma_m vertical x0 y0 zone
    Located (positions, covariance, factors, refused, assumed) assumed covariance ellipses factors positions refused
    Mounting (yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, yaw_offset_deg=0.0, height_offset_m=0.0) after(first)
      apply(pose) height_offset_m pitch_deg roll_deg turn() yaw_deg yaw_offset_deg
    Placing (camera, settings) footprint(frame) level model(frame) mounting pose(frame) report()
    PlacingSettings (lens=None, ground=0.0, mounting=Mounting(yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0,
      yaw_offset_deg=0.0, height_offset_m=0.0)) ground lens mounting parse(lens=None, ground=None, mounting=None)
    Sightings (objects, uv, t, poses) objects poses t uv
    TrackPosition (latitude, longitude, sigma_m, covariance, frames, scatter) covariance ellipse frames latitude
      longitude scatter sigma_m
    align (sightings, camera, ground=0.0)
    camera_of_profile (name, width, height, focal_mm)
    locate (uv, camera, pose, ground=0.0)
    located (uv, camera, pose, ground=0.0, assumed=Assumed(position_m=2.0, height_m=3.0, attitude_deg=2.0, time_s=0.1,
      speed_m_s=10.0, pixel_px=2.0, common_position=1.0, common_height=1.0, common_attitude=0.8, common_time=1.0))
    located_of (detections, frame, camera, ground=0.0, mounting=Mounting(yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0,
      yaw_offset_deg=0.0, height_offset_m=0.0), assumed=Assumed(position_m=2.0, height_m=3.0, attitude_deg=2.0,
      time_s=0.1, speed_m_s=10.0, pixel_px=2.0, common_position=1.0, common_height=1.0, common_attitude=0.8,
      common_time=1.0))
    positions_of (detections, frame, camera, ground=0.0, mounting=Mounting(yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0,
      yaw_offset_deg=0.0, height_offset_m=0.0))
    read_calibration (path)
    read_dem (path, sigma_m=None)
    track_position (positions, covariance, factors, passes=None)
edge.pose
    Moment (t, utc=None, origin=None, replayed=False) of(frame) origin replayed t utc
    PoseSource () assume(line) at(moment) check(camera) close() counts description utc_offset()
    open_pose (pose, sources=(), model=None)
edge.recording
    Origin (source, live, fps, independent=False, crop=None, mask=None, intrinsics=None, whole=None) crop fps
      independent intrinsics live mask source whole
    Recording (path, only=None) segments
    RecordingWriter (folder, origin, budget=None, reserve=268435456, segment_bytes=268435456, segment_s=60.0,
      sync_s=0.5, clock=...) close() sync_if_due() write(frame)
edge.sinks
    Background (sink, depth, lossless, name='') close(within_s=None) end() leave(why) link_report() notice(text) skipped
      waiting write(result)
    JsonlSink (path, classes, clock=..., sync_s=0.5, model=None, crop=None, thresholds=None, mission=None) close()
      idle() link_report() notice(text) write(result)
    PicturesSink (folder, classes, reserve=67108864) close() idle() link_report() notice(text) write(result)
    Sink () close() idle() link_report() notice(text) write(result)
    SinkContext (path, classes, fps=None, live=False, model=None, crop=None, thresholds=None, mission=None) classes crop
      fps live mission model path thresholds
    SinkSpec (name, file, make, lossless=None, depth=8, essential=False, help='', check=..., beside=(), heavy=False,
      pixels=True) beside check depth essential file heavy help lossless make name path(folder) pixels
    VideoSink (path, classes, fps, live, reserve=67108864) close() idle() link_report() notice(text) write(result)
    draw (result, classes, truth=False, scale=1)
edge.thermal
    DEFAULT_8BIT NormaliseSpec(method='identity', params={}, version=1)
    DEFAULT_16BIT NormaliseSpec(method='anchored', params={'below': 3.0, 'above': 6.0, 'above_kelvin': 10.0,
      'above_unscaled': 9.0, 'min_mad_kelvin': 0.7, 'max_kelvin': 60.0, 'min_mad_counts': 8.0, 'weight': 0.125},
      version=1)
    NormaliseSpec (method, params, version) from_json(obj) from_stored(stored) method number(name) params parse(text)
      to_json() version
    Normaliser (spec) reset()
    normalise (pixels, spec, temperature=None)
edge.track
    Follower (lowest, placing=None, faint=False, bodies=None) between(detections, frame, t, picture, lowest)
      faintest(lowest)
    OneBody (classes, bodies) followed(found, lowest) of(bundle) report()
    Track (id, label, score, frames, first_t, last_t, box, velocity) box first_t frames id label last_t score velocity
    Tracker (*, low=0.1, high=0.5, begin=0.3, lost_s=1.0) finish() limit(*, low, high, begin) tracks update(boxes,
      scores, labels, t, motion=None)
"""
# of modules that others import from by name; what they take stands above, or is tested where they are
INNER = {
    "edge.camera.decode.radiometric": {
        *("DJI_HEIGHT", "DJI_WIDTH", "SENSORS", "dji_raw_counts", "jpeg_is_whole", "jpeg_segments")
    },
    "edge.camera.stills": {
        *("COLOUR", "CUT_OFF", "SUFFIXES", "Picture", "Stills", "natural", "open_source", "read_picture", "read_still")
    },
    "edge.sim.camera": {"Simulator", "SimulatorSettings"},
    "edge.thermal.normalise": {"DEFAULT_8BIT", "DEFAULT_16BIT", "NormaliseSpec", "Normaliser", "normalise"},
}


def packages(text: str) -> dict[str, dict[str, str]]:
    """``PUBLIC`` as `told` tells it; a line that is set in further goes on with the one before."""
    found: dict[str, dict[str, str]] = {}
    for line in text.strip().replace("\n      ", " ").splitlines():
        if not line.startswith(" "):
            found[line] = names = {}
        else:
            name, _, rest = line.strip().partition(" ")
            names[name] = rest
    return found


@pytest.mark.parametrize(("package", "names"), packages(PUBLIC).items())
def test_public_names_take_what_they_took(package: str, names: dict[str, str]) -> None:
    assert told(import_module(package)) == names


@pytest.mark.parametrize(("module", "names"), INNER.items())
def test_names_that_other_rooms_use(module: str, names: set[str]) -> None:
    found = import_module(module)
    assert set(found.__all__) == names
    assert all(hasattr(found, name) for name in names)


def test_every_list_of_names_is_pinned() -> None:
    root = Path(__file__).resolve().parents[1]
    files = [path.relative_to(root) for path in root.glob("edge/**/*.py") if "\n__all__ = " in path.read_text()]
    listed = {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files}
    assert listed == {*packages(PUBLIC), *INNER}


def test_errors_are_a_tree_with_two_exit_codes() -> None:
    """By the picture in edge/errors.py."""
    import edge

    errors = {name: kind for name, kind in vars(edge).items() if name.endswith("Error")}
    assert {name: (kind.__base__.__name__, kind.exit_code) for name, kind in errors.items()} == {
        "EdgeError": ("Exception", 1),
        "CameraError": ("EdgeError", 1),
        "EngineError": ("EdgeError", 1),
        "SinkError": ("EdgeError", 1),
        "ReplayError": ("EdgeError", 1),
        "InputError": ("EdgeError", 2),
        "SourceError": ("InputError", 2),
        "BundleError": ("InputError", 2),
    }


def test_the_library_is_silent_and_onnxruntime_asks_nobody() -> None:
    import edge

    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger(edge.__name__).handlers)
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


# ---- the test itself: what it must find ----


def call(path: Path = Path("/a/b/model"), /, n: int = 3, *more: int, spin: bool = False, **rest: int) -> None: ...


class Thing:
    made = 1

    def __init__(self, size: int = 2, *, clock: object = len) -> None: ...

    def read(self, at: int) -> int:
        return at

    @property
    def width(self) -> int:
        return 1

    @classmethod
    def load(cls, path: str) -> Thing:
        return cls()

    def _inside(self) -> None: ...


Thing.__module__ = "edge.made"


def test_what_a_signature_tells() -> None:
    assert signature(call) == "path=model, n=3, *more, spin=False, **rest"
    assert signature(lambda a, *, b=None: a) == "a, *, b=None"
    assert surface(Thing) == {
        "": "(size=2, *, clock=...)",
        "load": "(path)",
        "made": "value",
        "read": "(at)",
        "width": "value",
    }
    module = SimpleNamespace(__all__=["Thing", "call", "LIMIT"], Thing=Thing, call=call, LIMIT=0.5)
    lines = told(module)  # type: ignore[arg-type]
    assert lines["Thing"] == "(size=2, *, clock=...) load(path) made read(at) width"
    assert lines["LIMIT"] == "0.5"
    assert inspect.signature(call).parameters["path"].name in lines["call"]
