"""A mission as a service of systemd: its unit, putting it in and out, how it is, and its pause after quick failures."""
