"""From a pixel to a place: the camera's lens, the ground, where an object stands, and how sure that is.

from edge.geo import CameraModel, locate
camera = CameraModel.from_lens(640, 512, focal_mm=9.0, pitch_um=12.0)
latitude, longitude, sigma_m = locate(uv, camera, frame.pose).T
"""

from edge.geo.align import Alignment, Sightings, align
from edge.geo.attitude import Mounting
from edge.geo.budget import ASSUMED, Assumed
from edge.geo.calibration import read_calibration
from edge.geo.camera import CameraModel
from edge.geo.dem import Dem
from edge.geo.dem_files import read_dem
from edge.geo.lenses import camera_of_profile
from edge.geo.locate import Located, locate, located
from edge.geo.placing import Placing, PlacingSettings
from edge.geo.positions import located_of, positions_of
from edge.geo.track_position import TrackPosition, track_position

__all__ = [
    "ASSUMED",
    "Alignment",
    "Assumed",
    "CameraModel",
    "Dem",
    "Located",
    "Mounting",
    "Placing",
    "PlacingSettings",
    "Sightings",
    "TrackPosition",
    "align",
    "camera_of_profile",
    "locate",
    "located",
    "located_of",
    "positions_of",
    "read_calibration",
    "read_dem",
    "track_position",
]
