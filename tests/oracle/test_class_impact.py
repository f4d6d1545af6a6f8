"""Which classes pay: against SciPy, statsmodels, slow loops, drawn resamples, and made studies whose truth is known."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy import special, stats
from statsmodels.stats.meta_analysis import effectsize_smd
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

from made_intervals import freedom_by_search
from made_moderation import slow_moderated
from piescope.measure.class_equivalence import class_equivalence, no_class_lost_more
from piescope.measure.class_impact import class_impact

Answers = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Made:
    """How studies are made: each answer is right with a probability of its example, seed and class (probit).

    Attributes:
        sizes: examples of each class.
        ability: of each class; 1 is 76 % right where examples differ by 1.
        shift: what pruning adds to each class's ability.
        models: of each group.
        examples_differ: standard deviation of examples' ability within a class.
        changes_differ: of what pruning adds to one example; 0: it does the same to all of a class.
        seed_common: of what a seed adds to all classes.
        seed_class: of what a seed adds to each class on its own.
    """

    sizes: tuple[int, ...] = (30, 60, 60, 90, 120)
    ability: tuple[float, ...] = (0.4, 0.7, 1.0, 1.3, 1.6)
    shift: tuple[float, ...] = (-0.3, -0.1, -0.1, 0.0, 0.1)
    models: tuple[int, int] = (10, 10)
    examples_differ: float = 1.0
    changes_differ: float = 0.5
    seed_common: float = 0.0
    seed_class: float = 0.0

    @property
    def labels(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @property
    def impact(self) -> np.ndarray:
        """What studies of this kind give on average, in percentage points: the mean of a probit over normals."""
        ability, shift, sizes = map(np.array, (self.ability, self.shift, self.sizes))
        spread = 1 + self.examples_differ**2 + self.seed_common**2 + self.seed_class**2
        dense = special.ndtr(ability / np.sqrt(spread))
        pruned = special.ndtr((ability + shift) / np.sqrt(spread + self.changes_differ**2))
        return 100 * (pruned - dense - np.average(pruned - dense, weights=sizes))

    def without_impact(self) -> Made:
        """Each class right as often before and after, on average."""
        before = 1 + self.examples_differ**2 + self.seed_common**2 + self.seed_class**2
        growth = math.sqrt((before + self.changes_differ**2) / before) - 1
        return replace(self, shift=tuple(each * growth for each in self.ability))

    def study(self, random: np.random.Generator) -> Answers:
        labels, classes = self.labels, len(self.sizes)
        before = np.array(self.ability)[labels] + self.examples_differ * random.standard_normal(len(labels))
        after = before + np.array(self.shift)[labels] + self.changes_differ * random.standard_normal(len(labels))
        groups = []
        for ability, models in zip((before, after), self.models, strict=True):
            seeds = self.seed_common * random.standard_normal((models, 1))
            seeds = seeds + self.seed_class * random.standard_normal((models, classes))
            right = random.random((models, len(labels)), np.float32) < special.ndtr(ability + seeds[:, labels])
            groups.append(np.where(right, labels, (labels + 1) % classes))
        return groups[0], groups[1], labels

    def studies(self, count: int, seed: int) -> Iterator[Answers]:
        random = np.random.default_rng(seed)
        return (self.study(random) for _ in range(count))


def by_class(answers: Answers, method: str, *names: str) -> np.ndarray:
    """``[names, classes]`` by class id."""
    dense, pruned, labels = answers
    rows = sorted(class_impact(dense, pruned, labels, int(labels.max()) + 1, method), key=lambda row: row["class"])  # type: ignore[arg-type]
    return np.array([[row[name] for row in rows] for name in names], float)


def share(hits: np.ndarray) -> tuple[float, float]:
    """The share of hits, and its Monte-Carlo error; classes of one study hang together, studies do not."""
    each = hits.reshape(len(hits), -1).mean(1)
    return float(each.mean()), float(each.std(ddof=1) / math.sqrt(len(each)))


def slow_recalls(group: np.ndarray, labels: np.ndarray, number: int) -> list[float]:
    mine = [i for i in range(len(labels)) if labels[i] == number]
    return [100 * sum(int(model[i] == number) for i in mine) / len(mine) for model in group]


def slow_accuracy(group: np.ndarray, labels: np.ndarray) -> float:
    return 100 * statistics.mean(float(model[i] == labels[i]) for model in group for i in range(len(labels)))


SMALL = Made(sizes=(6, 11, 8), ability=(0.2, 1.0, 0.6), shift=(-0.8, 0.1, -0.2), models=(5, 7), seed_class=0.3)


@pytest.mark.parametrize("seed", range(3))
def test_hooker_against_scipy(seed: int) -> None:
    dense, pruned, labels = SMALL.study(np.random.default_rng(seed))
    rows = class_impact(dense, pruned, labels, 3)
    for row in rows:
        recalls = [slow_recalls(group, labels, row["class"]) for group in (dense, pruned)]
        accuracies = [slow_accuracy(group, labels) for group in (dense, pruned)]
        relative = [np.array(own) - mean for own, mean in zip(recalls, accuracies, strict=True)]
        found = stats.ttest_ind(relative[1], relative[0], equal_var=False)
        interval = found.confidence_interval(0.95)
        assert row["dense_recall"] == pytest.approx(statistics.mean(recalls[0]))
        assert row["pruned_recall"] == pytest.approx(statistics.mean(recalls[1]))
        assert row["change"] == pytest.approx(statistics.mean(recalls[1]) - statistics.mean(recalls[0]))
        assert row["impact"] == pytest.approx(relative[1].mean() - relative[0].mean())
        assert row["p_value"] == pytest.approx(found.pvalue)
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        pooled = math.sqrt((4 * statistics.variance(recalls[0]) + 6 * statistics.variance(recalls[1])) / 10)
        correction = math.gamma(5) / math.gamma(4.5) / math.sqrt(5)
        assert row["effect_size"] == pytest.approx(correction * row["impact"] / pooled)
        # the usual approximation to Hedges' correction
        usual, _ = effectsize_smd(relative[1].mean(), relative[1].std(ddof=1), 7, relative[0].mean(), relative[0].std(ddof=1), 5)  # fmt: skip
        assert row["effect_size"] == pytest.approx(usual, rel=2e-3)
    adjusted = stats.false_discovery_control([row["p_value"] for row in rows])
    assert [row["q_value"] for row in rows] == pytest.approx(list(adjusted))
    assert [row["impact"] for row in rows] == sorted(row["impact"] for row in rows)


@pytest.mark.parametrize("seed", range(3))
def test_paired_against_scipy(seed: int) -> None:
    made = replace(SMALL, models=(6, 6))
    dense, pruned, labels = made.study(np.random.default_rng(seed))
    for row in class_impact(dense, pruned, labels, 3, "paired"):
        relative = [np.array(slow_recalls(group, labels, row["class"])) - slow_accuracy(group, labels) for group in (dense, pruned)]  # fmt: skip
        found = stats.ttest_rel(relative[1], relative[0])
        interval = found.confidence_interval(0.95)
        assert row["p_value"] == pytest.approx(found.pvalue)
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        differences = (relative[1] - relative[0]).tolist()
        correction = math.gamma(2.5) / math.gamma(2) / math.sqrt(2.5)
        expected = correction * statistics.mean(differences) / statistics.stdev(differences)
        assert row["effect_size"] == pytest.approx(expected)


@pytest.mark.parametrize("margin", [2.0, 30.0, 60.0])
def test_equivalence_against_statsmodels(margin: float) -> None:
    dense, pruned, labels = replace(SMALL, models=(6, 6)).study(np.random.default_rng(4))
    verdicts = set()
    for paired in (False, True):
        for row in class_equivalence(dense, pruned, labels, 3, margin, paired):
            before, after = (np.array(slow_recalls(group, labels, row["class"])) for group in (dense, pruned))
            if paired:
                p_value, lost, _ = ttost_paired(after, before, -margin, margin)
                interval = stats.ttest_rel(after, before).confidence_interval(0.90)
            else:
                p_value, lost, _ = ttost_ind(after, before, -margin, margin, usevar="unequal")
                interval = stats.ttest_ind(after, before, equal_var=False).confidence_interval(0.90)
            assert row["p_equivalent"] == pytest.approx(p_value)
            assert row["p_lost"] == pytest.approx(lost[1])
            assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
            assert row["change"] == pytest.approx(after.mean() - before.mean())
            assert row["equivalent"] is (-margin <= row["low"] and row["high"] <= margin)
            assert row["lost_less"] is (-margin <= row["low"])
            verdicts.add(row["equivalent"])
    assert verdicts == {2.0: {False}, 30.0: {False, True}, 60.0: {True}}[margin]


@pytest.mark.parametrize("paired", [False, True])
def test_verdicts_turn_where_the_interval_leaves_the_margin(paired: bool) -> None:
    dense, pruned, labels = replace(SMALL, models=(6, 6)).study(np.random.default_rng(4))
    for row in class_equivalence(dense, pruned, labels, 3, paired=paired):
        for ends, name in (((-row["low"], row["high"]), "equivalent"), ((-row["low"],), "lost_less")):
            for step, expected in ((-1e-6, False), (1e-6, True)):
                rows = class_equivalence(dense, pruned, labels, 3, max(ends) + step, paired)
                assert [other[name] for other in rows if other["class"] == row["class"]] == [expected]


@dataclass(frozen=True)
class Components:
    """The terms of the two-way variance."""

    models: list[float]
    examples: list[float]
    both: float
    freedom: float
    known: float

    @property
    def variance(self) -> float:
        return sum(self.examples) + max(0.0, sum(self.models) - self.both)


def impact_weights(labels: np.ndarray, number: int) -> list[float]:
    own = sum(int(label == number) for label in labels)
    return [100 * ((label == number) / own - 1 / len(labels)) for label in labels]


def slow_components(
    dense: np.ndarray, pruned: np.ndarray, labels: np.ndarray, number: int, paired: bool = False
) -> Components:
    """Loops over weighted right answers; one sum per term, as the textbook has it."""
    weights = impact_weights(labels, number)
    members = {each: [i for i in range(len(labels)) if labels[i] == each] for each in set(labels.tolist())}
    tables = [[[w * (a == t) for w, a, t in zip(weights, model, labels, strict=True)] for model in group] for group in (dense, pruned)]  # fmt: skip
    if paired:  # a pair's own difference, beside a group in which nothing moves
        differences = [[b - a for a, b in zip(*pair, strict=True)] for pair in zip(*tables, strict=True)]
        tables = [differences]
    models = [statistics.variance([sum(model) for model in table]) / len(table) for table in tables]
    examples, terms, both = [], [], 0.0
    for mine in members.values():
        sides = [{i: statistics.mean(model[i] for model in table) for i in mine} for table in tables]
        shares = [sides[-1][i] - (0.0 if paired else sides[0][i]) for i in mine]
        examples.append(len(mine) * statistics.variance(shares))
        terms.append((examples[-1], len(mine) - 1))
        for table in tables:
            row_means = [statistics.mean(model[i] for i in mine) for model in table]
            column_means = {i: statistics.mean(model[i] for model in table) for i in mine}
            squares = sum(
                (model[i] - row_mean - column_means[i] + statistics.mean(row_means)) ** 2
                for model, row_mean in zip(table, row_means, strict=True)
                for i in mine
            )
            # of a sum over the class's examples of means over the models
            both += squares / (len(table) - 1) / (len(mine) - 1) * len(mine) / len(table)
    known = sum(examples) ** 2 / sum(term**2 / each for term, each in terms)
    seeds = [(term, len(table) - 1) for term, table in zip(models, tables, strict=True)]
    freedom = freedom_by_search(sum(examples), known, seeds, both)
    return Components(models, examples, both, max(freedom, min(known, len(dense) - 1, len(pruned) - 1)), known)


def classes_that_tell(dense: np.ndarray, pruned: np.ndarray, labels: np.ndarray, paired: bool) -> list[Components]:
    """The same, with the variances over models as the classes tell each other."""
    alone = [slow_components(dense, pruned, labels, number, paired) for number in range(labels.max() + 1)]
    sizes = np.bincount(labels)
    near = np.array([[((side[:, labels == c] == c).mean() * n + 0.5) / (n + 1) for c, n in enumerate(sizes)] for side in (dense, pruned)])  # fmt: skip
    told = [
        slow_moderated(np.array([parts.models[place] for parts in alone]), near, sizes, len(side) - 1.0)
        for place, side in enumerate([dense] if paired else [dense, pruned])
    ]
    found = []
    for number, parts in enumerate(alone):
        seeds = [(float(variances[number]), float(freedoms[number])) for variances, freedoms in told]
        freedom = freedom_by_search(sum(parts.examples), parts.known, seeds, parts.both)
        least = min(parts.known, *(each for _, each in seeds))
        found.append(replace(parts, models=[variance for variance, _ in seeds], freedom=max(freedom, least)))
    return found


@pytest.mark.parametrize(
    ("made", "method"),
    [
        (SMALL, "two_way"),
        (replace(SMALL, changes_differ=0.0, seed_class=1.0), "two_way"),
        (replace(SMALL, changes_differ=3.0, models=(3, 9)), "two_way"),
        (replace(SMALL, models=(6, 6)), "two_way_paired"),
        (replace(SMALL, changes_differ=0.0, seed_class=1.0, models=(6, 6)), "two_way_paired"),
    ],
    ids=["mixed", "seeds", "examples", "mixed pairs", "seeds of pairs"],
)
def test_two_way_against_loops(made: Made, method: Any) -> None:
    truncated, is_paired = set(), method == "two_way_paired"
    for answers in made.studies(3, seed=5):
        dense, pruned, labels = answers
        told = classes_that_tell(dense, pruned, labels, is_paired)
        for row in class_impact(dense, pruned, labels, 3, method):
            parts = told[row["class"]]
            reach = stats.t.ppf(0.975, parts.freedom) * math.sqrt(parts.variance)
            expected = row["impact"] - reach, row["impact"] + reach
            assert (row["low"], row["high"]) == pytest.approx(expected, rel=1e-4)
            t = abs(row["impact"]) / math.sqrt(parts.variance)
            assert row["p_value"] == pytest.approx(2 * stats.t.sf(t, parts.freedom), rel=1e-3)
            truncated.add(sum(parts.models) < parts.both)
        tested = class_impact(dense, pruned, labels, 3, "paired" if method == "two_way_paired" else "hooker")
        (alone,) = [r for r in tested if r["class"] == 0]
        (both,) = [r for r in class_impact(dense, pruned, labels, 3, method) if r["class"] == 0]
        assert all(alone[name] == both[name] for name in ("change", "impact", "effect_size", "dense_recall"))
    assert (True in truncated) != (made.seed_class == 1.0)  # both branches were compared


def test_closed_forms_are_what_a_bootstrap_gives() -> None:
    """Drawn with replacement: models of each group, then examples of each class; counts over, of n - 1, corrected."""
    random, draws = np.random.default_rng(6), 20000
    dense, pruned, labels = replace(SMALL, models=(8, 9), sizes=(12, 20, 16)).study(random)
    for number in range(3):
        parts = slow_components(dense, pruned, labels, number)
        weights = np.array(impact_weights(labels, number))
        right = [(group == labels) * weights for group in (dense, pruned)]
        for group, expected in zip(right, parts.models, strict=True):
            count = len(group)
            drawn = random.multinomial(count, np.full(count, 1 / count), draws) @ group.sum(1) / count
            assert drawn.var() * count / (count - 1) == pytest.approx(expected, rel=4 * math.sqrt(2 / draws))
        shares = right[1].mean(0) - right[0].mean(0)
        for each, expected in enumerate(parts.examples):
            own = shares[labels == each]
            drawn = random.multinomial(len(own), np.full(len(own), 1 / len(own)), draws) @ own
            assert drawn.var() * len(own) / (len(own) - 1) == pytest.approx(expected, rel=4 * math.sqrt(2 / draws))


COVERED = {
    "seeds do nothing": Made(),
    "seeds move all classes": Made(seed_common=0.3),
    "seeds move each class": Made(seed_class=0.3),
    "both, few and unequal": Made(models=(6, 14), seed_common=0.2, seed_class=0.2),
}


@pytest.mark.simulation
@pytest.mark.parametrize("name", COVERED)
def test_two_way_covers_the_truth_at_its_rate(name: str) -> None:
    """New seeds and new examples in each study; a little wide where few seeds tell how much they move."""
    made = COVERED[name]
    truth = made.impact
    found = np.array([by_class(each, "two_way", "low", "high", "impact") for each in made.studies(700, seed=7)])
    low, high, impact = found[:, 0], found[:, 1], found[:, 2]
    assert impact.mean(0) == pytest.approx(truth, abs=4 * impact.std() / math.sqrt(len(found)))
    covered, error = share((low <= truth) & (truth <= high))
    assert 0.95 - 3 * error < covered < 0.97, (covered, error)


@pytest.mark.simulation
@pytest.mark.parametrize(("models", "most"), [(3, 0.99), (10, 0.98), (30, 0.97)])
def test_two_way_never_covers_too_little_where_pruning_does_the_same_to_all_of_a_class(
    models: int, most: float
) -> None:
    """Nothing then adds to what model and example do together, and a variance below 0 counts as 0: a little too wide."""
    made = Made(changes_differ=0.0, models=(models, models), seed_common=0.2)
    found = np.array([by_class(each, "two_way", "low", "high") for each in made.studies(500, seed=8)])
    covered, error = share((found[:, 0] <= made.impact) & (made.impact <= found[:, 1]))
    assert 0.95 - 3 * error < covered < most, (covered, error)


@pytest.mark.simulation
def test_pairs_of_one_dense_model_have_shorter_intervals_that_hold_the_truth(benchmark: Callable[[str], Any]) -> None:
    """Two prunings that do the same to ten dense models, each of which keeps four fifths of its model's luck."""
    made = benchmark("simulations")
    world = made.World("descended", 10, 10, kept=0.8)
    held, length = np.zeros((300, 2), bool), np.zeros((300, 2))
    for study in range(300):
        _, (one, other), truth = made.study(world, np.random.default_rng([5, study]))
        for place, method in enumerate(("two_way", "two_way_paired")):
            rows = class_impact(one, other, truth, made.CLASSES, method)  # type: ignore[arg-type]
            low, high = next((row["low"], row["high"]) for row in rows if row["class"] == 0)
            assert low is not None and high is not None
            held[study, place], length[study, place] = low <= 0 <= high, high - low
    covered, error = share(held[:, 1])
    assert 0.95 - 3 * error < covered < 0.985, (covered, error)
    assert length[:, 1].mean() < 0.98 * length[:, 0].mean()


def first_p_values(made: Made, method: str, count: int, seed: int) -> list[float]:
    return [float(by_class(each, method, "p_value")[0, 2]) for each in made.studies(count, seed)]


def fixed_examples(made: Made) -> Callable[[np.random.Generator], Answers]:
    """Studies of one test set whose examples pruning does not change."""
    ability = np.array(made.ability)[made.labels] + np.random.default_rng(9).standard_normal(len(made.labels))
    chance = special.ndtr(ability)

    def study(random: np.random.Generator) -> Answers:
        groups = [np.where(random.random((count, len(chance))) < chance, made.labels, made.labels + 1) for count in made.models]  # fmt: skip
        return groups[0] % len(made.sizes), groups[1] % len(made.sizes), made.labels

    return study


@pytest.mark.simulation
def test_p_values_are_uniform_where_nothing_is_lost() -> None:
    made = Made(seed_common=0.2, seed_class=0.1).without_impact()
    assert made.impact == pytest.approx(np.zeros(5), abs=1e-9)
    assert stats.kstest(first_p_values(made, "two_way", 800, seed=10), "uniform").pvalue > 0.01
    # the paired test takes the mean accuracy as known: near enough where a class is a small part of the whole
    draw, random = fixed_examples(Made(sizes=(40,) * 20, ability=(1.0,) * 20, shift=(0.0,) * 20)), np.random.default_rng(11)  # fmt: skip
    paired = [by_class(draw(random), "paired", "p_value")[0, 2] for _ in range(800)]
    assert stats.kstest(paired, "uniform").pvalue > 0.01


def test_hooker_finds_few_false_classes() -> None:
    """In 200 studies where pruning does nothing, any found class is false: the rate of studies with one is the FDR."""
    made = Made(sizes=(50,) * 10, ability=tuple(np.linspace(0.5, 1.5, 10)), shift=(0.0,) * 10)
    draw, random = fixed_examples(made), np.random.default_rng(12)
    false = np.array([by_class(draw(random), "hooker", "q_value").min() <= 0.05 for _ in range(200)])
    assert false.mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


def test_the_known_weakness_of_taking_the_mean_accuracy_as_known() -> None:
    """A class that is nearly always right: its recall hardly varies, so the accuracy's chance change looks like its own."""
    made = Made(sizes=(80,) * 6, ability=(4.0, 1, 1, 1, 1, 1), shift=(0.0,) * 6, changes_differ=0.0, seed_common=0.2)
    found = {
        method: np.mean([by_class(each, method, "p_value")[0, 0] < 0.05 for each in made.studies(150, seed=13)])
        for method in ("hooker", "two_way")
    }
    assert found["hooker"] > 0.3
    assert found["two_way"] < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)


@pytest.mark.parametrize("method", ["hooker", "paired", "two_way", "two_way_paired"])
def test_a_planted_loss_comes_first_and_is_found(method: str) -> None:
    made = Made(sizes=(100,) * 8, ability=(1.0,) * 8, shift=(0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0), seed_class=0.1)
    for dense, pruned, labels in made.studies(20, seed=14):
        row = class_impact(dense, pruned, labels, 8, method)[0]  # type: ignore[arg-type]
        assert row["class"] == 3
        assert row["q_value"] <= 0.05
        assert row["high"] < 0
        assert row["effect_size"] < -1


def at_the_margin(classes: int, models: int, lost: list[float]) -> Callable[[np.random.Generator], Answers]:
    """Recalls of 85 % in mean, by a seed's chance; pruning takes so many points from each class."""
    labels = np.repeat(np.arange(classes), 200)

    def group(random: np.random.Generator, less: np.ndarray) -> np.ndarray:
        chance = 0.85 + random.normal(0, 0.02, (models, classes)) - less / 100
        return np.where(random.random((models, len(labels))) < chance[:, labels], labels, (labels + 1) % classes)

    def study(random: np.random.Generator) -> Answers:
        return group(random, np.zeros(classes)), group(random, np.array(lost)), labels

    return study


@pytest.mark.simulation
def test_a_class_at_the_margin_is_seldom_called_equivalent() -> None:
    draw, random, wrong, less = at_the_margin(2, 8, [4.0, -4.0]), np.random.default_rng(15), [], []
    for _ in range(1000):
        lost, gained = class_equivalence(*draw(random), 2, margin=4.0)
        wrong.append([lost["equivalent"], gained["equivalent"]])
        less.append([lost["lost_less"], not gained["lost_less"]])
    chance = 3 * math.sqrt(0.05 * 0.95 / 1000)
    assert max(np.mean(wrong, 0)) <= 0.05 + chance
    # one-sided and at the border: just as often as the level says; and a class that gained has not lost
    assert abs(np.mean(less, 0)[0] - 0.05) <= chance
    assert np.mean(less, 0)[1] <= chance


@pytest.mark.simulation
def test_no_class_lost_more_is_seldom_wrong_and_sometimes_right() -> None:
    """One of four classes lost just the margin; the others nothing. Then one where none did."""
    random, verdicts = np.random.default_rng(16), {}
    for name, lost in {"one": [4.0, 0, 0, 0], "none": [0.0] * 4}.items():
        draw = at_the_margin(4, 20, lost)
        verdicts[name] = np.mean([no_class_lost_more(class_equivalence(*draw(random), 4, 4.0)) for _ in range(400)])
    assert verdicts["one"] <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    assert verdicts["none"] > 0.8


def rows_by_class(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row["class"])


@pytest.mark.parametrize("method", ["hooker", "paired", "two_way", "two_way_paired"])
def test_order_of_examples_and_models_and_which_group_is_which(method: Any) -> None:
    random = np.random.default_rng(17)
    dense, pruned, labels = replace(SMALL, models=(6, 6)).study(random)
    rows = rows_by_class(class_impact(dense, pruned, labels, 3, method))
    examples, models = random.permutation(len(labels)), random.permutation(6)
    mixed = class_impact(dense[models][:, examples], pruned[models][:, examples], labels[examples], 3, method)
    swapped = class_impact(pruned, dense, labels, 3, method)
    for row, other, back in zip(rows, rows_by_class(mixed), rows_by_class(swapped), strict=True):
        assert row == pytest.approx(other)
        assert (row["p_value"], row["impact"], row["low"]) == pytest.approx((back["p_value"], -back["impact"], -back["high"]))  # fmt: skip
    assert sum(row["impact"] * row["examples"] for row in rows) == pytest.approx(0, abs=1e-9)
