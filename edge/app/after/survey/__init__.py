"""Several flights over the same ground: whether they can be counted together, and how many that makes."""
