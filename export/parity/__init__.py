"""Whether an exported graph finds what the detector finds: detections compared one by one."""
