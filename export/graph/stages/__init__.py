"""The stages of the detector with fixed shapes, in the order of the data: input, proposals, RoI head, postprocess."""
