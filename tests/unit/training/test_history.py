"""Losses that are read later are those of their steps."""

from __future__ import annotations

import pytest
import torch

from piescope.training import history
from piescope.training.history import DivergedError, Losses


def test_what_is_read_is_added_to_what_there_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "EVERY", 3)
    read = [0.5]
    losses = Losses(read, "of 9")
    given = [0.1, 1 / 3, 2.5, 1e-300]
    reused = torch.zeros((), dtype=torch.float64, requires_grad=True).clone()  # a captured graph's is
    for value, known in zip(given, (1, 1, 4, 4), strict=True):
        losses.append(reused.detach().fill_(value))
        assert len(read) == known
    assert len(losses) == 5
    assert losses.read() == losses.read() == read == [0.5, *given]


def test_a_float32_loss_is_the_float_that_it_is() -> None:
    losses = Losses([], "")
    losses.append(torch.tensor(0.1))
    assert losses.read() == [float(torch.tensor(0.1))] != [0.1]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_the_first_that_is_no_number_is_told_with_its_step(value: str) -> None:
    losses = Losses([1.0] * 3, "of 40 (head, seed 2)")
    for loss in (1.0, float(value), 1.0, torch.nan):
        losses.append(torch.tensor(loss))
    with pytest.raises(DivergedError, match=rf"^the loss is {value} at step 5 of 40 \(head, seed 2\); lower the "):
        losses.read()
