"""Results on disk: atomic, hashed, readable without torch."""
