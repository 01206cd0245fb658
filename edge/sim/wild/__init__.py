"""Frames of wild ground, each another scene: animals and people in the open and under trees, as cameras show them."""
