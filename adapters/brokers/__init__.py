"""Brokers, and the controls of the embedded venue."""
