"""Reviewed flights as labels: the frames that people spoke of, with what they said, to train on."""
