"""Files that are made of tracks: a line each, how many there are, maps and tables."""
