"""From a team's labelled thermal frames to a detector: data, augmentation, training, evaluation."""
