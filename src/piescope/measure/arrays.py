"""What every measure does first: take NumPy arrays, torch tensors or lists, and say clearly what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np

NARROW = {"torch.bfloat16": 2.0**-7, "torch.float8_e4m3fn": 2.0**-3, "torch.float8_e5m2": 2.0**-2}
"""Types of torch that NumPy has not, and how far apart numbers next to 1 are in them."""


def precision_of(values: Any) -> float:
    """How far apart numbers next to 1 are in the type that values come in; of whole numbers, that of float64.

    Example:
        >>> precision_of(np.zeros(1, np.float32)) == 2.0**-23
        True
    """
    narrow = NARROW.get(str(getattr(values, "dtype", "")))
    if narrow is not None:
        return narrow
    given = to_numpy(values).dtype
    return float(np.finfo(given if np.issubdtype(given, np.floating) else np.float64).eps)


def to_numpy(values: Any) -> np.ndarray:
    """An array of the same values; torch tensors are detached and brought to the CPU without importing torch.

    Raises:
        ValueError: lists of other lengths within one list, or masked values.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = (values.float() if str(values.dtype) in NARROW else values).numpy()
    hidden = int(np.ma.getmaskarray(values).sum()) if isinstance(values, np.ma.MaskedArray) else 0
    if hidden:
        raise ValueError(f"{hidden:,} values are masked; expected every one: leave these examples out")
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"lists of other lengths ({error})") from None


def class_ids(values: Any, name: str, ndim: int, num_classes: int | None = None) -> np.ndarray:
    """Class ids as int64, checked: right number of axes, integers, in ``range(num_classes)``.

    Raises:
        ValueError: not integers, another number of axes, negative, or not below num_classes, which is no whole number.
    """
    if num_classes is not None and (isinstance(num_classes, bool) or not isinstance(num_classes, int | np.int64)):
        raise ValueError(f"num_classes is {num_classes!r}; expected a whole number, an int")  # fewer bits overflow
    try:
        array = to_numpy(values)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if array.ndim != ndim:
        raise ValueError(f"{name} has shape {list(array.shape)}; expected {ndim} axes")
    if not np.issubdtype(array.dtype, np.integer):
        dtype = getattr(values, "dtype", array.dtype)
        raise ValueError(f"{name} holds {dtype}; expected integer class ids (argmax of logits, say)")
    if array.size and array.min() < 0:
        raise ValueError(f"{name} holds class id {array.min()}; expected 0 or more")
    if num_classes is not None and array.size and array.max() >= num_classes:
        raise ValueError(f"{name} holds class id {array.max()}; expected below num_classes = {num_classes}")
    return array.astype(np.int64, copy=False)


def same_length(**arrays: np.ndarray) -> None:
    """Raises ValueError unless all arrays have the same length along their last axis; names them."""
    lengths = {name: array.shape[-1] for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        lengths_text = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"numbers of examples differ: {lengths_text}; expected the same examples in the same order")


def yes_or_no(values: Any, name: str) -> np.ndarray:
    """One yes or no per example, checked: a list or array of True and False, or of 0 and 1.

    Raises:
        ValueError: another number of axes, or other values (indices of examples, say).
    """
    array = to_numpy(values)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {list(array.shape)}; expected [examples]")
    if array.dtype != bool and not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name} holds other values than 0 and 1; expected True or False per example, not indices")
    return array.astype(bool)


def unit_length(representations: Any) -> np.ndarray:
    """H / ||h||_2 in float64; all-zero rows stay zero.

    Raises:
        ValueError: NaN or infinity among the representations, other values than real numbers, or no dims.
    """
    given = to_numpy(representations)
    if given.dtype.kind not in "biuf":
        raise ValueError(f"representations hold {given.dtype}; expected real numbers")
    h = given.astype(np.float64)
    if h.ndim < 1 or h.shape[-1] < 1:
        raise ValueError(f"representations have shape {list(h.shape)}; expected [..., dims] with at least one dim")
    if not np.isfinite(h).all():
        raise ValueError(
            f"{int((~np.isfinite(h)).sum())} entries of the representations are NaN or infinite; "
            "leave the diverged model out"
        )
    largest = np.abs(h).max(-1, keepdims=True)
    scaled = np.divide(h, largest, out=np.zeros_like(h), where=largest > 0)  # squares neither over- nor underflow
    length = np.linalg.norm(scaled, axis=-1, keepdims=True)
    return np.divide(scaled, length, out=np.zeros_like(h), where=length > 0)
