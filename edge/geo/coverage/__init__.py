"""What ground was searched, and how well: a map in cells, and the gaps in it while they can still be flown."""
