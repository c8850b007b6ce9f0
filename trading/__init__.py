"""The rules of the desk, free of any service."""
