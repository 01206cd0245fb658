"""From labelled frames to a checkpoint: which crops, how they are varied, which losses, and the loop."""
