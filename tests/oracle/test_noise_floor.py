"""The noise floor against slow loops and against studies whose truth is known."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from piescope.measure.intervals import smooth_interval, t_interval, two_way_interval
from piescope.measure.modal_chances import modal_chances
from piescope.measure.noise_floor import MOST_SPLITS, NoiseFloor, _choices, excess_difference, excess_pies
from piescope.measure.pies import group_modal_labels, modal_label, pie_mask, votes
from piescope.measure.vote_shares import expected_disagreement

CLASSES = 3


def populations(seed: int, dense: int, pruned: int, examples: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return tuple(random.integers(0, CLASSES, (models, examples)) for models in (dense, pruned))  # type: ignore[return-value]


def by_loops(dense: np.ndarray, pruned: np.ndarray) -> np.ndarray:
    """Each example's share of the excess, over all splits, each its own call of `pie_mask`."""
    size = min(len(pruned), len(dense) // 2)
    shares = []
    for other in combinations(range(len(pruned)), size):
        one = [model for model in range(len(dense)) if model not in other]
        lost = pie_mask(dense[one], pruned[list(other)], CLASSES)
        shares.append(lost.astype(float) - pie_mask(dense[one], dense[list(other)], CLASSES))
    return np.asarray(np.mean(shares, axis=0))


def floor_by_loops(dense: np.ndarray, sizes: tuple[int, int]) -> float:
    """Two groups of models that vote as these do, every outcome of every group; less the jackknife's bias."""

    def plain(labels: np.ndarray) -> float:
        total = 0.0
        for example in range(labels.shape[1]):
            shares = np.bincount(labels[:, example], minlength=CLASSES) / len(labels)
            chances = [np.zeros(CLASSES), np.zeros(CLASSES)]
            for side, size in enumerate(sizes):
                for said in product(range(CLASSES), repeat=size):
                    chances[side][np.bincount(said).argmax()] += np.prod(shares[list(said)])
            total += 1 - chances[0] @ chances[1]
        return total

    without = [plain(np.delete(dense, model, axis=0)) for model in range(len(dense))]
    return float(len(dense) * plain(dense) - (len(dense) - 1) * np.mean(without))


@pytest.mark.parametrize(("dense", "pruned"), [(4, 4), (5, 5), (5, 3), (6, 3), (7, 2)])
def test_relatives_by_loops(dense: int, pruned: int) -> None:
    before, after = populations(0, dense, pruned)
    found = NoiseFloor(before, CLASSES).under(after, "descended")
    assert found.excess_share == pytest.approx(by_loops(before, after))
    assert found.floor.value == pytest.approx(floor_by_loops(before, found.sizes))
    assert found.observed.value == pytest.approx(found.floor.value + found.excess.value)


@pytest.mark.parametrize(("dense", "pruned"), [(4, 4), (5, 3)])
def test_strangers_by_loops(dense: int, pruned: int) -> None:
    before, after = populations(0, dense, pruned)
    found = NoiseFloor(before, CLASSES).under(after)
    assert found.sizes == (dense, pruned)
    assert found.observed.value == pytest.approx(pie_mask(before, after, CLASSES).sum())
    by_loops, by_shares = floor_by_loops(before, found.sizes), expected_disagreement(before, CLASSES, found.sizes)
    assert found.floor.value == pytest.approx((by_loops + by_shares.sum()) / 2)
    assert found.excess.value == pytest.approx(found.observed.value - found.floor.value)


@pytest.mark.parametrize("null", ["independent", "descended"])
def test_interval_by_leaving_models_out_one_at_a_time(null: str) -> None:
    """Chances of two groups of 2 of the same 4 models' votes (of all 5 and all 5 of strangers), each anew by hand."""
    models = 5 if null == "independent" else 4  # of fewer strangers there is no interval
    before, after = populations(1, models, models)
    found = NoiseFloor(before, CLASSES).under(after, null)  # type: ignore[arg-type]
    size = 5 if null == "independent" else 2

    def chances(labels: np.ndarray, gone: int | None) -> np.ndarray:
        left = labels if gone is None else np.delete(labels, gone, axis=0)
        return modal_chances(votes(left, CLASSES), size)

    def beyond(gone_dense: int | None, gone_pruned: int | None) -> np.ndarray:
        dense, pruned = chances(before, gone_dense), chances(after, gone_pruned)
        return np.asarray((dense * dense).sum(1) - (dense * pruned).sum(1))

    if null == "descended":
        moved, strata = [beyond(model, model) for model in range(models)], [models]
    else:
        moved, strata = (
            [*(beyond(model, None) for model in range(models)), *(beyond(None, model) for model in range(models))],
            [models, models],
        )
    without = found.excess_share + np.stack(moved) - beyond(None, None)
    assert found.excess_without == pytest.approx(without)
    expected = two_way_interval(found.excess_share, found.excess_without, strata)
    if null == "descended":
        assert found.excess == expected
        return
    by_shares = expected_disagreement(before, CLASSES, (5, 5)).sum()
    by = abs(by_shares - floor_by_loops(before, (5, 5))) / 2  # as far as either floor would have it
    assert by > 0.01 and found.excess.value == pytest.approx(expected.value)
    assert (found.excess.low, found.excess.high) == pytest.approx((expected.low - by, expected.high + by))


def test_sampled_splits_use_every_model_equally_often_and_follow_the_seed() -> None:
    before, after = populations(2, 14, 14)
    first, again, other = (excess_pies(before, after, CLASSES, seed, "descended") for seed in (0, 0, 1))
    assert first == again
    assert first.observed != other.observed
    few = [excess_pies(before[:5], after[:5], CLASSES, seed, "descended") for seed in (0, 1)]
    assert few[0] == few[1]
    for items, size in ((14, 7), (30, 15), (31, 15), (60, 30), (40, 13)):
        chosen = _choices(items, size, np.random.default_rng(0))
        assert len(chosen) <= max(MOST_SPLITS, 2 * items)
        assert (chosen.sum(1) == size).all()
        assert np.ptp(chosen.sum(0)) <= len(chosen) / items + 1


def test_descended_models_never_meet_their_parents() -> None:
    """A pruned model that is its parent's copy adds nothing to the floor; met with its parent it would hide it."""
    before, _ = populations(3, 10, 10, examples=400)
    found = excess_pies(before, before, CLASSES, null="descended")
    assert found.excess == 0
    assert found.floor > 0
    assert pie_mask(before, before, CLASSES).sum() == 0


def test_fresh_dense_models_make_groups_as_large_as_the_comparison() -> None:
    before, after = populations(4, 12, 6)
    found = NoiseFloor(before, CLASSES).under(after, "descended")
    assert (found.sizes, found.splits) == ((6, 6), 1)
    of_fresh = [pie_mask(before[6:], side, CLASSES).sum() for side in (after, before[:6])]
    assert found.excess.value == of_fresh[0] - of_fresh[1]


def test_group_modal_labels_against_one_call_each() -> None:
    random = np.random.default_rng(6)
    for classes in (1, 2, 7, 300):
        said = random.integers(0, classes, (9, 50))
        groups = random.random((40, 9)) < 0.5
        groups[:, 0] = True
        found = group_modal_labels(said, groups, classes)
        for group, labels in zip(groups, found, strict=True):
            assert labels.tolist() == modal_label(said[group], classes).tolist()


def study(
    random: np.random.Generator, models: int, planted: float, common: float, null: str, fresh: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two classes, 800 examples of all difficulties; seeds may shift all examples at once; pruning may shift a tenth."""
    examples = 800
    hard = random.beta(0.5, 2, examples)
    logit = np.log(hard / (1 - hard) + 1e-9)
    shift = planted * (random.random(examples) < 0.1)
    seeds = common * random.normal(size=(models + fresh, 1))
    noise = random.random((models + fresh, examples))
    dense = noise < 1 / (1 + np.exp(-(logit + seeds)))
    if null == "descended":  # a descendant keeps four fifths of its parent's luck
        noise = np.where(random.random((models, examples)) < 0.2, random.random((models, examples)), noise[:models])
        pruned = noise < 1 / (1 + np.exp(-(logit + seeds[:models] + shift)))
    else:
        seeds = common * random.normal(size=(models, 1))
        pruned = random.random((models, examples)) < 1 / (1 + np.exp(-(logit + seeds + shift)))
    return dense.astype(int), pruned.astype(int)


STUDIES = 200


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("models", "fresh", "planted", "common", "null"),
    [
        (5, 0, 0.0, 0.0, "independent"),
        (5, 5, 3.0, 0.5, "independent"),
        (8, 0, 3.0, 0.0, "independent"),
        (8, 0, 0.0, 0.5, "independent"),
        (8, 0, 3.0, 0.5, "descended"),
        (5, 5, 0.0, 0.0, "descended"),
    ],
)
def test_excess_is_unbiased_and_its_interval_covers(
    models: int, fresh: int, planted: float, common: float, null: str
) -> None:
    random = np.random.default_rng(7)
    floors = []
    for seed in range(STUDIES):
        dense, pruned = study(random, models, planted, common, null, fresh)
        floors.append(NoiseFloor(dense, 2, seed).under(pruned, null))  # type: ignore[arg-type]
    found = [each.excess for each in floors]
    values = np.array([each.value for each in found])
    truth, error = values.mean(), values.std(ddof=1) / np.sqrt(STUDIES)
    if planted == 0:
        # relatives: without bias; strangers: but for what the jackknife leaves of the floor's, some percent of it
        bias = 0.03 * np.mean([each.floor.value for each in floors]) if null == "independent" else 0.0
        assert abs(truth) < 3 * error + bias
    else:
        assert truth > 5 * error
    covered = np.mean([each.low <= truth <= each.high for each in found])
    assert 0.95 - 3 * 0.0154 <= covered <= 0.99
    assert 0.8 < np.mean([each.error for each in found]) / values.std(ddof=1) < 1.25


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("models", "size", "null", "spread"), [(5, 5, "independent", 1.05), (20, 10, "descended", 0.7)]
)
def test_floor_is_what_two_further_groups_have(models: int, size: int, null: str, spread: float) -> None:
    """Right to 3 %, and as far off as the count of two such groups, which takes twice as many models, or less."""
    random, found, counted = np.random.default_rng(13), [], []
    for _ in range(100):
        hard = random.beta(0.5, 2, 800)
        dense, *groups = ((random.random((many, 800)) < hard).astype(int) for many in (models, size, size))
        floor = NoiseFloor(dense, 2).under(dense[:size], null)  # type: ignore[arg-type]
        assert floor.sizes == (size, size)
        found.append(floor.floor.value)
        counted.append(pie_mask(*groups, 2).sum())
    assert abs(np.mean(found) - np.mean(counted)) < 0.03 * np.mean(counted) + 3 * np.std(counted) / 10
    assert np.std(found) < spread * np.std(counted)


@pytest.mark.simulation
def test_the_halves_of_a_group_would_not_do_for_the_whole() -> None:
    """Why sizes must match: without an effect, PIEs of 10 against 10 less the floor of 5 against 5 are far from 0."""
    random = np.random.default_rng(8)
    naive, matched = [], []
    for _ in range(30):
        dense, pruned = study(random, 10, 0.0, 0.0, "independent")
        found = excess_pies(dense, pruned, 2, null="descended")
        naive.append(pie_mask(dense, pruned, 2).sum() - found.floor)
        matched.append(found.excess)
    assert np.mean(naive) < -10
    assert abs(np.mean(matched)) < 5


def test_two_way_interval_of_sums_by_components() -> None:
    """Against the three variances written out, for a table of additive effects, and its refusals."""
    random = np.random.default_rng(9)
    table = random.normal(size=(6, 1)) + random.normal(size=(1, 40)) + random.normal(size=(6, 40))
    shares = table.mean(0) / 40
    without = np.stack([np.delete(table, model, 0).mean(0) / 40 for model in range(6)])
    found = two_way_interval(shares, without, [6])
    examples = table.mean(0).var(ddof=1) / 40
    models = table.mean(1).var(ddof=1) / 6
    both = sum(np.var(table[:, example], ddof=1) / 6 for example in range(40)) / 40**2
    assert found.value == pytest.approx(table.mean())
    assert found.error**2 == pytest.approx(examples + max(0.0, models - both))
    assert np.isnan(two_way_interval(shares, without[:1], [1]).low)
    assert np.isnan(two_way_interval(np.ones(5), np.ones((3, 5)), [3]).low)
    with pytest.raises(ValueError, match="expected units"):
        two_way_interval(shares, without, [5])
    assert np.isnan(t_interval(1.0, 0.0, 5.0).low)
    above = t_interval(1.0, 0.25, 9.0)
    assert above.p_above == pytest.approx(1 - above.p_below)
    assert above.p_above < 0.05


def test_few_examples_that_count_are_known_as_that_few() -> None:
    shares = (np.arange(1000) < 4).astype(float)
    found = two_way_interval(shares, np.stack([shares] * 3), [3])
    assert found.freedom == pytest.approx(8, rel=0.05)


def test_smooth_interval_by_hand() -> None:
    """A ratio's influence function written out, over two groups and one; and its refusals."""
    random = np.random.default_rng(14)
    one, other = (random.random((5, 60)) for _ in range(2))
    found = smooth_interval(lambda a, b: a / b, [one, other])
    ratio = one[0].sum() / other[0].sum()
    shares = (one - ratio * other) / other[0].sum()
    by_hand = two_way_interval(shares[0], shares[1:], [4])
    assert (found.value, found.error, found.freedom) == pytest.approx((ratio, by_hand.error, by_hand.freedom), rel=1e-6)
    group = np.arange(60) % 2
    apart = smooth_interval(lambda a: a[0] - a[1], [one], group)
    by_hand = two_way_interval(one[0] * (1 - 2 * group), one[1:] * (1 - 2 * group), [4])
    assert (apart.value, apart.error) == pytest.approx((by_hand.value, by_hand.error), rel=1e-6)
    for terms in ([one, 0 * other], [one[:3], other[:3]]):
        assert np.isnan(smooth_interval(lambda a, b: a / b if b > 0 else np.nan, terms).low)
    assert found.times(100.0).low == pytest.approx(100 * found.low)


def test_rounding_of_slopes_is_no_spread() -> None:
    """Means that are alike in all models and examples have no interval; one answer of 50,000 that differs makes one."""
    held = (np.random.default_rng(16).random(10_000) < 0.3).astype(float).repeat(6).reshape(-1, 6).T
    for depth in (1.0, 7.0, 0.1):
        means = [held * depth, held, (1 - held) * depth, 1 - held]
        alike = smooth_interval(lambda a, b, c, d: a / b - c / d, means)
        assert abs(alike.value) < 1e-12 and np.isnan(alike.error) and alike.p_above == 1.0
        means[0] = held * np.where(np.arange(10_000) == np.flatnonzero(held[0])[0], 1.2 * depth, depth)
        assert smooth_interval(lambda a, b, c, d: a / b - c / d, means).error > 1e-7 * depth


def test_what_seeds_add_by_curvature_is_taken_off() -> None:
    """The square of a mean of seeds becomes the mean product of two different ones; with two groups, of either's."""
    random = np.random.default_rng(15)
    each = random.normal(size=(5, 60))
    term = np.concatenate([each.mean(0)[None], (each.sum(0) - each) / 4])
    sums = each.sum(1)
    products = (sums.sum() ** 2 - (sums**2).sum()) / 20
    plain, found = (smooth_interval(np.square, [term], is_curved=taken) for taken in (False, True))
    assert plain.value == pytest.approx(sums.mean() ** 2)
    assert found.value == pytest.approx(products)
    assert found.error == plain.error
    one, other = (
        np.concatenate([term, np.tile(term[0], (5, 1))]),
        np.concatenate([term[:1], term[:1].repeat(5, 0), term[1:]]),
    )
    apart = smooth_interval(lambda a, b: a**2 + b**2, [one, other], strata=[5, 5], is_curved=True)
    assert apart.value == pytest.approx(2 * products)
    few = [np.concatenate([term[:1], term[1:5]])]
    assert np.isnan(smooth_interval(np.square, few, is_curved=True).error), (
        "of four seeds it is not known how sure it is"
    )
    assert smooth_interval(np.square, few).error > 0


@pytest.mark.simulation
@pytest.mark.parametrize("shared", [1.0, 0.5, 0.0])
def test_difference_of_two_excesses_covers(shared: float) -> None:
    """Two prunings that do the same: their difference is 0, whatever share of a seed's luck the dense models have in
    common: all where they are the same models, some where two objectives share seeds, or none."""
    random = np.random.default_rng(10)
    found = []
    for seed in range(150):
        logit = random.normal(-1.5, 1.5, 1200)
        shift = 3.0 * (random.random(1200) < 0.1)
        luck = random.random((6, 1200))
        sides = []
        for _ in range(2):
            floors = NoiseFloor((luck < 1 / (1 + np.exp(-logit))).astype(int), 2, seed)
            own = np.where(random.random((6, 1200)) < 0.2, random.random((6, 1200)), luck)
            pruned = (own < 1 / (1 + np.exp(-(logit + shift)))).astype(int)
            sides.append(floors.under(pruned, "descended"))
            luck = np.where(random.random((6, 1200)) < shared, luck, random.random((6, 1200)))
        found.append(excess_difference(*sides))
    values = np.array([each.value for each in found])
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(150)
    covered = np.mean([each.low <= 0 <= each.high for each in found])
    assert covered >= 0.95 - 3 * 0.0178


def test_what_a_seed_does_to_both_sides_is_no_part_of_the_difference() -> None:
    """Two objectives whose models of a seed err together: their difference is surer than that of strangers."""
    random = np.random.default_rng(13)
    logit = random.normal(-1.5, 1.5, 1500)
    luck, pushed = random.random((6, 1500)), random.normal(0, 1.0, (6, 1))  # all examples of a seed at once
    sides = []
    for pushes in (pushed, pushed, pushed[::-1]):
        dense = (luck < 1 / (1 + np.exp(-logit))).astype(int)
        pruned = (random.random((6, 1500)) < 1 / (1 + np.exp(-(logit + pushes)))).astype(int)
        sides.append(NoiseFloor(dense, 2).under(pruned, "same_seeds"))
    assert excess_difference(sides[0], sides[1]).error < 0.8 * excess_difference(sides[0], sides[2]).error


def test_difference_of_excesses_by_hand() -> None:
    before, after = populations(11, 6, 6)
    floors = NoiseFloor(before, CLASSES)
    one, other = floors.under(after, "descended"), floors.under(after[::-1], "descended")
    by_hand = two_way_interval(one.excess_share - other.excess_share, one.excess_without - other.excess_without, [6])
    assert excess_difference(one, other) == by_hand
    with pytest.raises(ValueError, match="expected as many of both arms"):
        excess_difference(one, floors.under(after[:3], "descended"))


@pytest.mark.simulation
def test_models_of_the_same_seed_never_meet() -> None:
    """Gradual pruning keeps some of its seed's luck: counted with any dense group, its excess would be too low."""
    random = np.random.default_rng(12)
    met, apart = [], []
    for _ in range(40):
        logit = random.normal(-1.5, 1.5, 800)
        luck = random.random((8, 800))
        dense = (luck < 1 / (1 + np.exp(-logit))).astype(int)
        own = np.where(random.random((8, 800)) < 0.7, random.random((8, 800)), luck)
        pruned = (own < 1 / (1 + np.exp(-logit))).astype(int)
        met.append(excess_pies(dense, pruned, 2, null="independent").excess)
        apart.append(excess_pies(dense, pruned, 2, null="same_seeds").excess)
    error = np.std(apart) / np.sqrt(40)
    assert abs(np.mean(apart)) < 3 * error
    assert np.mean(met) < -3 * error


@pytest.mark.simulation
def test_added_variance_is_excess_and_does_not_last() -> None:
    """Pruned models that vary more, and ones whose labels move: both have an excess, and only the second lasts."""
    random, found = np.random.default_rng(15), {"varies": [], "moves": []}
    for _ in range(60):
        logit = random.normal(0, 3, 1000)
        moved = random.random(1000) < 0.06
        dense = (random.random((20, 1000)) < 1 / (1 + np.exp(-logit))).astype(int)
        floors = NoiseFloor(dense, 2)
        for name, pruned in (("varies", logit / 2), ("moves", np.where(moved, -logit, logit))):
            said = (random.random((10, 1000)) < 1 / (1 + np.exp(-pruned))).astype(int)
            floor = floors.under(said, "same_seeds")
            found[name].append((floor.excess.value, floor.lasting.value, floor.lasting.low, floor.lasting.high))
    for name, truth in (("varies", 0), ("moves", 60)):
        excess, lasting, low, high = np.array(found[name]).T
        assert excess.mean() > 15
        assert lasting.mean() == pytest.approx(truth, abs=6 + 3 * lasting.std() / 60**0.5)
        assert np.mean((low <= lasting.mean()) & (lasting.mean() <= high)) >= 0.85


def test_lasting_by_hand() -> None:
    """Two sizes of groups of strangers, from chances; the line through both, where the floor is 0."""
    before, after = populations(16, 12, 12)
    floor = NoiseFloor(before, CLASSES).under(after)

    def jackknifed(one: np.ndarray, other: np.ndarray, both: bool) -> float:
        def total(first: np.ndarray, second: np.ndarray) -> float:
            chances = [modal_chances(votes(labels, CLASSES), 6) for labels in (first, second)]
            return float(np.sum(1 - (chances[0] * chances[1]).sum(1)))

        whole = total(one, other)
        moved = [total(np.delete(one, k, 0), np.delete(one, k, 0) if both else other) - whole for k in range(12)]
        moved += [0.0 if both else total(one, np.delete(other, k, 0)) - whole for k in range(12)]
        return whole - 23 * float(np.mean(moved))

    halves, floor_of_halves = jackknifed(before, after, False), jackknifed(before, before, True)
    plain = [
        np.sum(1 - (modal_chances(votes(labels, CLASSES), 12) ** 2).sum(1))
        for labels in (before, *(np.delete(before, k, 0) for k in range(12)))
    ]
    whole = 12 * plain[0] - 11 * np.mean(plain[1:])  # the same estimate at both sizes
    slope = (halves - floor.observed.value) / (floor_of_halves - whole)
    assert floor.lasting.value == pytest.approx(floor.observed.value - slope * whole)
