"""A simulated flight: ground, warm bodies, a sensor, and the truth about every frame."""
