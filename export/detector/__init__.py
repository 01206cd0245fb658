"""The detector as a torchvision Faster R-CNN, and checkpoints that are read into it."""
