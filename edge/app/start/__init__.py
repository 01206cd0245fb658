"""What is known of a run when it begins, on the disk before its first frame."""
