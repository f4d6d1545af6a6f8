"""Whether votes changed by more than chance, example by example; equal votes are tested once."""

from __future__ import annotations

import numpy as np

WIDTH = 8
"""Classes that votes are kept for at least, so that a pattern has one form whatever else is in its block."""


class VoteTests:
    """Permutation p-values of changed examples."""

    def __init__(self) -> None:
        self._known: dict[bytes, float] = {}

    def of(self, dense: np.ndarray, compressed: np.ndarray, changed: np.ndarray) -> np.ndarray:
        """``[examples]`` p-values, from votes ``[examples, classes]``; NaN where ``changed`` is False."""
        p_values = np.full(len(changed), np.nan)
        if not changed.any():
            return p_values
        patterns = _patterns(dense[changed], compressed[changed])
        different, which = np.unique(patterns.reshape(len(patterns), -1), axis=0, return_inverse=True)
        keys = [row.tobytes() for row in different]
        unseen = [place for place, key in enumerate(keys) if key not in self._known]
        if unseen:
            from piescope.measure.significance import vote_p_values

            rows = different[unseen].reshape(len(unseen), 2, -1)
            for place, p_value in zip(unseen, vote_p_values(rows[:, 0], rows[:, 1]).tolist(), strict=True):
                self._known[keys[place]] = p_value
        p_values[changed] = np.array([self._known[key] for key in keys])[which.reshape(-1)]
        return p_values


def _patterns(dense: np.ndarray, compressed: np.ndarray) -> np.ndarray:
    """``[examples, 2, classes]`` int16: votes of either side, classes without votes dropped, in one order for all."""
    size = int(compressed[0].sum()) + 1
    order = np.argsort(-(dense * size + compressed), axis=1, kind="stable")
    most = int(((dense + compressed) > 0).sum(1).max())
    width = -(-max(most, WIDTH) // WIDTH) * WIDTH
    chosen = order[:, :width]
    patterns = np.stack([np.take_along_axis(side, chosen, axis=1) for side in (dense, compressed)], axis=1)
    short = width - patterns.shape[2]
    return np.pad(patterns, ((0, 0), (0, 0), (0, max(0, short)))).astype(np.int16)
