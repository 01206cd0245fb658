"""What a frame shows and how: all that is random about it, drawn at once. The same seed is the same scene."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from edge.sim.animals.species import BY_NAME, OFTEN

WIDTH, HEIGHT = 640, 512
GROUNDS = ("meadow", "heath", "stubble", "floor", "snow", "rock", "shore")
WOODS = ("none", "bare", "leafed", "conifer", "bushes")
FOCAL_PX = (697.0, 758.0, 765.0, 1117.0, 1125.0, 1470.0)  # M3T, M2EA, 13 mm/17 um, 19/17, 13.5/12, 25/17
CURVES = ("percentile", "fixed", "plateau", "clahe")
SURVEYS = 0.4  # part of the 8-bit frames


@dataclass(frozen=True)
class Agc:
    """How a camera makes 8 bit of its counts.

    ``span``: K from black to white of the fixed curve; ``level``: grey, 0..1, of the frame's median there. ``tail``:
    part of the pixels that the other curves leave black, and white; ``reserve``: how much wider than that their range.
    ``plateau``: of the histogram. ``detail``, ``detail_px``: how much fine structure is raised, and how fine.
    ``sharpen``: unsharp mask of 1.2 px, which leaves halos. ``low``, ``high``: darkest and brightest grey.
    ``quality``: of the JPEG.
    """

    curve: str
    span: float = 25.0
    level: float = 0.4
    tail: float = 0.005
    reserve: float = 1.0
    plateau: float = 0.004
    gamma: float = 1.0
    detail: float = 0.0
    detail_px: float = 6.0
    sharpen: float = 0.0
    low: float = 0.0
    high: float = 255.0
    quality: int = 90


@dataclass(frozen=True)
class Scene:
    """Lengths in m, angles in degrees, temperatures in deg C or K; ``pitch`` -90 looks straight down; ``k1``: radial
    distortion; ``rectified``: the camera's software has taken it out, which leaves black edges. ``trees``: a hectare.
    ``sun``: K that it warms dry ground. ``texture``: factor on how uneven the ground is. ``scrub``: K that patches of
    low bushes are colder than it, 0 where there are none. ``groups``: species and count each. ``square``: enlarged to
    1024x1024 with black above and below. ``agc``: None for 16-bit counts; ``gain``: K a count. ``scaled``: whether the
    counts' scale is told.
    """

    altitude: float
    pitch: float
    roll: float
    focal: float
    k1: float
    rectified: bool
    ground: str
    wood: str
    trees: float
    air: float
    surface: float  # mean of the ground above the air
    sun: float
    texture: float
    scrub: float
    groups: tuple[tuple[str, int], ...]
    people: int
    cars: int
    stones: int
    tracks: int
    fences: int
    under_trees: float  # part of the bodies that are looked for under trees
    blur: float  # px, 1 sigma
    motion: float  # px, along the flight
    netd: float
    stripes: float  # K, columns and rows
    vignette: float  # K at the corners
    square: bool
    agc: Agc | None
    gain: float
    scaled: bool
    houses: int = 0
    masts: int = 0
    bridge: bool = False
    haze: float = math.inf  # m over which the air takes all but 1/e of a difference; finite: see `ahead`

    @property
    def ahead(self) -> bool:
        """Whether it looks ahead: far land, sky and haze are drawn, and bodies stand on the nearer half."""
        return math.isfinite(self.haze)

    @property
    def gsd(self) -> float:
        """Metres a pixel in the middle of the frame."""
        return self.altitude / math.sin(math.radians(-self.pitch)) / self.focal


def draw_scene(rng: np.random.Generator, eight_bit: float = 0.6) -> Scene:
    """A scene; ``eight_bit``: part of them as a camera's 8 bit."""
    uniform = rng.uniform
    focal = float(rng.choice(FOCAL_PX))
    half_view = math.degrees(math.atan(HEIGHT / 2 / focal))
    steep = rng.random() < 0.55
    pitch = uniform(-90, -80) if steep else uniform(-80, -(20 + half_view))
    gsd = math.exp(uniform(math.log(0.02), math.log(0.11)))
    altitude = min(max(gsd * focal * math.sin(math.radians(-pitch)), 12.0), 160.0)
    ground = str(rng.choice(GROUNDS, p=(0.27, 0.18, 0.12, 0.16, 0.1, 0.08, 0.09)))
    wood = str(rng.choice(WOODS, p=(0.35, 0.23, 0.16, 0.1, 0.16)))
    wooded = ground == "floor"
    if wooded and wood in ("none", "bushes"):
        wood = str(rng.choice(("bare", "leafed", "conifer")))
    trees = 0.0 if wood == "none" else math.exp(uniform(math.log(120 if wooded else 10), math.log(700)))
    day = rng.random() < 0.3 and ground != "snow"
    air = uniform(-15, 3) if ground == "snow" else uniform(-6, 26)
    sun = uniform(2, 22) if day else 0.0
    surface = uniform(-5, 3) if not day else uniform(0, 4)
    groups, people, cars = _who(rng, ground)
    coarse = gsd > 0.07
    agc = draw_agc(rng) if rng.random() < eight_bit else None
    scene = Scene(
        altitude=altitude,
        pitch=pitch,
        roll=float(np.clip(rng.normal(0, 2), -6, 6)),
        focal=focal,
        k1=uniform(-0.2, 0.05),
        rectified=bool(rng.random() < 0.25),
        ground=ground,
        wood=wood,
        trees=trees,
        air=air,
        surface=surface,
        sun=sun,
        texture=math.exp(rng.normal(-0.75, 0.6)),
        scrub=0.0,
        groups=groups,
        people=people,
        cars=cars,
        stones=int(rng.integers(0, 40)) if rng.random() < 0.5 else 0,
        tracks=int(rng.integers(0, 4)),
        fences=int(rng.random() < 0.2),
        under_trees=float(rng.choice((0.0, 0.5, 0.9))),
        blur=uniform(0.45, 0.9) if coarse else uniform(0.5, 1.4),
        motion=max(0.0, rng.normal(0, 1.2)),
        netd=math.exp(uniform(math.log(0.02), math.log(0.15))) * (uniform(0.2, 1) if agc else 1.0),  # video is smoothed
        stripes=abs(rng.normal(0, 0.05)),
        vignette=rng.normal(0, 0.5),
        square=bool(rng.random() < 0.12),
        agc=agc,
        gain=0.01 if rng.random() < 0.7 else math.exp(uniform(math.log(0.005), math.log(0.04))),
        scaled=bool(rng.random() < 0.7),
    )
    return _survey(scene, agc, rng) if agc is not None and rng.random() < SURVEYS else scene


def draw_search(rng: np.random.Generator, eight_bit: float = 0.6) -> Scene:
    """A scene as a search for lost people sees it: straight down on a wood, most of the people under its trees. A
    fifth of the frames show animals, a fifth nobody.
    """
    uniform = rng.uniform
    scene = draw_scene(rng, eight_bit)
    gsd = math.exp(uniform(math.log(0.025), math.log(0.08)))
    pitch = uniform(-90, -80)
    ground = str(rng.choice(("floor", "heath", "meadow", "snow", "rock"), p=(0.6, 0.15, 0.1, 0.1, 0.05)))
    return replace(
        scene,
        pitch=pitch,
        altitude=min(max(gsd * scene.focal * math.sin(math.radians(-pitch)), 12.0), 160.0),
        ground=ground,
        wood=str(rng.choice(("bare", "leafed", "conifer"), p=(0.4, 0.35, 0.25))),
        trees=math.exp(uniform(math.log(100), math.log(900))),
        air=uniform(-15, 3) if ground == "snow" else scene.air,
        groups=scene.groups if rng.random() < 0.25 else (),
        people=int(rng.integers(1, 9)) if rng.random() < 0.8 else 0,
        cars=0,
        under_trees=float(rng.choice((0.5, 0.9))),
    )


def draw_landscape(rng: np.random.Generator, eight_bit: float = 0.6) -> Scene:
    """A scene as a camera sees it that looks ahead: the horizon above, or not far, houses, masts and a bridge at times.
    Two thirds of the frames show nobody; the others have what is in them on the nearer ground.
    """
    uniform = rng.uniform
    scene = draw_scene(rng, eight_bit)
    half_view = math.degrees(math.atan(HEIGHT / 2 / scene.focal))
    empty = rng.random() < 0.65
    return replace(
        scene,
        pitch=uniform(-(half_view + 12), -4),
        altitude=math.exp(uniform(math.log(8), math.log(120))),
        ground=str(rng.choice(GROUNDS, p=(0.25, 0.15, 0.15, 0.05, 0.08, 0.12, 0.2))),
        wood=str(rng.choice(WOODS, p=(0.3, 0.2, 0.2, 0.15, 0.15))),
        trees=math.exp(uniform(math.log(0.5), math.log(60))),
        groups=() if empty else scene.groups,
        people=0 if empty else max(scene.people, int(rng.integers(0, 4))),
        cars=int(rng.integers(0, 9)) if rng.random() < 0.4 else 0,
        under_trees=0.0,
        scrub=uniform(0.5, 5) if rng.random() < 0.3 else 0.0,
        houses=int(rng.integers(1, 40)) if rng.random() < 0.6 else 0,
        masts=int(rng.integers(1, 12)) if rng.random() < 0.5 else 0,
        bridge=bool(rng.random() < 0.2),
        haze=math.exp(uniform(math.log(400), math.log(8000))),
        square=False,
    )


def _survey(scene: Scene, agc: Agc, rng: np.random.Generator) -> Scene:
    """The same as a count of game sees it: straight down in flat light, seldom people, often scrub, and a range so wide
    that bodies are only 10 to 50 grey levels above calm ground.
    """
    uniform = rng.uniform
    gsd = math.exp(uniform(math.log(0.03), math.log(0.075)))
    pitch = uniform(-90, -80)
    return replace(
        scene,
        pitch=pitch,
        altitude=min(max(gsd * scene.focal * math.sin(math.radians(-pitch)), 12.0), 160.0),
        sun=0.0,
        surface=uniform(-3, 3),
        texture=math.exp(rng.normal(-0.7, 0.5)),
        scrub=uniform(0.5, 6) if rng.random() < 0.5 else 0.0,
        people=scene.people if rng.random() < 0.25 else 0,
        cars=scene.cars if rng.random() < 0.3 else 0,
        stones=scene.stones if rng.random() < 0.3 else 0,
        blur=uniform(0.7, 1.5),
        rectified=bool(rng.random() < 0.7),
        square=bool(rng.random() < 0.5),
        agc=replace(
            agc,
            curve="fixed",
            span=math.exp(uniform(math.log(30), math.log(95))),
            level=uniform(0.2, 0.5),
            gamma=1.0,
            detail=0.5 * agc.detail,
            sharpen=0.5 * agc.sharpen,
        ),
    )


def _who(rng: np.random.Generator, ground: str) -> tuple[tuple[tuple[str, int], ...], int, int]:
    """Groups of animals, people, cars; a tenth of the frames are empty."""
    if rng.random() < 0.1:
        return (), 0, 0
    groups = []
    if rng.random() < 0.8:
        names = [name for name in OFTEN if OFTEN[name]]
        shares = np.array([OFTEN[name] for name in names], float)
        for _ in range(int(rng.choice((1, 2, 3), p=(0.65, 0.25, 0.1)))):
            name = str(rng.choice(names, p=shares / shares.sum()))
            low, high = BY_NAME[name].herd
            groups.append((name, low + int((high - low + 0.999) * rng.random() ** 1.7)))
    if ground == "shore":
        name = str(rng.choice(("duck", "swan")))
        groups.append((name, int(rng.integers(1, BY_NAME[name].herd[1] + 1))))
    people = int(rng.choice((1, 2, 3, 5, 8))) if rng.random() < 0.4 else 0
    cars = int(rng.integers(1, 4)) if rng.random() < 0.12 else 0
    return tuple(groups), people, cars


def draw_agc(rng: np.random.Generator) -> Agc:
    """A camera's way to 8 bit."""
    uniform = rng.uniform
    low = float(rng.choice((0.0, 16.0, uniform(0, 50)), p=(0.5, 0.2, 0.3)))
    return Agc(
        curve=str(rng.choice(CURVES, p=(0.27, 0.45, 0.18, 0.1))),
        span=math.exp(uniform(math.log(12), math.log(70))),
        level=uniform(0.2, 0.65),
        tail=float(rng.choice((0.0, 0.002, 0.01, 0.03))),
        reserve=float(rng.choice((1.0, uniform(1.0, 3.0)), p=(0.3, 0.7))),
        plateau=math.exp(uniform(math.log(0.001), math.log(0.01))),
        gamma=math.exp(rng.normal(0, 0.2)),
        detail=max(0.0, rng.normal(0.2, 0.6)),
        detail_px=uniform(3, 15),
        sharpen=max(0.0, rng.normal(0.2, 0.7)),
        low=low,
        high=float(rng.choice((255.0, 235.0, uniform(low + 110, 255)), p=(0.5, 0.2, 0.3))),
        quality=int(rng.integers(72, 97)),
    )


SCENES = {"wild": draw_scene, "search": draw_search, "landscape": draw_landscape}
