"""A mission: all that a flight needs, in one TOML file that is declared once (declared.py), read and checked here."""
