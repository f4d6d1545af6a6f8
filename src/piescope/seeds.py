"""The seed tree: every random number follows from (study seed, replicate, purpose, counters) and nothing else.

No global generator is read or set. Two arms of the same replicate share initial weights, data order and augmentation
up to the point where they differ, because the arm is no part of the tree.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    import torch


@dataclass(frozen=True)
class Seeds:
    """The randomness of one replicate of one study.

    Attributes:
        study: the study's seed, any integer.
        replicate: the replicate's seed (the paper's model id), any integer.

    Example:
        >>> seeds = Seeds(study=0, replicate=3)
        >>> seeds.integer("order", 0) == Seeds(0, 3).integer("order", 0)
        True
        >>> seeds.integer("order", 0) == seeds.integer("order", 1)
        False
        >>> int(seeds.numpy("order", 0).integers(0, 10, size=1)[0]) in range(10)
        True
    """

    study: int
    replicate: int

    def integer(self, purpose: str, *counters: int) -> int:
        """A 63-bit integer for one purpose ("order/encoder") and its counters (the epoch), by BLAKE2b."""
        path = "/".join([str(self.study), str(self.replicate), purpose, *map(str, counters)])
        return int.from_bytes(hashlib.blake2b(path.encode(), digest_size=8).digest(), "big") >> 1

    def numpy(self, purpose: str, *counters: int) -> numpy.random.Generator:
        """A NumPy generator for one purpose and its counters."""
        import numpy

        return numpy.random.default_rng(self.integer(purpose, *counters))

    def torch(self, purpose: str, *counters: int) -> torch.Generator:
        """A torch generator on the CPU for one purpose and its counters (draws there, so devices agree)."""
        import torch

        return torch.Generator().manual_seed(self.integer(purpose, *counters))
