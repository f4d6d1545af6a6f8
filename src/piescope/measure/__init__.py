"""Measures: pure functions of arrays. They know no model, no file and no study."""
