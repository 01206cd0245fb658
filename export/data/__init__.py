"""Labelled thermal frames: reading, checking, splitting and simulating them."""
