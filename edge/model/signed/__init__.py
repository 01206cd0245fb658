"""Bundles that somebody signed: whose signature it is, and graphs that are the very bytes that were signed."""
