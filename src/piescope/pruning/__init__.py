"""Pruning as orthogonal nouns: criterion x scope x schedule x which tensors."""
