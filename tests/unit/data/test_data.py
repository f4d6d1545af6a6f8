from __future__ import annotations

import colorsys

import jaxtyping
import numpy as np
import pytest
import sklearn.datasets
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from piescope.data import augment
from piescope.data.batches import epoch_batches, normalise, to_unit
from piescope.data.dataset import Dataset
from piescope.data.sources import SOURCES, load_digits, stratified_choice
from piescope.seeds import Seeds

pytestmark = pytest.mark.shapes


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(batch: int = 16, channels: int = 3, size: int = 8) -> torch.Tensor:
    return torch.rand(batch, channels, size, size, generator=generator(99))


# --- the data set and its source


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


# --- order


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


def test_normalise() -> None:
    unit = to_unit(torch.tensor([[[[0, 255]]]], dtype=torch.uint8))
    assert normalise(unit, (0.5,), (0.25,)).flatten().tolist() == [-2.0, 2.0]


# --- augmentation


def test_augmentations_are_pure_and_deterministic() -> None:
    before = images()
    for function in (
        lambda x, g: augment.pad_and_crop(x, 2, g),
        lambda x, g: augment.horizontal_flip(x, 0.5, g),
        lambda x, g: augment.vertical_flip(x, 0.5, g),
        lambda x, g: augment.random_resized_crop(x, (0.2, 1.0), g),
        lambda x, g: augment.color_jitter(x, 0.4, 0.4, 0.4, 0.1, g, 0.8),
        lambda x, g: augment.grayscale(x, 0.5, g),
    ):
        argument = before.clone()
        first = function(argument, generator(1))
        assert torch.equal(argument, before)  # the input is not touched
        assert torch.equal(first, function(argument, generator(1)))
        assert not torch.equal(first, function(argument, generator(2)))
        assert first.shape == before.shape
        assert first.min() >= 0
        assert first.max() <= 1 + 1e-6


def test_pad_and_crop_shows_shifted_originals() -> None:
    before = images(batch=40, channels=1)
    after = augment.pad_and_crop(before, 1, generator())
    padded = torch.nn.functional.pad(before, (1, 1, 1, 1))
    offsets = set()
    for original, crop in zip(padded, after, strict=True):
        found = [
            (dy, dx) for dy in range(3) for dx in range(3) if torch.equal(original[:, dy : dy + 8, dx : dx + 8], crop)
        ]
        assert len(found) == 1
        offsets.add(found[0])
    assert len(offsets) == 9  # every offset occurs among 40


def test_flips_flip() -> None:
    before = images(batch=200)
    for function, axis in ((augment.horizontal_flip, 3), (augment.vertical_flip, 2)):
        after = function(before, 0.5, generator())
        flipped = (after == before.flip(axis)).flatten(1).all(1)
        kept = (after == before).flatten(1).all(1)
        assert bool((flipped ^ kept).all())
        assert 60 < int(flipped.sum()) < 140
        assert torch.equal(function(before, 0.0, generator()), before)
        assert torch.equal(function(before, 1.0, generator()), before.flip(axis))


def test_resized_crop_against_pillow() -> None:
    size = 16
    before = images(batch=30, channels=1, size=size)
    boxes = augment.crop_boxes(30, (size, size), (0.2, 1.0), (3 / 4, 4 / 3), generator(5))
    after = augment.random_resized_crop(before, (0.2, 1.0), generator(5))
    for image, crop, (top, left, height, width) in zip(before, after, boxes.tolist(), strict=True):
        whole = Image.fromarray(image[0].numpy(), mode="F")
        part = whole.crop((left, top, left + width, top + height))
        theirs = np.asarray(part.resize((size, size), Image.Resampling.BILINEAR))
        assert np.abs(crop[0].numpy() - theirs).max() < 1e-5


def test_crop_boxes_have_the_drawn_area_and_lie_inside() -> None:
    boxes = augment.crop_boxes(2000, (32, 32), (0.2, 1.0), (3 / 4, 4 / 3), generator()).double()
    top, left, height, width = boxes.T
    assert bool(((top >= 0) & (left >= 0) & (top + height <= 32) & (left + width <= 32)).all())
    area = height * width / 1024
    assert 0.17 < float(area.min()) < 0.25
    assert float(area.max()) <= 1
    assert 0.5 < float(area.mean()) < 0.65
    ratio = width / height
    assert float(ratio.min()) > 0.68
    assert float(ratio.max()) < 1.47


def test_crop_boxes_fall_back_to_the_largest_central_box() -> None:
    boxes = augment.crop_boxes(5, (10, 100), (1.0, 1.0), (3 / 4, 4 / 3), generator())
    assert boxes.tolist() == [[0, 43, 10, 13]] * 5


def test_hue_against_colorsys() -> None:
    before = images(batch=3, size=4)
    shift = torch.tensor([0.1, -0.3, 0.5]).view(-1, 1, 1, 1)
    after = augment.adjust_hue(before, shift)
    for image, turned, by in zip(before, after, shift.flatten().tolist(), strict=True):
        for y in range(4):
            for x in range(4):
                hue, saturation, value = colorsys.rgb_to_hsv(*image[:, y, x].tolist())
                expected = colorsys.hsv_to_rgb((hue + by) % 1, saturation, value)
                assert turned[:, y, x].tolist() == pytest.approx(expected, abs=1e-5)


def test_grey_and_blends_by_hand() -> None:
    pixel = torch.tensor([0.2, 0.4, 0.8]).view(1, 3, 1, 1)
    luma = 0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.8
    assert augment.to_grey(pixel).flatten().tolist() == pytest.approx([luma] * 3)
    half = torch.full((1, 1, 1, 1), 0.5)
    assert augment.adjust_brightness(pixel, half).flatten().tolist() == pytest.approx([0.1, 0.2, 0.4])
    assert augment.adjust_saturation(pixel, half).flatten().tolist() == pytest.approx(
        [(value + luma) / 2 for value in (0.2, 0.4, 0.8)]
    )
    two = torch.stack([torch.zeros(1, 1, 1), torch.ones(1, 1, 1)], dim=3).view(1, 1, 1, 2)
    assert augment.adjust_contrast(two, half).flatten().tolist() == pytest.approx([0.25, 0.75])


def test_jitter_leaves_the_unchosen_alone_and_one_channel_has_no_colour() -> None:
    before = images(batch=100)
    after = augment.color_jitter(before, 0.4, 0.4, 0.4, 0.1, generator(), probability=0.8)
    same = (after == before).flatten(1).all(1)
    assert 8 < int(same.sum()) < 35
    grey = images(batch=4, channels=1)
    unchanged = augment.color_jitter(grey, 0.0, 0.0, 0.9, 0.5, generator())
    torch.testing.assert_close(unchanged, grey, atol=1e-6, rtol=0)


def test_two_views_differ_and_fit() -> None:
    views = augment.two_views(images(), lambda x, g: augment.pad_and_crop(x, 2, g), generator())
    assert views.shape == (16, 2, 3, 8, 8)
    assert not torch.equal(views[:, 0], views[:, 1])
