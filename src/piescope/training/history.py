"""The losses of a training: on the device until somebody needs them, so that the host does not wait at every step."""

from __future__ import annotations

import math

import torch
from torch import Tensor

EVERY = 50
"""Steps after which losses are read at the latest."""


class DivergedError(RuntimeError):
    """A loss, a weight or an answer of a model became NaN or infinite."""


class Losses:
    """The loss of each step so far.

    Args:
        read: those of steps before; what is read is added to this list.
        of: what an error says of the training, after the number of the step.
        cure: what it says to do.

    Example:
        >>> losses = Losses([0.5], "of 4")
        >>> losses.append(torch.tensor(0.25))
        >>> len(losses), losses.read()
        (2, [0.5, 0.25])
        >>> losses.append(torch.tensor(torch.nan))
        >>> losses.read()
        Traceback (most recent call last):
        piescope.training.history.DivergedError: the loss is nan at step 3 of 4; ...
    """

    def __init__(self, read: list[float], of: str, cure: str = "lower the learning rate") -> None:
        self._read, self._of, self._cure = read, of, cure
        self._unread: list[Tensor] = []

    def __len__(self) -> int:
        return len(self._read) + len(self._unread)

    def append(self, loss: Tensor) -> None:
        """Adds that of the next step, a scalar; reads when `EVERY` are unread.

        Raises:
            DivergedError: likewise.
        """
        self._unread.append(loss.detach().clone())
        if len(self._unread) == EVERY:
            self.read()

    def read(self) -> list[float]:
        """All of them; the host waits for the last step.

        Raises:
            DivergedError: one is NaN or infinite; says at which step.
        """
        if self._unread:
            values, self._unread = torch.stack(self._unread).tolist(), []
            for value in values:
                if not math.isfinite(value):
                    step = f"step {len(self._read) + 1} {self._of}"
                    raise DivergedError(f"the loss is {value} at {step}; {self._cure}, or leave this seed out")
                self._read.append(value)
        return self._read
