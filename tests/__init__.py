"""The tests of the desk, one folder per room."""
