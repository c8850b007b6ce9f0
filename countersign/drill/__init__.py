"""The drill: a temporary desk, every fault at once, and a comparison of ledger and venue."""
