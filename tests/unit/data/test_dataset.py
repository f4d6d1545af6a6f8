"""The value that every study works on."""

from __future__ import annotations

import jaxtyping
import numpy as np
import pytest

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
