"""The data sets that studies name, and parts of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from hypothesis import given
from hypothesis import strategies as st

from piescope.data.sources import SOURCES, load_digits, load_source, stratified_choice
from piescope.problems import DataError

pytestmark = pytest.mark.shapes


def test_digits_are_the_described_split() -> None:
    splits = load_digits()
    facts = SOURCES["digits"].facts
    assert (len(splits.train), len(splits.test)) == (facts.train_examples, facts.test_examples) == (1000, 797)
    assert splits.train.image_shape == splits.test.image_shape == facts.image_shape
    assert not set(splits.train.ids) & set(splits.test.ids)
    everywhere = np.bincount(np.concatenate([splits.train.labels, splits.test.labels]))
    train = np.bincount(splits.train.labels)
    assert np.abs(train - everywhere * 1000 / 1797).max() < 1  # stratified
    assert splits.train.images.max() == 255
    assert splits.train.images.min() == 0


def test_digits_lie_nowhere_and_a_place_for_them_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError) as caught:
            load_source("digits", place, train_examples=100)
        assert (caught.value.problems[0].where, caught.value.problems[0].cure) == ("--data-dir", "leave --data-dir out")


def test_digits_are_those_of_scikit_learn() -> None:
    bundled = sklearn.datasets.load_digits()
    splits = load_digits()
    place = {name: index for half in (splits.train, splits.test) for index, name in enumerate(half.ids)}
    for half in (splits.train, splits.test):
        rows = [int(name.removeprefix("digits-")) for name in half.ids]
        assert np.array_equal(half.images[:, 0], np.round(bundled.images[rows] * 255 / 16).astype(np.uint8))
        assert np.array_equal(half.labels, bundled.target[rows])
    assert len(place) == 1797


def test_digits_split_is_fixed_for_ever() -> None:
    assert load_digits().fingerprint() == "50a054eff68487057d30f9753a9624f8ee33459f309ce42cc0117c9d142335b7"


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.floats(0, 1))
def test_stratified_choice(labels: list[int], share: float) -> None:
    array = np.array(labels)
    size = int(share * len(labels))
    chosen = stratified_choice(array, size)
    assert chosen.sum() == size
    for label in set(labels):
        members = array == label
        assert abs(chosen[members].sum() - members.sum() * size / len(labels)) < 1
