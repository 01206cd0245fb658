"""A run is watched from outside its loop: what does not come back is named, and what was found is kept."""
