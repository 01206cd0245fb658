"""Single bodies on an even ground: temperature, shape, gait, and what is hidden."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from edge.data import Pose
from edge.sim.bodies import Bodies, Body
from edge.sim.flight import View, camera_axes
from edge.sim.ground import Ground, build_ground
from edge.sim.layout import plan_layout
from edge.sim.paint import paint_bodies
from edge.sim.placement import place_bodies
from edge.sim.settings import SimulatorSettings
from edge.sim.shapes import STEPS, shape
from edge.sim.truth import Truth

AIR, GROUND_C = 10.0, 12.0
GROUND = 28515.0
Scene = npt.NDArray[np.float32]


def even_ground(canopy: int = 0) -> Ground:
    side = np.zeros((100, 100), np.uint8)
    layout = plan_layout((20.0, 20.0), (0.0, 0.0), np.random.default_rng(0))
    return Ground(np.full((200, 200), GROUND, np.uint16), side + np.uint8(canopy), side, 0.1, layout)


def view(height: float = 20.0, pitch: float = -90.0, focal_px: float = 1000.0) -> View:
    """Over home, north up, looking at home."""
    north = height / np.tan(np.radians(pitch)) if pitch > -90 else 0.0
    pose = Pose(0.0, 0.0, height, 0.0, pitch)
    return View(pose, np.array([0.0, north, height]), camera_axes(0.0, pitch, 0.0), focal_px, 200, 160)


def look(*bodies: Body, canopy: int = 0, t: float = 0.0, **camera: float) -> tuple[Scene, Truth]:
    ground = even_ground(canopy)
    scene = np.full((160, 200), GROUND, np.float32)
    everybody = Bodies(bodies, ground.layout.road, AIR)
    return scene, paint_bodies(scene, view(**camera), everybody, ground, t, 0.0)


def celsius(counts: float) -> float:
    return counts / 100 - 273.15


def test_surface_temperatures_come_back_from_the_counts() -> None:
    scene, truth = look(Body("person", "standing", 0, 0, 0, core=34.0))
    assert truth.names == ("person",)
    # a head, seen from above, is 0.62 of the way from air to skin
    assert celsius(scene.max()) == pytest.approx(AIR + 0.62 * 24, abs=0.1)
    scene, _ = look(Body("deer", "bedded", 0, 0, 90, core=38.0))
    trunk = celsius(scene[80, 97])  # 5 cm behind its middle
    assert trunk == pytest.approx(AIR + 0.29 * 28, abs=0.1)
    scene, _ = look(Body("car", "parked", 0, 0, 90, engine=12.0, sky=-4.0), height=60.0)
    assert celsius(scene[80, 95]) == pytest.approx(AIR - 4.0, abs=0.1)  # roof
    assert celsius(scene.max()) == pytest.approx(AIR - 4.0 + 1.0 + 12.0, abs=0.1)  # bonnet


def test_bonnet_is_in_front() -> None:
    for heading, (dx, dy) in {0: (0, -1), 90: (1, 0), 180: (0, 1), 270: (-1, 0)}.items():
        scene, _ = look(Body("car", "parked", 0, 0, heading, engine=15.0), height=60.0)
        rows, columns = np.nonzero(scene > scene.max() - 10)
        offset = np.array([columns.mean() - 99.5, rows.mean() - 79.5])
        assert offset == pytest.approx(np.array([dx, dy]) * 1.55 / 0.06, abs=2.0)


def test_sizes_in_the_picture() -> None:
    """From 60 m above, 6 cm a pixel; parts above the ground are a little nearer."""
    sizes = {}
    for body in (
        Body("car", "parked", 0, 0, 90),
        Body("deer", "grazing", 0, 0, 90, core=38.0),
        Body("person", "lying", 0, 0, 90, core=34.0),
        Body("person", "standing", 0, 0, 90, core=34.0),
    ):
        _, truth = look(body, height=60.0)
        x1, y1, x2, y2 = truth.boxes[0]
        sizes[body.posture] = (x2 - x1) * 0.06, (y2 - y1) * 0.06
    assert sizes["parked"] == pytest.approx((4.44, 1.75), rel=0.03)
    assert sizes["grazing"] == pytest.approx((1.75, 0.42), rel=0.06)
    assert sizes["lying"] == pytest.approx((1.74, 0.60), rel=0.06)
    assert sizes["standing"] == pytest.approx((0.27, 0.60), rel=0.1)
    # from 45 deg above a person shows 1.77 * sin(45 deg) of height, and some depth
    _, truth = look(Body("person", "standing", 0, 0, 90, core=34.0), height=60.0, pitch=-45.0)
    x1, y1, x2, y2 = truth.boxes[0]
    assert (y2 - y1) * 0.06 * np.sqrt(2) == pytest.approx(1.42, rel=0.06)


def test_walking_is_a_gait_and_a_way_back() -> None:
    walker = Body("person", "walking", 1.0, 2.0, 90.0, speed=1.0, leg=3.0, core=34.0)
    everybody = Bodies([walker], even_ground().layout.road, AIR)
    for t, east, heading in ((0, 1, 90), (2, 3, 90), (4, 3, 270), (6, 1, 270), (7, 2, 90)):
        found_east, found_north, course, gone = everybody.places(float(t))[0]
        assert (found_east, found_north) == pytest.approx((east, 2.0))
        assert course == pytest.approx(heading) or t == 6
        assert gone == t
    # the next stride looks the same, half a stride is its mirror image, a quarter is not
    assert shape("person", "walking", 3.25) is shape("person", "walking", 0.25)
    ahead = {name: shape("person", "walking", f).points[:, 0] for name, f in (("a", 0.25), ("b", 0.75))}
    assert np.sort(ahead["a"]) == pytest.approx(np.sort(ahead["b"]), abs=1e-9)
    assert np.ptp(ahead["a"]) > np.ptp(shape("person", "walking", 0.0).points[:, 0]) + 0.3
    assert len({id(shape("person", "walking", k / STEPS + 1e-6)) for k in range(STEPS)}) == STEPS


def test_traffic_keeps_to_the_right_of_the_road() -> None:
    road = np.column_stack((np.arange(-50.0, 51.0), np.zeros(101)))
    cars = [Body("car", "driving", 0, 0, heading, 10.0, 1.75) for heading in (90.0, 270.0)]
    places = Bodies(cars, road, AIR).places(2.0)
    assert places[:, :3] == pytest.approx(np.array([[20, -1.75, 90], [-20, 1.75, 270]]), abs=1e-9)
    # off one end of the map, in at the other
    assert Bodies(cars, road, AIR).places(6.0)[0, 0] == pytest.approx(-40, abs=1e-6)


def test_under_crowns_nothing_is_painted_and_nothing_claimed() -> None:
    scene, truth = look(Body("person", "standing", 0, 0, 0, core=34.0), canopy=255)
    assert (scene == GROUND).all()
    assert len(truth.boxes) == len(truth.names) == len(truth.visible) == 0
    assert truth.boxes.shape == (0, 4)


def test_visible_is_what_shows() -> None:
    whole = Body("car", "parked", 0, 0, 90)
    _, truth = look(whole, height=60.0)
    assert truth.visible.tolist() == [1.0]
    # the middle of the car on the right edge, 6 m from the middle of the frame
    _, truth = look(Body("car", "parked", 6.0, 0, 90), height=60.0)
    assert truth.visible[0] == pytest.approx(0.5, abs=0.03)
    assert truth.boxes[0, 2] == 200.0
    # a car beside it, nearer to the camera by nothing: neither hides the other
    _, truth = look(whole, Body("car", "parked", 0, 2.5, 90), height=60.0)
    assert truth.visible.tolist() == [1.0, 1.0]
    # from 45 deg, a person behind a car is half hidden by it
    behind = Body("person", "standing", 0, 1.6, 0, core=34.0)
    _, truth = look(whole, behind, height=60.0, pitch=-45.0)
    seen = dict(zip(truth.names, truth.visible.tolist(), strict=True))
    assert seen["car"] == 1.0
    assert 0.2 < seen["person"] < 0.9


def test_placement_gives_as_many_as_asked_in_the_open() -> None:
    settings = SimulatorSettings(width=320, height=256, people=60, deer=25, cars=30, pitch=-90.0)
    ground = build_ground(settings, (120.0, 100.0), (-20.0, -20.0), np.random.default_rng(1))
    bodies = place_bodies(settings, ground, np.random.default_rng(2))
    assert {name: sum(b.name == name for b in bodies) for name in ("person", "deer", "car")} == {
        "person": 60,
        "deer": 25,
        "car": 30,
    }
    to_map = ground.to_map()
    hidden = 0
    for body in bodies:
        x, y, _ = to_map @ (body.east, body.north, 1.0)
        hidden += body.name != "car" and bool(ground.blocked[int(y / 2), int(x / 2)])
    assert hidden <= 3
    cars = np.array([(b.east, b.north) for b in bodies if b.posture == "parked"])
    apart = np.hypot(*(cars[:, None] - cars[None]).T) + 99 * np.eye(len(cars))
    assert apart.min() > 2.3
