"""``--mission``: what `edge run` and `edge doctor` do with a mission file."""
