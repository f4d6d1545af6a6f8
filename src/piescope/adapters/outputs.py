"""What a model returned, whatever it is wrapped in, as scores or labels and a representation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from piescope.adapters.protocol import ModelError, Outputs

SCORES = ("logits", "scores", "probabilities", "probs", "output", "predictions")
REPRESENTATIONS = ("representation", "representations", "features", "embedding", "embeddings", "pooler_output")
LABELS = ("labels", "label", "prediction")


def as_array(value: Any) -> np.ndarray | None:
    """A tensor of any framework as an array; None if it is no numbers."""
    if hasattr(value, "detach"):
        value = value.detach()
        if getattr(value, "is_quantized", False):
            value = value.dequantize()
        value = value.float() if value.is_floating_point() else value
        value = value.cpu().numpy()
    if not hasattr(value, "shape") and not isinstance(value, list):
        return None
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return None
    return array if array.dtype.kind in "fiub" else None


def may_be_scores(named: Mapping[str, Any]) -> list[Any]:
    """What of a dict may be scores: those that are called so, else all that is not called a representation.

    Example:
        >>> may_be_scores({"embedding": 1, "score": 2}), may_be_scores({"embedding": 1, "logits": 3})
        ([2], [3])
    """
    called = [named[key] for key in SCORES if key in named]
    return called or [output for key, output in named.items() if key not in REPRESENTATIONS] or list(named.values())


def read_outputs(value: Any, name: str, count: int) -> Outputs:
    """Scores or labels of ``count`` pictures, and a representation where there is one under its name.

    In a dict or an object with ``.logits``, by name; in a tuple, the first that has the shape of scores.

    Raises:
        ModelError: nothing of the right shape, NaN or infinite scores.

    Example:
        >>> read_outputs({"logits": np.zeros((2, 3)), "features": np.ones((2, 8))}, "net", 2).representation.shape
        (2, 8)
    """
    named = _named(value)
    values = list(named.values()) if named else list(value) if isinstance(value, tuple) else [value]
    if not named and isinstance(value, list) and value and getattr(value[0], "ndim", 0) > 1:
        values = value
    chosen = may_be_scores(named) if named else values
    arrays = [array for array in map(as_array, chosen) if array is not None]
    representation = next((as_rows(named[key], count) for key in REPRESENTATIONS if key in named), None)
    _check_one(named, count, name)
    for array in arrays:
        if array.dtype.kind == "f" and _is_table(array, count) and array.size // count > 1:
            return Outputs(_checked(array.reshape(count, -1), name), None, representation)
    labelled = [array for array in (as_array(named[key]) for key in LABELS if key in named) if array is not None]
    for array in (*labelled, *arrays):
        if array.dtype.kind in "iu" and array.size == count and array.shape[:1] == (count,):
            labels = array.reshape(count).astype(np.int64)
            if labels.min() < 0:
                raise ModelError.of(name, "labels", f"a class id of {labels.min()}", "0 or more", "return class ids")
            return Outputs(None, labels, representation)
    for array in arrays:
        if array.dtype.kind in "iu" and _is_table(array, count) and array.size // count > 1:
            return Outputs(_checked(array.reshape(count, -1), name), None, representation)  # scores of whole numbers
    shapes = ", ".join(f"{array.dtype} {list(array.shape)}" for array in arrays[:4]) or type(value).__name__
    expected = f"scores [{count}, classes] of 2 or more classes, or labels [{count}]"
    cure = "return the logits of all classes (two for yes and no), alone, first in a tuple, or as 'logits' in a dict"
    raise ModelError.of(name, "outputs", f"{shapes} for {count} pictures", expected, cure)


def _check_one(named: Mapping[str, Any], count: int, name: str) -> None:
    """Refuses a dict in which several tables of numbers may be the scores, and none is called so."""
    if any(key in named for key in SCORES):
        return
    arrays = {key: as_array(output) for key, output in named.items() if key not in REPRESENTATIONS}
    floats = {key: each for key, each in arrays.items() if each is not None and each.dtype.kind == "f"}
    tables = [key for key, each in floats.items() if _is_table(each, count) and each.size // count > 1]
    if len(tables) > 1:
        found, cure = f"several that may be scores: {', '.join(map(repr, tables[:6]))}", "call the scores 'logits'"
        raise ModelError.of(name, "outputs", found, f"one of {', '.join(SCORES)}", cure)


def _named(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {str(key): output for key, output in value.items()}
    if hasattr(value, "logits"):
        return {"logits": value.logits}
    return {}


def _is_table(array: np.ndarray, count: int) -> bool:
    """``[count, classes]``, perhaps with axes of length 1 behind."""
    return array.ndim >= 2 and array.shape[0] == count and all(side == 1 for side in array.shape[2:])


def as_rows(value: Any, count: int) -> np.ndarray | None:
    """A representation as ``[count, dims]``, float32: maps are averaged over space; others are not guessed at."""
    array = as_array(value)
    if array is None or array.shape[:1] != (count,) or array.ndim not in (2, 4):
        return None
    return np.ascontiguousarray(array.mean((2, 3)) if array.ndim == 4 else array, np.float32)


def _checked(scores: np.ndarray, name: str) -> np.ndarray:
    scores = np.ascontiguousarray(scores, np.float32)
    wrong = int(np.isnan(scores).any(1).sum() + np.isposinf(scores).any(1).sum())
    if wrong:
        expected, cure = "finite scores", "check the weights and the scale of the pixels (--scale, --mean, --std)"
        raise ModelError.of(name, "outputs", f"NaN or infinity for {wrong} of {len(scores)} pictures", expected, cure)
    return scores
