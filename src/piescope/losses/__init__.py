"""Loss functions that torch does not have."""
