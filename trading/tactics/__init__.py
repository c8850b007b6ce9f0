"""How a signed leg is worked in parts: what to send next, inside what was signed."""
