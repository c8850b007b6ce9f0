"""Planted defects over clean bars, real look-alikes, and how many of each the rules find."""
