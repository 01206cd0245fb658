"""Whether the results can be trusted: what the scene and the picture look like during the flight."""
