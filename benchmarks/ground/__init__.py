"""Positions, counts and maps against the truth of simulated flights, and what is read of files with poses."""
