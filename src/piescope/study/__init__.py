"""A study: what to run, in which order, done once."""
