"""After a run, from what it left in its folder: the files of other tools, and the camera's alignment."""
