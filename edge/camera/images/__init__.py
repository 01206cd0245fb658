"""Image files: what they are, how large they may be, and how each becomes pixels; which of a folder are meant."""
