"""What each command does: run, demo, bench, report; printing and options are the business of commands."""
