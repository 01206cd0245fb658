"""YOLO folders: which pictures and label files belong together, what classes are called, and the boxes."""
