"""What changed between two runs over the same frames: what both found, what one alone did."""
