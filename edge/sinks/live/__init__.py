"""What is said while the aircraft flies: tracks to maps and ground stations, over links that may be away."""
