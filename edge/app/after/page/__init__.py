"""The report as one HTML file: its text, its data, its styles and scripts; it needs no network and no server."""
