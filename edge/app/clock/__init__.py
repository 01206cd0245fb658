"""When it was: how the monotonic clock of a run belongs to UTC, as soon as that is known."""
