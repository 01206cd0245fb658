"""``edge service``: a mission as a service of systemd, from the command line."""
