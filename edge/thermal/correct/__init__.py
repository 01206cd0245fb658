"""Repairs of the raw frame before the model sees it: shutter, bad pixels, stripes."""
