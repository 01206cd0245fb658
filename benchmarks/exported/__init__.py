"""Is what was exported the same detector: as torchvision runs it, as the graph of before, compiled by TensorRT-RTX."""
