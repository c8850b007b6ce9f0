"""The supervisor: which processes a desk has, how they start, how they are kept alive."""
