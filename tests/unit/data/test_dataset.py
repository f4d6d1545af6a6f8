"""The value that every study works on."""

from __future__ import annotations

import jaxtyping
import numpy as np
import pytest
import torch

from piescope.data.dataset import Dataset
from piescope.data.sources import load_digits

pytestmark = pytest.mark.shapes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((2, 1, 8, 8), np.float32)}, "expected uint8"),
        ({"images": np.zeros((2, 8, 8), np.uint8)}, "expected uint8"),
        ({"labels": np.array([0])}, "one label and one id per image"),
        ({"labels": np.array([0, 2])}, "expected 0 to 1"),
        ({"labels": np.array([-1, 0])}, "expected 0 to 1"),
        ({"ids": ("a", "a")}, "unique"),
        ({"ids": "ab"}, "ids hold 'ab'; expected several texts"),
        ({"ids": (0, 1)}, "ids hold 0; expected several texts"),
        ({"class_names": ("x", "x")}, "1 class names are repeated"),
        ({"labels": np.array([0.0, 1.0])}, r"labels are float64 \[2\]; expected whole numbers"),
        ({"labels": np.array([False, True])}, "labels are bool"),
        ({"labels": np.array([[0], [1]])}, r"labels are int64 \[2, 1\]"),
        ({"labels": np.ma.array([0, 1], mask=[False, True])}, "masked"),
    ],
)
def test_a_wrong_data_set_is_refused(change: dict[str, object], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # what a user meets, who has no import hook
    right = {
        "images": np.zeros((2, 1, 8, 8), np.uint8),
        "labels": np.array([0, 1]),
        "ids": ("a", "b"),
        "class_names": ("x", "y"),
    }
    Dataset(**right)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        Dataset(**{**right, **change})  # type: ignore[arg-type]


def test_the_same_data_in_other_containers_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    images = np.arange(128, dtype=np.uint8).reshape(2, 1, 8, 8)
    first = Dataset(images, np.array([0, 1]), ("a", "b"), ("x", "y"))
    for labels in ([0, 1], np.array([0, 1], np.uint8), torch.tensor([0, 1])):
        other = Dataset(torch.from_numpy(images), labels, ["a", "b"], np.array(["x", "y"]))  # type: ignore[arg-type]
        assert other.fingerprint() == first.fingerprint() and other.labels.dtype == np.int64


def test_fingerprint_sees_every_part() -> None:
    base = load_digits().test
    prints = {base.fingerprint()}
    other = base.images.copy()
    other[3, 0, 4, 4] ^= 1
    prints.add(Dataset(other, base.labels, base.ids, base.class_names).fingerprint())
    labels = base.labels.copy()
    labels[0] = (labels[0] + 1) % 10
    prints.add(Dataset(base.images, labels, base.ids, base.class_names).fingerprint())
    prints.add(Dataset(base.images, base.labels, ("new", *base.ids[1:]), base.class_names).fingerprint())
    assert len(prints) == 4
