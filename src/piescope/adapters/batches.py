"""Does what a model says of a picture depend on the other pictures of its batch? Loads no torch.

It does where activations are quantised dynamically: their scale is taken from the whole batch, so one bright picture
makes the others coarser. Models are deployed on pictures that come one by one more often than on batches of 256.

Source: https://github.com/microsoft/onnxruntime/issues/10111.
"""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np

from piescope.adapters.protocol import TRIED, Model, Outputs
from piescope.data.pictures import Pictures
from piescope.problems import InputError

BATCH = 256
"""Pictures that a model sees at once, where nobody says another number."""

ONNX_OPERATIONS = ("DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM")
"""Operations of ONNX and onnxruntime that take a scale from the whole of what they are given."""

CLEARLY = 0.01
"""Share of the range of scores; what batches of other sizes do to floating-point sums is a thousandth of it."""


def dynamic_operations_of_onnx(content: bytes | Path) -> tuple[str, ...]:
    """Which of `ONNX_OPERATIONS` a model has; found in its bytes, so it needs no library that parses it.

    Args:
        content: the model: its bytes, or the path of a file.
    """
    if isinstance(content, bytes):
        return tuple(name for name in ONNX_OPERATIONS if _operation(name) in content)
    with content.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return tuple(name for name in ONNX_OPERATIONS if mapped.find(_operation(name)) >= 0)


def _operation(name: str) -> bytes:
    """A node's op_type as protobuf writes it: field 4, its length, its text. Names of nodes are another field."""
    return bytes([4 << 3 | 2, len(name)]) + name.encode()


def batch_note(model: Model, pictures: Pictures, batch_size: int) -> str | None:
    """What should be known of a model whose answers depend on the batch; None: they do not, or there is no batch.

    Told by what the model consists of; else by trying the first pictures together and alone.

    Args:
        model: opened.
        pictures: that it will look at.
        batch_size: how many at once.
    """
    together = min(batch_size, len(pictures))
    if together <= 1:
        return None
    cure = f"(here {together} at a time): --batch-size 1 tells what it says of each picture alone"
    operations = tuple(getattr(model, "dynamic_operations", ()))
    if operations:
        return (
            f"{model.name} quantises activations dynamically ({', '.join(operations)}), with one scale for a whole "
            f"batch: its answers depend on which pictures come together {cure}"
        )
    if _differs(model, pictures):
        return f"{model.name} says other things of a picture when others come with it {cure}"
    return None


def _differs(model: Model, pictures: Pictures) -> bool:
    """Whether a model that repeats itself says clearly other things of the first pictures together and alone."""
    some = pictures.batch(0, min(TRIED, len(pictures)))
    try:
        together, again = model.scores(some), model.scores(some)
        alone = [model.scores([picture]) for picture in some]
    except InputError:  # it takes no single picture
        return False
    return _alike(together, [again]) and not _alike(together, alone)


def _alike(one: Outputs, parts: list[Outputs]) -> bool:
    if one.labels is not None:
        labels = [part.labels for part in parts if part.labels is not None]
        return bool(np.array_equal(one.labels, np.concatenate(labels)))
    assert one.scores is not None
    other = np.concatenate([part.scores for part in parts if part.scores is not None])
    if one.scores.shape != other.shape:
        return False
    finite = one.scores[np.isfinite(one.scores)]
    span = float(np.ptp(finite)) if finite.size else 0.0
    return bool(np.allclose(one.scores, other, rtol=0, atol=CLEARLY * span + 1e-6))
