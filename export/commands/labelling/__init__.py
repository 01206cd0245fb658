"""The commands that help those who label; `export.commands.data` adds them."""
