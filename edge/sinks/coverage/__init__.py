"""Files of the ground that was searched: ``coverage.geojson`` and ``coverage.png``, also while the flight goes on."""
