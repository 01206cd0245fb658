"""``edge archive``: many flights, from the command line."""
