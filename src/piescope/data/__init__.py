"""Data sets as values, where they come from, and how batches of them are augmented."""
