"""One model against one, against loops over every pair of models and every example; and how often it is wrong."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from scipy import stats

from made_moderation import slow_moderated
from piescope.measure.accuracy import RightSums
from piescope.measure.cells import CellSums
from piescope.measure.flips import adjusted_p_values, change_interval, change_p, change_test, mcnemar_p, selected_level
from piescope.measure.intervals import combined_variance, two_way_interval
from piescope.measure.one_to_one import FlipSums, wider

CLASSES = 4


def labels(models: int, examples: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    base = np.random.default_rng(99).integers(0, CLASSES, examples)
    return np.where(random.random((models, examples)) < 0.3, random.integers(0, CLASSES, (models, examples)), base)


def changes(one: np.ndarray, other: np.ndarray) -> int:
    return sum(a != b for a, b in zip(one.tolist(), other.tolist(), strict=True))


def losses(right: np.ndarray, after: np.ndarray) -> int:
    return sum(a and not b for a, b in zip(right.tolist(), after.tolist(), strict=True))


def slow_excess(several: np.ndarray, others: np.ndarray, flips) -> tuple[float, float]:
    """Observed and floor: the mean over pairs of models, one pair at a time."""
    observed = [flips(one, other) for one in several for other in others]
    floor = [flips(one, other) for one, other in permutations(several, 2)]
    return float(np.mean(observed)), float(np.mean(floor))


@pytest.mark.parametrize(("models", "others"), [(2, 1), (3, 1), (4, 1), (5, 3), (3, 7)])
def test_flips_against_loops_over_pairs(models: int, others: int) -> None:
    several, rest = labels(models, 61, 1), labels(others, 61, 2)
    halves = [FlipSums.of_changes(several[:, part], rest[:, part], CLASSES) for part in (slice(0, 20), slice(20, 61))]
    found = (halves[0] + halves[1]).excess()
    observed, floor = slow_excess(several, rest, changes)
    assert (found.observed, found.floor, found.value) == pytest.approx((observed, floor, observed - floor))
    right = several == 1, rest == 1
    lost = FlipSums.of_losses(*right).excess()
    assert (lost.observed, lost.floor) == pytest.approx(slow_excess(*right, losses))
    won = FlipSums.of_losses(~right[0], ~right[1]).excess()
    assert won.observed == pytest.approx(np.mean([losses(new, old) for old in right[0] for new in right[1]]))
    assert won.floor == pytest.approx(lost.floor)  # among one side as many are won as are lost
    assert won.observed - lost.observed == pytest.approx(right[1].sum(1).mean() - right[0].sum(1).mean())
    sums = RightSums.of(*right, np.zeros(61, int), 1)
    assert (sums.lost[0], sums.gained[0]) == pytest.approx((lost.observed, won.observed))


@pytest.mark.parametrize("models", [3, 4, 8])
@pytest.mark.parametrize("kind", [changes, losses])
def test_each_of_several_takes_the_place_of_the_other_in_turn(models: int, kind) -> None:
    several, rest = labels(models, 61, 3), labels(1, 61, 4)
    if kind is losses:
        several, rest = several == 1, rest == 1
        sums = FlipSums.of_losses(several, rest)
    else:
        sums = FlipSums.of_changes(several, rest, CLASSES)
    for model in range(models):
        left = np.delete(several, model, axis=0)
        observed, floor = slow_excess(left, several[model : model + 1], kind)
        assert sums.several[model] == pytest.approx(observed - floor)
    assert sums.several.sum() == pytest.approx(0, abs=1e-9)
    spread = sums.several * (models - 1) / models
    run = np.sqrt((spread**2).sum() / (models - 1) * (1 + 1 / models))
    found = sums.excess()
    # over examples: each example's excess, one at a time
    own = [slow_excess(several[:, [row]], rest[:, [row]], kind) for row in range(61)]
    each = np.array([observed - floor for observed, floor in own])
    over_examples = np.sqrt(61 * each.var(ddof=1))
    reach = stats.t.ppf(0.975, found.freedom) * found.error
    assert reach >= 1.95 * over_examples  # never surer than the examples allow
    assert reach >= stats.t.ppf(0.975, models - 1) * run * (1 - 1e-9)  # nor surer than one further run can be
    assert (found.low, found.high) == pytest.approx((found.value - reach, found.value + reach))
    of_run = 2 * stats.t.sf(abs(found.value) / run, models - 1)
    assert found.p_value >= max(of_run, 2 * stats.t.sf(abs(found.value) / found.error, found.freedom)) * (1 - 1e-9)
    assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)


def test_fewer_than_three_models_have_counts_and_no_interval() -> None:
    found = FlipSums.of_changes(labels(2, 50, 1), labels(1, 50, 2), CLASSES).excess()
    assert (
        found.observed > 0 and found.floor > 0 and np.isnan([found.error, found.low, found.high, found.p_value]).all()
    )
    with pytest.raises(ValueError, match="expected at least 2"):
        FlipSums.of_changes(labels(1, 50, 1), labels(2, 50, 2), CLASSES)
    with pytest.raises(ValueError, match="expected at least 2"):
        FlipSums.of_losses(labels(1, 50, 1) == 1, labels(2, 50, 2) == 1)


def test_the_wider_of_two_is_the_wider_at_95_percent() -> None:
    error, freedom = wider((np.array([1.0, np.nan, 2.0]), np.array([1e6, np.nan, 3.0])), (np.ones(3), np.full(3, 3.0)))
    assert error.tolist() == [1.0, 1.0, 2.0] and freedom.tolist() == [3.0, 3.0, 3.0]


@pytest.mark.parametrize("lone", ["dense", "compressed"])
def test_the_change_to_one_further_run(lone: str) -> None:
    """The textbook's prediction interval for one further draw, and never surer than examples allow."""
    for seed in range(20):
        random = np.random.default_rng(seed)
        skill = random.normal(0.7, 0.15 if seed % 2 else 0.0, (5, 1))
        several, one = random.random((5, 200)) < skill, random.random((1, 200)) < 0.7
        sides = (one, several) if lone == "dense" else (several, one)
        found = RightSums.of(*sides, np.zeros(200, int), 1).change()
        own = 100 * (sides[1].mean(0) - sides[0].mean(0)) / 200
        value = own.sum()
        odds, odd = (np.log((right.sum(1) + 0.5) / (200 - right.sum(1) + 0.5)) for right in (several, one))
        error = odds.std(ddof=1) * np.sqrt(1 + 1 / 5)
        reach = stats.t.ppf(0.975, 4) * error
        counts = 201 / (1 + np.exp(-(odds.mean() + np.array([-reach, reach])))) - 0.5  # of a further run
        textbook = np.sort((1 if lone == "compressed" else -1) * 100 * (one.mean() - counts / 200))
        over_runs = several.mean(1).var(ddof=1) * 6 / 5
        both = sum((several[:, row] - several[:, row].mean()).var(ddof=1) for row in range(200)) * 6 / 5 / 200**2
        variance, freedom = combined_variance(200 * (own / 100).var(ddof=1), 200.0, np.array([over_runs]), [5], both)
        two_way = value + np.array([-1, 1]) * stats.t.ppf(0.975, freedom) * 100 * np.sqrt(variance)
        assert found.low[0] == pytest.approx(max(-100, min(textbook[0], two_way[0])))
        assert found.high[0] == pytest.approx(min(100, max(textbook[1], two_way[1])))
        p_values = (
            2 * stats.t.sf(abs(odd[0] - odds.mean()) / error, 4),
            2 * stats.t.sf(abs(value) / 100 / np.sqrt(variance), freedom),
        )
        assert found.value[0] == pytest.approx(value) and found.p_value[0] == pytest.approx(max(p_values))
        longer = max(value - textbook[0], two_way[1] - value)  # downwards: bounds of a loss are made of it
        assert stats.t.ppf(0.975, found.freedom[0]) * found.error[0] == pytest.approx(longer)
        assert (found.p_value[0] < 0.05) == (found.low[0] > 0 or found.high[0] < 0)


@pytest.mark.sampled(4, heavy=True)
@pytest.mark.parametrize("models", [3, 5, 12])
def test_a_further_run_of_the_recipe_is_hardly_ever_called_worse_in_any_class(models: int) -> None:
    """Seeds that favour classes, recalls near 100 %: what moved one class's logits alike in one run of many."""
    random, called = np.random.default_rng(models), 0
    for _ in range(300):
        true = np.arange(1000) % 10
        moved = random.normal(0, 0.5, (models + 1, 10))[:, true] + random.normal(0, 0.5, (models + 1, 1000))
        right = random.normal(1.6, 1.2, 1000) + moved > 0
        found = RightSums.of(right[:models], right[models:], true, 10).change()
        called += bool(((adjusted_p_values(found.p_value) <= 0.05) & (found.value < 0)).any())
    assert called <= stats.binom.ppf(0.9999, 300, 0.025)


def test_runs_that_are_always_right_are_no_reason_for_doubt() -> None:
    right = np.ones((4, 50), bool)
    right[3, :5] = False
    found = RightSums.of(right[:3], right[3:], np.zeros(50, int), 1).change()
    assert found.value[0] == -10 and np.isfinite([found.low[0], found.high[0]]).all() and found.p_value[0] < 0.05


def test_the_field_s_four_dense_runs_have_the_interval_of_one_further_run() -> None:
    """2,000 examples, dense accuracies 74.8, 75.95, 75.2 and 75.3 %, a copy of 74.65 %."""
    right = np.zeros((5, 2000), bool)
    for model, count in enumerate((1496, 1519, 1504, 1506, 1493)):
        right[model, np.random.default_rng(model).permutation(2000)[:count]] = True
    found = RightSums.of(right[:4], right[4:], np.zeros(2000, int), 1).change()
    reach = stats.t.ppf(0.975, 3) * np.std([74.8, 75.95, 75.2, 75.3], ddof=1) * np.sqrt(1.25)
    assert found.value[0] == pytest.approx(74.65 - 75.3125)
    # these models share nothing, so that examples alone are less sure still; with shared ones it is the runs' own
    assert found.high[0] - found.value[0] >= reach
    shared = np.tile(np.arange(2000) < 1400, (5, 1))
    for model, count in enumerate((1496, 1519, 1504, 1506, 1493)):
        shared[model, 1400 : 1400 + count - 1400] = True
    found = RightSums.of(shared[:4], shared[4:], np.zeros(2000, int), 1).change()
    # near 75 % log odds are nearly as even as shares
    assert (found.high[0] - found.low[0]) / 2 == pytest.approx(reach, rel=0.04)


def test_several_on_both_sides_have_the_two_way_interval() -> None:
    several, rest = labels(6, 300, 5) == 1, labels(4, 300, 6) == 1
    found = FlipSums.of_losses(several, rest).excess()
    own = np.array([np.subtract(*slow_excess(several[:, [row]], rest[:, [row]], losses)) for row in range(300)])
    stand_ins = np.array(
        [
            [
                np.subtract(*slow_excess(np.delete(several[:, [row]], m, 0), several[m : m + 1, [row]], losses))
                for row in range(300)
            ]
            for m in range(6)
        ]
    )
    # a model of several takes part as the rest does: its stand-in's excess with the sign turned, 1/6 of it when left out
    without_several = own + stand_ins / 6
    each = np.array(
        [
            [np.subtract(*slow_excess(several[:, [r]], rest[c : c + 1, [r]], losses)) for r in range(300)]
            for c in range(4)
        ]
    )
    without_rest = (each.sum(0) - each) / 3
    expected = two_way_interval(own, np.concatenate([without_several, without_rest]), [6, 4])
    assert found.value == pytest.approx(expected.value)
    assert found.error == pytest.approx(expected.error)  # sums know no fourth moments, on which freedom hangs


def test_cells_against_loops() -> None:
    dense, compressed = labels(3, 80, 7), labels(2, 80, 8)
    truth = np.random.default_rng(9).integers(0, CLASSES, 80)
    parts = [CellSums.of(dense[:, p], compressed[:, p], truth[p], CLASSES) for p in (slice(0, 11), slice(11, 80))]
    both = parts[0] + parts[1]
    growth = both.growth(np.bincount(truth, minlength=CLASSES))
    change = growth.change()
    groups = []
    seen = {(t, c) for t in range(CLASSES) for c in range(CLASSES) if t != c}
    assert set(both.cells) == {
        (t, c) for t, c in seen if ((truth == t) & ((dense == c).any(0) | (compressed == c).any(0))).any()
    }
    for place, (true, said) in enumerate(both.cells):
        members = truth == true
        moved_in = np.mean([(members & (d != said) & (c == said)).sum() for d in dense for c in compressed])
        moved_out = np.mean([(members & (d == said) & (c != said)).sum() for d in dense for c in compressed])
        assert (growth.gained[place], growth.lost[place]) == pytest.approx((moved_in, moved_out))
        said_by = [(side == said)[:, members] for side in (dense, compressed)]
        alone = RightSums.of(*said_by, np.zeros(members.sum(), int), 1)
        assert change.value[place] == pytest.approx(alone.change().value[0])
        groups.append([*said_by, np.full(members.sum(), place)])
    # cells tell each other how much models vary, as groups of examples do
    rows = [np.concatenate(parts, axis=-1) for parts in zip(*groups, strict=True)]
    together = RightSums.of(*rows, len(groups)).change()
    assert change.p_value == pytest.approx(together.p_value, nan_ok=True)
    assert change.low == pytest.approx(together.low, nan_ok=True)


# --- interval and p-value are of one test


@pytest.mark.parametrize("models", [(1, 2), (1, 3), (2, 1), (4, 1), (2, 2), (2, 4), (3, 3)])
def test_an_interval_holds_0_exactly_where_its_p_value_is_above_the_level(models: tuple[int, int]) -> None:
    seen = 0
    for seed in range(120):
        random = np.random.default_rng(seed)
        examples, groups = random.integers(1, 60), random.integers(1, 8)
        shares = random.choice([0, 0.5, 0.8, 0.95, 1], 2)
        right = [random.random((count, examples)) < share for count, share in zip(models, shares, strict=True)]
        sums = RightSums.of(*right, random.integers(0, groups, examples), int(groups))
        for some in (sums, sums._each(lambda name, whole=sums: getattr(whole, name)[..., :0])):
            found = some.change()
            told = ~np.isnan(found.low)
            assert np.array_equal(told, ~np.isnan(found.high))
            assert np.array_equal((found.low > 0) | (found.high < 0), told & (found.p_value <= 0.05))
            assert (np.isnan(found.p_value) | (found.p_value == 1))[~told].all()
            seen += told.sum()
    assert seen > 100


def test_an_interval_of_counts_holds_0_exactly_where_its_p_value_is_above_the_level() -> None:
    lost, gained = np.meshgrid(np.arange(120), np.arange(120))
    by_score = 2 * stats.norm.sf(np.abs(lost - gained) / np.sqrt(np.maximum(lost + gained, 1)))
    for level in (0.5, 0.05, 0.01, 0.002, 5e-5, 1e-8):
        found = change_test(lost, gained, 1000, 1 - level)
        assert found.p_value == pytest.approx(np.maximum(mcnemar_p(lost, gained), by_score))
        assert np.array_equal((found.low > 0) | (found.high < 0), found.p_value <= level)
        low, high = change_interval(lost, gained, 1000, 1 - level)
        assert (found.low <= low).all() and (found.high >= high).all()  # never narrower than the score interval
        assert ((found.low == low) | (found.low == 0)).all() and ((found.high == high) | (found.high == 0)).all()


@pytest.mark.simulation
def test_intervals_at_the_selected_level_agree_with_benjamini_and_hochberg() -> None:
    random = np.random.default_rng(0)
    for _ in range(300):
        tests = int(random.integers(1, 40))
        lost, gained = random.binomial(200, random.choice([0.02, 0.1], tests)), random.binomial(200, 0.03, tests)
        p_values = change_test(lost, gained, 400).p_value
        level = selected_level(p_values)
        found = change_test(lost, gained, 400, 1 - level)
        assert np.array_equal((found.low > 0) | (found.high < 0), adjusted_p_values(p_values) <= 0.05)
        discoveries = int((adjusted_p_values(p_values) <= 0.05).sum())
        assert level == pytest.approx(0.05 * max(1, discoveries) / tests)
    assert selected_level(np.full(3, np.nan)) == 0.05 and selected_level(np.zeros(0)) == 0.05


# --- how often it is wrong


def runs(random: np.random.Generator, count: int, examples: int, spread: float) -> np.ndarray:
    """Runs of one recipe: examples of all kinds of hardness, runs of somewhat different skill."""
    hardness = random.normal(1.2, 1.5, examples)
    skill = random.normal(0, spread, (count, 1))
    return random.random((count, examples)) < 1 / (
        1 + np.exp(-(hardness + skill + random.normal(0, 0.7, (count, examples))))
    )


@pytest.mark.simulation
@pytest.mark.parametrize("spread", [0.0, 0.2])
@pytest.mark.parametrize("models", [3, 4, 8])
def test_a_further_run_is_rarely_beyond_the_seeds(models: int, spread: float) -> None:
    """Another run of the same recipe, new examples each time: the change, the flips beyond seeds, the mix-ups."""
    random = np.random.default_rng(models)
    draws, changed, flipped = 600, 0, 0
    for _ in range(draws):
        right = runs(random, models + 1, 250, spread)
        changed += RightSums.of(right[:-1], right[-1:], np.zeros(250, int), 1).change().p_value[0] < 0.05
        flipped += FlipSums.of_losses(right[:-1], right[-1:]).excess().p_value < 0.05
    nominal = 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)
    assert changed / draws <= nominal
    assert flipped / draws <= nominal


@pytest.mark.simulation
def test_a_run_that_lost_something_is_found() -> None:
    random = np.random.default_rng(1)
    found = 0
    for _ in range(100):
        right = runs(random, 6, 1000, 0.1)
        right[5] &= random.random(1000) >= 0.12
        found += FlipSums.of_losses(right[:5], right[5:]).excess().low > 0
    assert found > 90


def test_the_floor_is_over_unordered_pairs_as_well() -> None:
    several = labels(5, 40, 1)
    floor = FlipSums.of_changes(several, labels(1, 40, 2), CLASSES).floor
    assert floor == pytest.approx(np.mean([changes(one, other) for one, other in combinations(several, 2)]))


def test_two_models_a_side_change_by_no_more_than_can_be() -> None:
    """A t of one degree of freedom reaches far: a class's change was once said to be -6 points [-189, +177]."""
    dense = np.stack([np.arange(100) < 95, np.arange(100) < 85])
    compressed = np.stack([np.arange(100) < 90, np.arange(100) < 40])
    sums = RightSums.of(dense, compressed, np.zeros(100, int), 1)
    change, before = sums.change(), sums.accuracy("dense")
    assert (change.low[0], change.high[0]) == (-100, 100)
    assert change.p_value[0] > 0.05
    assert 0 <= before.low[0] < 90 < before.high[0] == 100


# --- groups that tell each other how much models vary


@pytest.mark.parametrize(("models", "other", "is_paired"), [(5, 5, False), (3, 9, False), (2, 4, False), (4, 4, True)])
def test_groups_tell_each_other_how_much_models_vary(models: int, other: int, is_paired: bool) -> None:
    for seed in range(6):
        random = np.random.default_rng(seed)
        group = random.integers(0, 8, 700)
        level = np.linspace(0.3, 2.5, 8) + random.normal(0, 0.5 if seed % 2 else 0.0, (models + other, 8))
        right = random.normal(size=700) + random.normal(0, 0.5, (models + other, 700)) + level[:, group] > 0
        dense, compressed = right[:models], right[models:]
        sums = RightSums.of(dense, compressed, group, 8, paired=is_paired)
        found = sums.change(0.99)
        sizes = np.bincount(group)
        terms = [(sums.compressed, sums.dense)] if is_paired else [(sums.dense,), (sums.compressed,)]
        spreads = []
        for counts, *before in terms:
            own = ((counts - before[0] if before else counts) / sizes).var(0, ddof=1)
            shares = np.array([(side.mean(0) + 0.5) / (sizes + 1) for side in (sums.dense, sums.compressed)])
            spreads.append(slow_moderated(own, shares, sizes, len(counts) - 1.0))
        for place in range(8):
            members = group == place
            sides = [dense[:, members].astype(float), compressed[:, members].astype(float)]
            change = sides[1].mean(0) - sides[0].mean(0)
            each = [sides[1] - sides[0]] if is_paired else sides
            both = sum(((one - one.mean(0)) ** 2).sum() / (len(one) - 1) / len(one) for one in each) / len(change) ** 2
            over_examples = change.var(ddof=1) / len(change)
            alone = [one.mean(1).var(ddof=1) / len(one) for one in each]
            units = [len(one) for one in each]
            shared = [spread[place] / len(one) for (spread, _), one in zip(spreads, each, strict=True)]
            many = [freedom[place] + 1 for _, freedom in spreads]
            tests = []
            for parts, strata in ((alone, units), (shared, many)):
                variance, freedom = combined_variance(
                    over_examples, float(len(change)), np.array(parts), np.array(strata, float), both
                )
                tests.append((np.sqrt(float(variance)), float(freedom)))
            tests = tests if min(units) == 2 else tests[1:]
            reach = max(100 * error * stats.t.ppf(0.995, freedom) for error, freedom in tests)
            p_value = max(2 * stats.t.sf(abs(change.mean()) / error, freedom) for error, freedom in tests)
            assert found.value[place] == pytest.approx(100 * change.mean())
            assert found.p_value[place] == pytest.approx(p_value, rel=1e-3, abs=1e-6)
            assert found.high[place] == pytest.approx(min(100, 100 * change.mean() + reach), rel=1e-3)
            assert (found.p_value[place] < 0.01) == (found.low[place] > 0 or found.high[place] < 0)


@pytest.mark.sampled(4, heavy=True)
@pytest.mark.parametrize("how", ["alike", "uneven"])
@pytest.mark.parametrize("models", [2, 3, 5])
def test_of_further_runs_hardly_any_class_is_called_worse_and_a_damaged_one_is_found(models: int, how: str) -> None:
    called = found = 0
    level = np.full(10, 2.2) if how == "alike" else np.linspace(0.3, 4, 10)
    for seed in range(200):
        random = np.random.default_rng(seed)
        true = random.permutation(np.arange(3000) % 10)
        moved = random.normal(0, 0.3, (2 * models, 10))
        noise = random.normal(0, 0.5, (2 * models, 3000)) + random.normal(0, 1.2, 3000)
        for damage in (0.0, 1.2):
            moved[models:, 3] -= damage
            right = level[true] + moved[:, true] + noise > 0
            change = RightSums.of(right[:models], right[models:], true, 10).change()
            worse = (adjusted_p_values(change.p_value) <= 0.05) & (change.value < 0)
            called += bool(not damage and worse.any())
            found += bool(damage and worse[3])
    assert called <= stats.binom.ppf(0.9999, 200, 0.03)
    assert models == 2 or found >= 100  # each class for itself: 21 of 200 with three models, of classes alike


@pytest.mark.parametrize("is_paired", [False, True])
@pytest.mark.parametrize("models", [3, 5, 7])
def test_groups_of_few_examples_are_no_harm_by_rounding(models: int, is_paired: bool) -> None:
    """200 groups of 3: in many all examples change by the same share, and what rounding left was taken for a variance."""
    called = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        chance = np.repeat(random.beta(6, 1, 600)[None], 2 * models, 0)
        right = random.random(chance.shape) < chance
        sums = RightSums.of(right[:models], right[models:], np.repeat(np.arange(200), 3), 200, is_paired)
        found = sums.change()
        known = found.p_value[np.isfinite(found.error)]
        assert (known > 1e-4).all() and (found.error[np.isfinite(found.error)] > 0.1).all()
        called += bool((adjusted_p_values(found.p_value) <= 0.05).any())
    assert called <= stats.binom.ppf(0.9999, 40, 0.05)


def test_equal_counts_tell_nothing_and_a_class_that_all_lose_is_found() -> None:
    """97 of 100 in each of three models: their variance is 1e-32 of rounding, as of a group that hardly varies."""
    random = np.random.default_rng(0)
    group = np.repeat(np.arange(8), 100)
    right = np.tile(np.arange(800) % 100 < 97, (6, 1))
    for model in range(6):
        right[model, random.permutation(400)[:40]] = False  # of the first four groups
    equal = RightSums.of(right[:3], right[3:], group, 8).change()
    assert (equal.freedom[:4] > 2).all() and (equal.error[:4] > 0.3).all()
    lost = right.copy()
    lost[3:, group == 6] = False
    lost[:3, group == 6] = True
    found = RightSums.of(lost[:3], lost[3:], group, 8).change()
    assert found.value[6] == -100 and found.p_value[6] < 1e-6 and found.high[6] < -50
    assert (found.error[:4] > 0.3).all()
    alone = RightSums.of(lost[:3, group >= 6], lost[3:, group >= 6], group[group >= 6] - 6, 2).change()
    assert alone.value[0] == -100 and alone.p_value[0] < 1e-20 and alone.high[0] < -90  # nothing varies: counts tell


def test_a_level_just_below_a_p_value_is_below_it_in_intervals_too() -> None:
    """Six of six in one direction have p = 1/32 exactly: 1 - (1 - level) rounded the level up to it."""
    lost, gained, sizes = np.array([0, 1]), np.array([6, 5]), np.array([6, 6])
    p_values, least = change_p(lost, gained), change_p(lost + gained, np.zeros(2, int))
    assert (adjusted_p_values(p_values, least) > 0.05).all()
    found = change_test(lost, gained, sizes, 1 - selected_level(p_values, 0.05, least))
    assert (found.low <= 0).all() and (found.high >= 0).all()
