"""Compressed copies of a model, made without training: what would be lost? Loads torch only to make one.

Written ``METHOD`` or ``METHOD:AMOUNT,AMOUNT``, several separated by spaces (or +)::

    magnitude:0.5,0.7,0.9    so many of all weights go, the smallest ones first, whatever layer they are in
    random:0.5               so many of all weights go, drawn at random: the control that knows nothing
    2:4                      of each 4 consecutive input weights the 2 largest stay (also written n:m:2:4)
    int8                     weights to 8 bits, and what comes into their layers; of ONNX models by onnxruntime
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Bool, Shaped

from piescope.adapters.protocol import ModelError
from piescope.problems import InputError

if TYPE_CHECKING:
    from torch import Tensor

CompressionMethod = Literal["magnitude", "random", "n:m", "int8"]

METHODS = ("magnitude:0.5", "random:0.5", "2:4", "int8")
LARGEST_GROUP = 64


@dataclass(frozen=True)
class Compression:
    """One way to compress a model.

    Attributes:
        method: what chooses the weights that go, or ``"int8"``.
        amount: fraction of the weights that go, 0 to 1; None for int8.
        keep: of each group of consecutive input weights, how many stay (``"n:m"`` only).
        group: size of such a group.

    Example:
        >>> Compression("magnitude", 0.7).name, Compression("n:m", 0.5, 2, 4).folder
        ('magnitude 0.7', '2-4')
    """

    method: CompressionMethod
    amount: float | None = None
    keep: int = 0
    group: int = 0

    @property
    def name(self) -> str:
        """For people: ``magnitude 0.7``, ``2:4``, ``int8``."""
        if self.method == "n:m":
            return f"{self.keep}:{self.group}"
        return self.method if self.amount is None else f"{self.method} {self.amount!r}"

    @property
    def folder(self) -> str:
        """For files: ``magnitude-0.7``, ``2-4``, ``int8``."""
        return self.name.replace(" ", "-").replace(":", "-")


@dataclass(frozen=True)
class CopyFacts:
    """What a compression did.

    Attributes:
        realised_sparsity: fraction of zeros among the weights that may be pruned, after; None for int8.
        touched: names of the tensors or layers that were changed.
        bytes_before: of the weights as they are saved.
        bytes_after: of the copy's.
        zipped_before: the same, compressed by zlib (zeros take room until something compresses them).
        zipped_after: the same of the copy.
        notes: sentences: exactly what was pruned or quantised, and how.
    """

    realised_sparsity: float | None
    touched: tuple[str, ...]
    bytes_before: int
    bytes_after: int
    zipped_before: int
    zipped_after: int
    notes: tuple[str, ...]


def parse_compressions(text: str) -> tuple[Compression, ...]:
    """What a text asks for, in its order.

    Raises:
        InputError: nothing, an unknown method, an amount that is no fraction between 0 and 1, or one thing twice.

    Example:
        >>> [each.name for each in parse_compressions("magnitude:0.5,0.9 int8 + 2:4")]
        ['magnitude 0.5', 'magnitude 0.9', 'int8', '2:4']
    """
    error = InputError("--compress")
    asked: list[Compression] = []
    for part in re.split(r"[\s+]+", text.strip(" \t\r\n+")):
        asked += _parsed(part, error)
    error.raise_if_any()
    names = [compression.name for compression in asked]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        error.add("compressions", f"{', '.join(twice)} twice", "each once", "remove one")
    error.raise_if_any()
    return tuple(asked)


def _parsed(part: str, error: InputError) -> list[Compression]:
    groups = re.fullmatch(r"(?:n:m:)?(\d{1,4}):(\d{1,4})", part, re.IGNORECASE)
    if groups:
        keep, group = int(groups[1]), int(groups[2])
        if not 1 <= keep < group <= LARGEST_GROUP:
            error.add(part, f"{keep} of {group}", f"n below m, m up to {LARGEST_GROUP}", "write 2:4")
            return []
        return [Compression("n:m", 1 - keep / group, keep, group)]
    method, colon, amounts = part.partition(":")
    if method.lower() == "int8" and not colon:
        return [Compression("int8")]
    chosen: CompressionMethod | None = {"magnitude": "magnitude", "random": "random"}.get(method.lower())  # type: ignore[assignment]
    if chosen is None:
        error.add_unknown(part or "compressions", "compression", part or "nothing", METHODS)
        return []
    made = []
    for amount in amounts.split(","):
        try:
            value = float(amount) if re.fullmatch(r"[0-9.eE+-]{1,40}", amount) else float("nan")
        except ValueError:
            value = float("nan")
        if not 0 < value < 1:
            cure = f"write {value / 100!r} for {amount} %" if 1 < value < 100 else f"write {method}:0.5,0.7,0.9"
            error.add(part, amount or "no amount", "fractions between 0 and 1", cure)
        else:
            made.append(Compression(chosen, value))
    return made


def pruning_masks(
    tensors: dict[str, Tensor], inputs: dict[str, int], compression: Compression, seed: int, name: str
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Which weights stay, and what is to be said.

    Args:
        tensors: the weights that may go, each once.
        inputs: the axis of the input channels of each.
        compression: magnitude, random or n:m.
        seed: of the random choice.
        name: of the model.

    Returns:
        boolean tensors, True = kept; tensors that are not touched are left out.

    Raises:
        ModelError: NaN weights, or no layer that n:m groups fit.
    """
    import torch

    from piescope.pruning.criteria import CRITERIA
    from piescope.pruning.masks import masks_from_scores

    if compression.method == "n:m":
        fitting = {key: tensor for key, tensor in tensors.items() if tensor.shape[inputs[key]] % compression.group == 0}
        left = [key for key in tensors if key not in fitting]
        if not fitting:
            found = f"no layer whose input channels are a multiple of {compression.group}"
            raise ModelError.of(name, f"--compress {compression.name}", found, "one at least", "take magnitude:0.5")
        masks = {
            key: torch.from_numpy(
                kept_of_groups(tensor.detach().cpu().float().numpy(), inputs[key], compression.keep, compression.group)
            )
            for key, tensor in fitting.items()
        }
        notes = (f"left as they are, input channels being no multiple of {compression.group}: {', '.join(left)}",)
        return masks, notes if left else ()
    assert compression.amount is not None and compression.method in ("magnitude", "random"), compression
    generator = torch.Generator().manual_seed(seed)
    try:
        scores = CRITERIA[compression.method](tensors, generator)
        return masks_from_scores(scores, compression.amount), ()
    except ValueError as reason:
        raise ModelError.of(name, "weights", str(reason), "finite weights", "take another checkpoint") from None


def kept_of_groups(weights: Shaped[np.ndarray, ...], axis: int, keep: int, group: int) -> Bool[np.ndarray, ...]:
    """Of each ``group`` consecutive weights along an axis the ``keep`` largest in magnitude; of equals, the last.

    Raises:
        ValueError: the axis is no multiple of the group.

    Example:
        >>> kept_of_groups(np.array([[1.0, -4.0, 3.0, 2.0]]), 1, 2, 4).tolist()
        [[False, True, True, False]]
    """
    moved = np.moveaxis(np.abs(weights), axis, -1)
    if moved.shape[-1] % group:
        raise ValueError(f"{moved.shape[-1]} weights along axis {axis}; expected a multiple of {group}")
    parts = moved.reshape(-1, group)
    order = np.argsort(parts, axis=1, kind="stable")
    kept = np.ones(parts.shape, bool)
    np.put_along_axis(kept, order[:, : group - keep], False, axis=1)
    return np.ascontiguousarray(np.moveaxis(kept.reshape(moved.shape), -1, axis))


def pruned_note(compression: Compression, zeros: int, weights: int, tensors: int) -> str:
    """What was pruned, in a sentence."""
    how = {
        "magnitude": "the smallest by magnitude of all together",
        "random": "drawn at random from all together",
        "n:m": f"all but the {compression.keep} largest of each {compression.group} along the input channels",
    }[compression.method]
    return (
        f"{compression.name}: {zeros:,} of {weights:,} weights of convolutions and linear layers are 0 ({how}), in "
        f"{tensors} tensors; biases and norms are untouched, nothing was trained"
    )
