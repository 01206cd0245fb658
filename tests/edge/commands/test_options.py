"""Every option of `edge` with its kind, its choices and its default: one that is changed by mistake is noticed here."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.commands.main import _parser
from tests.support.options import commands_of, options_of

# --option, "-> name" where the program calls it otherwise, its kind or choices, "= default"
OPTIONS = """
edge
  --verbose flag
edge run
  --backend auto|ort|ort-float|ort-int8|openvino|trt|null = 'auto'
  --cot address
  --coverage text (?)
  --csv -> outputs adds csv = []
  --faint -> outputs adds faint = []
  --foxglove viewer
  --frames count
  --geojson -> outputs adds geojson = []
  --ground text
  --keep-free keep_free
  --kmz -> outputs adds kmz = []
  --lens text
  --map -> outputs adds map = []
  --mavlink-out peer
  --mission Path
  --model text = 'models/hituav-r18'
  --mounting text
  --mqtt broker
  --normalise normalise_spec
  --out Path required
  --override-normalise flag
  --pictures -> outputs adds pictures = []
  --policy latest|every
  --pose text
  --quiet flag
  --reconnect-seconds -> reconnect_s positive_or_zero
  --record flag
  --record-budget size_in_bytes
  --ros2 topic
  --seconds positive
  --source text (+) required
  --spare Path
  --spin flag
  --status status
  --threshold threshold
  --tiles tiles
  --trace -> outputs adds trace = []
  --trust-engine flag
  --trusted-key text
  --verbose flag
  --verify Path
  --video -> outputs adds video = []
  --web page
  --webhook url
  --write-mission Path
  --zero-copy flag
edge demo
  --backend auto|ort|ort-float|ort-int8|openvino|trt|null = 'auto'
  --frames count = 48
  --model text = 'models/hituav-r18'
  --out Path = out/demo
  --quiet flag
  --seed int = 7
  --verbose flag
edge bench
  --annotations Path
  --backend auto|ort|ort-float|ort-int8|openvino|trt|null = 'auto'
  --compare Path
  --frames Path
  --json Path
  --layers flag
  --model text = 'models/hituav-r18'
  --no-cold-start -> cold_start flag = True
  --peak flag
  --png Path
  --publish flag
  --rate positive (+) = ()
  --runs count
  --seconds positive
  --source text = 'sim:live=0'
  --spin flag
  --tiles tiles
  --trace Path
  --trust-engine flag
  --verbose flag
  --warm-up -> warm_up_s positive_or_zero = 5.0
  --zero-copy flag
edge info
  --json flag
  --trusted-key text
  --verbose flag
  BUNDLE text (?) = 'models/hituav-r18'
edge doctor
  --height positive
  --json flag
  --lens text
  --mission Path
  --out Path = out/doctor
  --seconds positive = 5.0
  --size positive
  --source text (+)
  --verbose flag
edge report
  --against Path
  --camtrap-dp -> files adds camtrap-dp = []
  --coco -> files adds coco = []
  --csv -> files adds csv = []
  --geojson -> files adds geojson = []
  --kmz -> files adds kmz = []
  --location degrees
  --megadetector -> files adds megadetector = []
  --out Path
  --quiet flag
  --verbose flag
  DIR Path (+) required
edge review
  --quiet flag
  --verbose flag
  --web text = '127.0.0.1:8090'
  DIR Path required
edge align
  --ground float = 0.0
  --verbose flag
  DIR Path required
edge archive
  --verbose flag
edge archive plan
  --out Path required
  --quiet flag
  --verbose flag
  DIR Path (*) required
edge archive run
  --backend auto|ort|ort-float|ort-int8|openvino|trt|null = 'auto'
  --ground text
  --lens text
  --model text = 'models/hituav-r18'
  --mounting text
  --processes count
  --quiet flag
  --retry flag
  --scheduler text
  --shard parse
  --threshold threshold
  --tiles tiles
  --verbose flag
  ARCHIVE Path required
edge archive merge
  --against text
  --model Path
  --out Path
  --quiet flag
  --verbose flag
  ARCHIVE Path required
edge service
  --verbose flag
edge service install
  --dry-run flag
  --mission Path required
  --user text = 'thermal-edge'
  --verbose flag
edge service status
  --json flag
  --verbose flag
edge service uninstall
  --verbose flag
"""


def test_every_option_takes_what_it_took() -> None:
    found = [[name, *(f"  {line}" for line in options_of(parser))] for name, parser in commands_of(_parser(), "edge")]
    assert "\n".join(line for lines in found for line in lines) == OPTIONS.strip()


def test_each_settings_default_is_its_options() -> None:
    """What a program gets without saying it is what the command line gets: both are in README's words."""
    from edge.app.bench.settings import BenchSettings
    from edge.app.demo import DemoSettings
    from edge.app.settings import RunSettings

    given = {
        "run": (RunSettings(out="x", source="y"), ["--out", "x", "--source", "y"], {"outputs", "out", "source"}),
        "demo": (DemoSettings(out=Path("out/demo")), [], set[str]()),
        "bench": (BenchSettings(), [], set[str]()),
    }
    for command, (settings, words, others) in given.items():
        asked = vars(_parser().parse_args([command, *words]))
        both = vars(settings).keys() & asked.keys() - others
        assert len(both) >= 4
        assert {name: str(asked[name]) for name in both} == {name: str(getattr(settings, name)) for name in both}


# ---- the test itself ----


def test_a_changed_option_is_seen() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=0.0, dest="hz")
    parser.add_argument("--model", default="/somewhere/edge/models/deer")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, choices=range(9))
    parser.add_argument("--all", "--every", action="store_true")
    parser.add_argument("images", nargs="?", metavar="IMAGE")
    assert options_of(parser) == [
        "--all/--every flag",
        "--model text = 'models/deer'",
        "--out Path required",
        "--rate -> hz float = 0.0",
        "--size one of 9",
        "IMAGE text (?)",
    ]
