"""Is all ready for a mission? Checks that run side by side within one time, each line green, yellow or red."""
