"""How fast each part is on this machine, and how large it stays: milliseconds, frames a second, memory."""
