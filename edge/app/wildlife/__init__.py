"""The detections of a run as wildlife tools read them: COCO, MegaDetector's JSON, Camtrap DP."""
