"""``edge bench``: what runs, for how long, what is measured of it, and how two reports compare."""
