"""Networks with `features()` and `logits()`, their heads, and probes inside any module."""
