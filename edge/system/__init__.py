"""What the operating system is asked for: files, signals, time limits, facts about the host."""
