"""Files to aligned sides: which file is which, which column is what, which row is which example."""
