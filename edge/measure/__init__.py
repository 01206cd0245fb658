"""Figures about results: rates, latencies, percentiles, and detections matched to a truth."""
