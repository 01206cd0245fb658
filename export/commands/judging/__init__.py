"""What `edge-export eval` asks and says besides the figures themselves: by group, beside another bundle, in tables."""
