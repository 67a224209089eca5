"""From project files to what is run: read, check, resolve."""
