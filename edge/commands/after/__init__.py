"""After landing: reports, what reviewers say, alignment, from the command line."""
