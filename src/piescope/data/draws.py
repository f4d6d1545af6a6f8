"""Uniform numbers by counters, for devices that the host must not wait for: Philox4x32-10 on whole numbers.

A number follows from (key, position, place) and nothing else: not from what was drawn before, nor from the device.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int64
from torch import Tensor

NAME = "philox4x32-10"
AT_ONCE = 2**22
"""Numbers that are made ahead: a few operators for many steps."""

WORD = 2**32 - 1
MULTIPLIERS, INCREMENTS, ROUNDS = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85), 10

Counter = tuple[Int64[Tensor, "*n"], Int64[Tensor, "*n"], Int64[Tensor, "*n"], Int64[Tensor, "*n"]]


def philox(counter: Counter, key: int) -> Counter:
    """Four words of 32 random bits for each counter of four words.

    Args:
        counter: int64, each 0 to 2**32 - 1.
        key: 64 bits.

    Source: Salmon, Moraes, Dror and Shaw 2011, https://doi.org/10.1145/2063384.2063405.

    Example:
        >>> zero = torch.zeros(1, dtype=torch.int64)
        >>> [f"{int(word):08x}" for word in philox((zero, zero, zero, zero), 0)]
        ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    a, b, c, d = counter
    keys = key & WORD, key >> 32
    for _ in range(ROUNDS):
        left, right = a * MULTIPLIERS[0], c * MULTIPLIERS[1]  # of the 64 bits the highest is taken for a sign
        a, b = (right >> 32 & WORD) ^ b ^ keys[0], right & WORD
        c, d = (left >> 32 & WORD) ^ d ^ keys[1], left & WORD
        keys = (keys[0] + INCREMENTS[0]) & WORD, (keys[1] + INCREMENTS[1]) & WORD
    return a, b, c, d


def uniform(key: int, positions: Int64[Tensor, " examples"], count: int) -> Float[Tensor, "examples count"]:
    """So many numbers for each position, from 0 to below 1 in steps of 2**-24, on the device of the positions.

    Example:
        >>> few, more = (uniform(7, torch.arange(2, length), 3) for length in (3, 9))
        >>> few.shape, torch.equal(few[0], more[0])
        (torch.Size([1, 3]), True)
    """
    blocks = -(-count // 4)
    block = torch.arange(blocks, device=positions.device).expand(len(positions), blocks)
    low, high = (word[:, None].expand_as(block) for word in (positions & WORD, positions >> 32))
    words = torch.stack(philox((block, torch.zeros_like(block), low, high), key), dim=-1)
    return ((words >> 8).to(torch.float32) * 2**-24).view(len(positions), -1)[:, :count]


def batches_of(
    key: int, examples: int, batch_size: int, count: int, device: torch.device
) -> Iterator[Float[Tensor, "batch count"]]:
    """Numbers for batch after batch of an epoch over so many examples; those of many batches are made at once.

    Example:
        >>> first, second = batches_of(7, 5, 3, 4, torch.device("cpu"))
        >>> torch.equal(torch.cat([first, second]), uniform(7, torch.arange(5), 4))
        True
    """
    together = batch_size * max(1, AT_ONCE // (batch_size * max(1, count)))
    for first in range(0, examples, together):
        positions = torch.arange(first, min(examples, first + together), device=device)
        yield from uniform(key, positions, count).split(batch_size)


class DrawnNumbers:
    """Numbers that are drawn already, for each example of a batch, as a generator: they are handed out in order.

    Args:
        numbers: ``[batch, numbers]``.

    Attributes:
        taken: how many of each example's.

    Example:
        >>> drawn = DrawnNumbers(torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]))
        >>> drawn.rand(1, 1).flatten().tolist(), drawn.taken
        ([0.10000000149011612, 0.4000000059604645], 1)
    """

    def __init__(self, numbers: Float[Tensor, "batch numbers"]) -> None:
        self._numbers, self.taken = numbers, 0

    def rand(self, before: int, after: int) -> Float[Tensor, "before batch after"]:
        """The next ``before * after`` of each example."""
        taken = self._numbers[:, self.taken : self.taken + before * after]
        self.taken += before * after
        return taken.unflatten(1, (before, after)).transpose(0, 1)
