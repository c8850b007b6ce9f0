"""Cards: a proposal to decide, decided, or denied, and data held back."""
