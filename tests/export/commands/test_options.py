"""Every option of `edge-export` with its kind, its choices and its default. Those of `edge`: tests/edge/commands."""

from __future__ import annotations

from export.commands.main import _COMMANDS, parser_for
from tests.support.options import commands_of, options_of

# --option, "-> name" where the program calls it otherwise, its kind or choices, "= default"
OPTIONS = """
edge-export onnx
  --anchor-sizes levels
  --arch one of 13
  --aspect-ratios levels
  --assume-rest flag
  --bbox-reg-weights numbers
  --calibrate text
  --canonical-level whole
  --canonical-scale whole
  --channels whole
  --checkpoint Path
  --citation text
  --classes text
  --conv1-stride whole
  --data text
  --featmap-names words
  --fixed-size size_or_none
  --graph-score -> box_score_thresh number
  --height int = 512
  --images text
  --int8 flag
  --last-level flag
  --licence text
  --max-detections -> box_detections_per_img whole
  --max-size whole
  --maxpool flag
  --mean -> image_mean numbers
  --min-size whole
  --model text
  --name text = ''
  --nms -> box_nms_thresh number
  --norm-eps number
  --one-body names = []
  --out Path
  --overwrite flag
  --pyramid conv1|layer1|classic|fpn
  --quiet flag
  --replace-stride-with-dilation flags
  --representation-size whole
  --returned-layers layers
  --roi-samples int = 2
  --roi-size size
  --rpn-nms -> rpn_nms_thresh number
  --rpn-post-nms -> rpn_post_nms_top_n_test whole
  --rpn-pre-nms -> rpn_pre_nms_top_n_test whole
  --rpn-score -> rpn_score_thresh number
  --sampling-ratio whole
  --score threshold = 0.5
  --size-divisible whole
  --std -> image_std numbers
  --store fp32|fp16|shared = 'fp32'
  --weights text
  --weights-of text
  --width int = 640
edge-export check
  --checkpoint Path
  --frames int
  --images text required
  --json Path
  --min-score float
  --model text
  --quiet flag
  --reference Path
  --weights Path
  --weights-of text
  BUNDLE Path required
edge-export reference
  --out Path = reference.py
  --overwrite flag
  --quiet flag
edge-export data
edge-export data check
  --annotations Path
  --flight-gap int = 30
  --flights name|folder|end = 'name'
  --hold-back float = 0.0
  --hot text = 'person,deer'
  --out Path required
  --proposals accept|leave-out
  --quiet flag
  --split text
  --test float = 0.0
  --voc-origin 0|1
  --without text = []
  DIR Path required
edge-export data simulate
  --annotations Path
  --classes text
  --eight-bit float
  --frames int required
  --onto Path
  --out Path required
  --quiet flag
  --scene survey|wild|search|landscape = 'survey'
  --seed int = 1
  --split text = 'train'
edge-export data propose
  --backend auto|ort|ort-float|ort-int8|openvino|trt|null = 'auto'
  --choose int
  --labelled Path = []
  --model text = 'models/hituav-r18'
  --out Path required
  --quiet flag
  --random score = 0.2
  --seed int = 1
  --threshold threshold
  SOURCE text (+) required
edge-export data review
  --apart float = 1.0
  --most int = 5
  --out Path required
  --quiet flag
  --source text
  DIR Path (+) required
edge-export train
  --anchor-sizes levels
  --annotations Path
  --arch one of 13
  --aspect-ratios levels
  --assume-rest flag
  --backbone Path
  --batch int = 4
  --bbox-reg-weights numbers
  --canonical-level whole
  --canonical-scale whole
  --channels whole
  --classes text
  --conv1-stride whole
  --crop int = 320
  --data Path = []
  --device text
  --featmap-names words
  --fixed-size size_or_none
  --freeze text = 'backbone.body.conv1,backbone.body.layer1'
  --from -> start Path
  --graph-score -> box_score_thresh number
  --hard-examples/--mistakes Path = []
  --ignore-classes text
  --images Path
  --last-level flag
  --learning-rate float = 0.0001
  --max-detections -> box_detections_per_img whole
  --max-size whole
  --maxpool flag
  --mean -> image_mean numbers
  --min-size whole
  --minutes float = 0.0
  --mosaic float = 0.2
  --nms -> box_nms_thresh number
  --norm-eps number
  --normalise-16bit text
  --normalise-8bit text
  --out Path required
  --pyramid conv1|layer1|classic|fpn
  --quarter-turns float = 0.0
  --quiet flag
  --replace-stride-with-dilation flags
  --representation-size whole
  --returned-layers layers
  --roi-size size
  --rpn-nms -> rpn_nms_thresh number
  --rpn-post-nms -> rpn_post_nms_top_n_test whole
  --rpn-pre-nms -> rpn_pre_nms_top_n_test whole
  --rpn-score -> rpn_score_thresh number
  --sampling-ratio whole
  --sampling-weights/--shares text
  --seed int = 1
  --shows-no text = []
  --size-divisible whole
  --std -> image_std numbers
  --steps int = 2000
  --teacher Path
  --threads int = 0
  --watch Path
  --watch-frames int = 30
  --watch-minutes float = 20.0
  --watch-split text
  --weights-of text
  --without text = []
  --workers int
edge-export average
  --out Path required
  --part float = 0.5
  --quiet flag
  AFTER Path required
  BEFORE Path required
edge-export eval
  --against text
  --anchor-sizes levels
  --annotations Path
  --arch one of 13
  --aspect-ratios levels
  --assume-rest flag
  --backend auto|ort|ort-float|ort-int8|openvino|trt|null = 'auto'
  --bbox-reg-weights numbers
  --canonical-level whole
  --canonical-scale whole
  --channels whole
  --checkpoint Path
  --classes text
  --coco flag
  --conditions Path
  --conv1-stride whole
  --data Path
  --device text
  --every int = 1
  --featmap-names words
  --fixed-size size_or_none
  --flight-gap int = 30
  --flights name|folder = 'name'
  --graph-score -> box_score_thresh number
  --hard-examples/--mistakes Path
  --ignore-classes text
  --images Path
  --json Path
  --last-level flag
  --max-detections -> box_detections_per_img whole
  --max-size whole
  --maxpool flag
  --mean -> image_mean numbers
  --min-size whole
  --model text
  --nms -> box_nms_thresh number
  --norm-eps number
  --pictures Path
  --pyramid conv1|layer1|classic|fpn
  --quiet flag
  --replace-stride-with-dilation flags
  --representation-size whole
  --returned-layers layers
  --roi-size size
  --rpn-nms -> rpn_nms_thresh number
  --rpn-post-nms -> rpn_post_nms_top_n_test whole
  --rpn-pre-nms -> rpn_pre_nms_top_n_test whole
  --rpn-score -> rpn_score_thresh number
  --sampling-ratio whole
  --set-recall flag
  --set-threshold choice_rule (?)
  --size-divisible whole
  --split text
  --std -> image_std numbers
  --tiles tiles
  --weights-of text
edge-export engine
  --compare-only flag
  --dry-run flag
  --frames text
  --optimization-level 0|1|2|3|4|5 = 3
  --quiet flag
  --workspace-mib int
  BUNDLE Path required
edge-export sign
  --key Path required
  --quiet flag
  BUNDLE Path required
edge-export estimate
  --board text
  --json Path
  --quiet flag
  --validate flag
  BUNDLE Path (?)
"""


def test_every_option_takes_what_it_took() -> None:
    found: list[str] = []
    for command in _COMMANDS:
        for name, parser in commands_of(parser_for(command), "edge-export"):
            if f"{name} ".startswith(f"edge-export {command} "):
                found += [name, *(f"  {line}" for line in options_of(parser))]
    assert "\n".join(found) == OPTIONS.strip()
