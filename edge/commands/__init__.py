"""The command line `edge`, its live table and its console: the only place that prints."""
