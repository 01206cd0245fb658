"""Tracks against the truth of simulated and real sequences: ``python -m benchmarks.tracking``."""
