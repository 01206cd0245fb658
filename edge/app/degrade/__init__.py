"""What a run gives up so that detections go on: the ladder's thread, and engines that die again and again."""
