"""The command line `edge-export`, one file a command; printing happens here."""
