"""Order of examples, and their scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from made_pictures import generator
from piescope.data.batches import epoch_batches, normalise, to_unit
from piescope.seeds import Seeds

pytestmark = pytest.mark.shapes


def test_order_follows_from_seed_replicate_purpose_and_epoch_alone() -> None:
    def order(seeds: Seeds, purpose: str, epoch: int) -> list[int]:
        torch.manual_seed(np.random.randint(1000))  # noqa: NPY002 the global state must not matter
        return torch.cat(list(epoch_batches(20, 6, seeds.torch(purpose, epoch)))).tolist()

    base = order(Seeds(0, 1), "order/encoder", 2)
    assert base == order(Seeds(0, 1), "order/encoder", 2)
    others = [(Seeds(1, 1), "order/encoder", 2), (Seeds(0, 2), "order/encoder", 2),
              (Seeds(0, 1), "order/head", 2), (Seeds(0, 1), "order/encoder", 3)]  # fmt: skip
    assert all(order(*other) != base for other in others)


def test_epoch_batches_cover_all_and_drop_last() -> None:
    assert sorted(torch.cat(list(epoch_batches(10, 4, generator()))).tolist()) == list(range(10))
    assert [len(batch) for batch in epoch_batches(10, 4, generator(), drop_last=True)] == [4, 4]
    assert {batch.device.type for batch in epoch_batches(10, 4, generator(), device=torch.device("meta"))} == {"meta"}


def test_normalise() -> None:
    unit = to_unit(torch.tensor([[[[0, 255]]]], dtype=torch.uint8))
    assert normalise(unit, (0.5,), (0.25,)).flatten().tolist() == [-2.0, 2.0]
