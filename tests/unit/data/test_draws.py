"""Draws by counters: known answers, and the same numbers however they are asked for."""

from __future__ import annotations

import pytest
import torch

from piescope.data import draws
from piescope.data.draws import DrawnNumbers, batches_of, philox, uniform

pytestmark = pytest.mark.shapes

KNOWN = [  # Random123's kat_vectors: counter, key, answer
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter: str, key: str, answer: str) -> None:
    low, high = words(key)
    a, b, c, d = (torch.tensor([word, word]) for word in words(counter))
    found = philox((a, b, c, d), high << 32 | low)
    assert [word.tolist() for word in found] == [[word, word] for word in words(answer)]


def test_a_number_hangs_on_key_position_and_place_alone() -> None:
    all_of = uniform(5, torch.arange(40), 10)
    assert torch.equal(uniform(5, torch.tensor([31, 2]), 7), all_of[[31, 2], :7])
    assert not torch.equal(uniform(6, torch.arange(40), 10), all_of)
    assert not torch.equal(uniform(5 + 2**32, torch.arange(40), 10), all_of)
    assert not torch.equal(uniform(5, torch.tensor([2**32]), 10), uniform(5, torch.tensor([0]), 10))
    assert len(set(all_of.flatten().tolist())) == 400


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_a_gpu_draws_the_same() -> None:
    positions = torch.arange(1000)
    assert torch.equal(uniform(2**62 + 11, positions.cuda(), 54).cpu(), uniform(2**62 + 11, positions, 54))


def test_numbers_are_uniform_and_those_of_neighbours_have_nothing_in_common() -> None:
    found = uniform(3, torch.arange(50_000), 8).double()
    assert (float(found.min()) >= 0, float(found.max()) < 1) == (True, True)
    counts = torch.histc(found, bins=100, min=0, max=1)
    assert float(((counts - 4000) ** 2 / 4000).sum()) < 149.4  # chi squared, 99 degrees of freedom: 1 in 1,000
    correlations = torch.corrcoef(torch.cat([found[:-1], found[1:]], dim=1).T) - torch.eye(16)
    assert float(correlations.abs().max()) < 0.02  # 4.5 standard errors


@pytest.mark.parametrize("at_once", [1, 40, 2**22])
def test_batches_have_the_same_numbers_however_many_are_made_at_once(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draws, "AT_ONCE", at_once)
    batches = list(batches_of(9, 11, 4, 5, torch.device("cpu")))
    assert [batch.shape for batch in batches] == [(4, 5), (4, 5), (3, 5)]
    assert torch.equal(torch.cat(batches), uniform(9, torch.arange(11), 5))


def test_an_augmentation_without_draws_asks_for_no_numbers() -> None:
    assert [batch.shape for batch in batches_of(9, 5, 4, 0, torch.device("cpu"))] == [(4, 0), (1, 0)]


def test_drawn_numbers_are_handed_out_once() -> None:
    numbers = torch.arange(12.0).view(2, 6)
    drawn = DrawnNumbers(numbers)
    assert drawn.rand(1, 2).tolist() == [[[0, 1], [6, 7]]]
    assert drawn.rand(2, 2).tolist() == [[[2, 3], [8, 9]], [[4, 5], [10, 11]]]
    assert drawn.taken == 6
    with pytest.raises(RuntimeError, match="unflatten"):
        drawn.rand(1, 1)
