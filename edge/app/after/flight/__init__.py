"""The folder of one flight, read as far as it can be: what is torn, old or not there is counted and told."""
