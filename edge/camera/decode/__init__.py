"""From what a camera or a file delivers to pixels: packed grey, Y16, containers, radiometric JPEGs."""
