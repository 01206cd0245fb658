"""How a source's picture is looked at: its rows and bytes, the part of it, the palette, what is left out."""
