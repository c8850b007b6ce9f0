"""Supervised loops for what must not wait for a sensor's tick."""
