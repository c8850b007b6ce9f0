"""The blocks of the Today page, one per file."""
