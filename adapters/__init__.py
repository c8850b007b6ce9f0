"""Whatever talks to someone else's service."""
