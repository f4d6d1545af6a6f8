"""The answers of an audit against plain loops over examples, models and classes, whatever the size of the blocks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from scipy import stats

from made_predictions import Made, made
from piescope.auditing import audited
from piescope.audits import audit
from piescope.measure.accuracy import Estimates, RightSums
from piescope.measure.class_impact import class_impact
from piescope.measure.intervals import Interval, t_interval, two_way_interval
from piescope.measure.label_errors import Thresholds, suspected
from piescope.measure.noise_floor import excess_pies
from piescope.measure.pies import modal_label, pie_mask
from piescope.measure.significance import confirm, permutation_p_values
from piescope.reading import sides


def slow_modal(labels: np.ndarray) -> list[int]:
    """The label that most models give; of equally many the smallest."""
    found = []
    for column in labels.T.tolist():
        counted = Counter(column)
        most = max(counted.values())
        found.append(min(label for label, count in counted.items() if count == most))
    return found


def slow_probabilities(data: Made, side: str, truth: np.ndarray) -> list[float]:
    scores = getattr(data, side)
    return [float(np.mean([model[row, truth[row]] for model in scores])) for row in range(len(truth))]


def slow_ece(scores: np.ndarray, truth: np.ndarray) -> float:
    """Guo et al. 2017, equation 3, bin by bin; mean over models, in percent."""
    found = []
    for model in scores:
        total = 0.0
        for number in range(15):
            inside = [row for row in range(len(truth)) if number / 15 < model[row].max() <= (number + 1) / 15]
            if inside:
                confidence = sum(float(model[row].max()) for row in inside) / len(inside)
                right = sum(model[row].argmax() == truth[row] for row in inside) / len(inside)
                total += len(inside) / len(truth) * abs(right - confidence)
        found.append(100 * total)
    return sum(found) / len(found)


@pytest.fixture(params=[None, 7], ids=["one block", "blocks of 7"])
def _blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param is not None:
        monkeypatch.setattr(sides, "MOST_ROWS", request.param)


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize("models", [1, 6])
@pytest.mark.parametrize("scores", [False, True])
def test_counts_against_plain_loops(models: int, scores: bool, tmp_path: Path) -> None:
    data = made(examples=150, models=models, seed=models)
    given = {side: getattr(data, side) if scores else data.labels(side) for side in ("dense", "compressed")}
    found = audit(given["dense"], given["compressed"], labels=data.truth, out=tmp_path / "out")
    truth = data.truth.tolist()
    dense, compressed = (slow_modal(data.labels(side)) for side in ("dense", "compressed"))
    lost = [row for row in range(150) if dense[row] == truth[row] != compressed[row]]
    rescued = [row for row in range(150) if compressed[row] == truth[row] != dense[row]]
    changed = [row for row in range(150) if dense[row] != compressed[row]]
    assert found["n_examples"] == 150
    assert found["changed"] == found["pies"] == len(changed)
    assert found["flips"]["correct_to_wrong"] == len(lost)
    assert found["flips"]["wrong_to_correct"] == len(rescued)
    assert found["flips"]["wrong_to_wrong"] == len(changed) - len(lost) - len(rescued)
    p_value = stats.binomtest(len(lost), len(lost) + len(rescued)).pvalue
    assert found["flips"]["mcnemar_p"] == pytest.approx(p_value)
    for side in ("dense", "compressed"):
        mean = np.mean([np.mean(row == data.truth) for row in data.labels(side)])
        assert found["accuracy"][side] == pytest.approx(100 * mean)
    assert found["is_population"] == (models > 1)
    for row in found["classes"]:
        members = [place for place in range(150) if truth[place] == int(row["class"])]
        recalls = [
            100 * np.mean(data.labels(side)[:, members] == int(row["class"])) for side in ("dense", "compressed")
        ]
        assert [row["dense_recall"], row["compressed_recall"]] == pytest.approx(recalls)
        assert row["impact"] == pytest.approx(recalls[1] - recalls[0])
        assert row["relative_impact"] == pytest.approx(recalls[1] - recalls[0] - found["accuracy"]["change"])
        assert row["correct_to_wrong"] == len(set(members) & set(lost))
        assert row["changed"] == len(set(members) & set(changed))
    impacts = [row["impact"] for row in found["classes"]]
    assert impacts == sorted(impacts)
    before = Counter(zip(truth, dense, strict=True))
    after = Counter(zip(truth, compressed, strict=True))
    grown = {
        cell: after[cell] - before[cell]
        for cell in {*before, *after}
        if cell[0] != cell[1] and after[cell] > before[cell]
    }
    told = {(int(row["class"]), int(row["predicted"])): row for row in found["confusions"]}
    assert {cell: row["growth"] for cell, row in told.items()} == grown
    for cell, row in told.items():
        moved_in = [place for place in changed if (truth[place], compressed[place]) == cell]
        moved_out = [place for place in changed if (truth[place], dense[place]) == cell]
        assert (row["dense"], row["compressed"]) == (before[cell], after[cell])
        assert (row["moved_in"], row["moved_out"]) == (len(moved_in), len(moved_out))
        assert set(row["examples"]) <= set(map(str, moved_in))
        assert row["p_value"] == pytest.approx(stats.binomtest(len(moved_in), len(moved_in) + len(moved_out)).pvalue)
    table = parquet.read_table(tmp_path / "out" / "examples.parquet").to_pylist()
    assert [int(row["dense_label"]) for row in table] == dense
    assert [int(row["label"]) for row in table] == truth
    assert [row["kind"] for row in table] == [
        "kept" if row not in changed else "lost" if row in lost else "rescued" if row in rescued else "moved"
        for row in range(150)
    ]
    if scores:
        probabilities = [slow_probabilities(data, side, data.truth) for side in ("dense", "compressed")]
        for place, side in enumerate(("dense", "compressed")):
            assert [row[f"{side}_probability"] for row in table] == pytest.approx(probabilities[place], abs=1e-5)
            assert found["calibration"][side]["ece"] == pytest.approx(
                slow_ece(getattr(data, side), data.truth), abs=1e-4
            )
            assert found["calibration"][side]["confidence"] == pytest.approx(
                100 * getattr(data, side).max(2).mean(), abs=1e-4
            )
        harm = np.array(probabilities[0]) - np.array(probabilities[1])
        assert sum(row["examples"] for row in found["calibration"]["shift"]) == 150
        tenths = [math.floor((after - before + 1) * 10) for before, after in zip(*probabilities, strict=True)]
        assert [row["examples"] for row in found["calibration"]["shift"]] == [
            tenths.count(number) for number in range(20)
        ]
    else:
        assert found["calibration"] is None
        shares = [(data.labels(side) == data.truth).mean(0) for side in ("dense", "compressed")]
        harm = shares[0] - shares[1]
    assert [row["harm"] for row in table] == pytest.approx(harm.tolist(), abs=1e-5)
    suspects = {row["id"] for row in found["label_errors"]["examples"]}
    is_lost = np.isin(np.arange(150), lost)
    expected = [str(row) for row in np.lexsort((np.arange(150), -harm.astype(np.float32), ~is_lost)) if harm[row] > 0]
    expected = [each for each in expected if not table[int(each)]["is_label_error"]][:100]
    assert [row["id"] for row in found["harmed"]] == expected
    assert not suspects & set(expected)


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize(("models", "other"), [(6, 6), (4, 9), (30, 30)])
def test_populations_against_the_measures(models: int, other: int, tmp_path: Path) -> None:
    one, two = made(examples=90, models=models, seed=1), made(examples=90, models=other, seed=1)
    dense, compressed = one.labels("dense"), two.labels("compressed")
    found = audit(dense, compressed, labels=one.truth, out=tmp_path / "out")
    is_pie = pie_mask(dense, compressed, 4)
    if models == other:
        assert found["pies"] == is_pie.sum() and found["comparison"] == "vote against vote"
    expected = confirm(permutation_p_values(dense, compressed, 4), is_pie)
    table = parquet.read_table(tmp_path / "out" / "examples.parquet").to_pydict()
    assert [row for row, p in enumerate(table["p_value"]) if p is not None] == np.flatnonzero(is_pie).tolist()
    told = np.array([p for p in table["p_value"] if p is not None])
    assert told == pytest.approx(expected.p_values[is_pie])
    assert table["is_confirmed"] == expected.confirmed.tolist()
    assert found["confirmed"]["pies"] == expected.confirmed.sum()
    excess = excess_pies(dense, compressed, 4)
    assert (found["noise"]["observed"], found["noise"]["floor"]) == pytest.approx((excess.observed, excess.floor))
    ends = found["noise"]["low"], found["noise"]["high"]
    assert ends == ((None, None) if np.isnan(excess.interval).any() else pytest.approx(excess.interval))


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize(("models", "other"), [(4, 1), (1, 3), (5, 2), (2, 1)])
def test_other_numbers_of_models_are_compared_one_to_one(models: int, other: int, tmp_path: Path) -> None:
    """Every count is a mean over pairs of a dense model and a compressed one; against loops over pairs."""
    one, two = made(examples=90, models=models, seed=2), made(examples=90, models=other, seed=2)
    dense, compressed, truth = one.labels("dense"), two.labels("compressed"), one.truth
    groups = tmp_path / "groups.parquet"
    parquet.write_table(pa.table({"camera": ["night" if row % 3 else "day" for row in range(90)]}), groups)
    found = audit(dense, compressed, labels=truth, metadata=groups, out=tmp_path / "out")
    assert found["comparison"] == "mean over pairs of models"

    def mean(of: Callable[[np.ndarray, np.ndarray], np.ndarray], members: np.ndarray | slice = slice(None)) -> float:
        return float(np.mean([of(before, after)[members].sum() for before in dense for after in compressed]))

    def lost(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return (before == truth) & (after != truth)

    def won(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return lost(after, before)

    def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        return before != after

    assert found["changed"] == found["pies"] == pytest.approx(mean(changed))
    assert found["changed_share"]["value"] == pytest.approx(100 * mean(changed) / 90)
    flips = found["flips"]
    assert (flips["correct_to_wrong"], flips["wrong_to_correct"]) == pytest.approx((mean(lost), mean(won)))
    assert flips["wrong_to_wrong"] == pytest.approx(mean(changed) - mean(lost) - mean(won))
    assert flips["mcnemar_p"] is None  # a test of one pair
    several = dense if models > 1 else compressed
    among = [(a, b) for a, b in permutations(several, 2)]
    seeds = found["seeds"]
    assert (seeds["side"], seeds["n_models"]) == (("dense", models) if models > 1 else ("compressed", other))
    assert seeds["changed"]["floor"] == pytest.approx(np.mean([changed(a, b).sum() for a, b in among]))
    assert seeds["correct_to_wrong"]["floor"] == pytest.approx(np.mean([lost(a, b).sum() for a, b in among]))
    for row in found["classes"]:
        members = truth == int(row["class"])
        assert row["correct_to_wrong"] == pytest.approx(mean(lost, members))
        assert row["wrong_to_correct"] == pytest.approx(mean(won, members))
        assert row["changed"] == pytest.approx(mean(changed, members))
    night = next(row for row in found["groups"] if row["value"] == "night")
    assert night["correct_to_wrong"] == pytest.approx(mean(lost, np.arange(90) % 3 > 0))
    for row in found["confusions"]:
        true, said = int(row["class"]), int(row["predicted"])
        before, after = (
            np.mean([((side == said) & (truth == true)).sum() for side in each]) for each in (dense, compressed)
        )
        assert (row["dense"], row["compressed"], row["growth"]) == pytest.approx((before, after, after - before))
    table = parquet.read_table(tmp_path / "out" / "examples.parquet").to_pydict()
    assert sum(table["lost_share"]) == pytest.approx(mean(lost)) and sum(table["won_share"]) == pytest.approx(mean(won))
    assert sum(table["changed_share"]) == pytest.approx(mean(changed))
    for row in range(90):
        parts = [("lost", lost), ("rescued", won), ("changed", changed)]
        shares = {name: np.mean([of(a, b)[row] for a in dense for b in compressed]) for name, of in parts}
        kinds = {
            "kept": 1 - shares["changed"], "lost": shares["lost"], "rescued": shares["rescued"],
            "moved": shares["changed"] - shares["lost"] - shares["rescued"],
        }  # fmt: skip
        most = max(kinds.values())
        assert kinds[table["kind"][row]] == pytest.approx(most)
    harmed = [table["harm"][row["row"]] + table["lost_share"][row["row"]] for row in found["harmed"]]
    assert harmed == sorted(harmed, reverse=True)


def test_a_further_dense_run_is_no_loss_though_a_vote_beats_it() -> None:
    """A vote of four is right in more examples than any of the four; a fifth run of the same kind loses against it."""
    random = np.random.default_rng(21)
    truth, hard = random.integers(0, 10, 2000), random.beta(0.35, 0.12, 2000)
    runs = np.where(random.random((5, 2000)) < hard, truth, (truth + random.integers(1, 10, (5, 2000))) % 10)
    vote = modal_label(runs[:4], 10)
    lost, won = ((vote == truth) & (runs[4] != truth)).sum(), ((vote != truth) & (runs[4] == truth)).sum()
    assert stats.binomtest(int(lost), int(lost + won)).pvalue < 1e-6  # what a vote against one model would say
    found = audit(runs[:4], runs[4], labels=truth, budgets={"max_flips": "2%", "max_changed": "4%"})
    assert found["seeds"]["correct_to_wrong"]["p_value"] > 0.05 and found["seeds"]["changed"]["p_value"] > 0.05
    assert found["accuracy"]["change_interval"][0] < 0 < found["accuracy"]["change_interval"][1]
    assert [row["verdict"] for row in found["budgets"]] == ["kept", "kept"]


def test_paired_populations_never_meet_their_parents(tmp_path: Path) -> None:
    data = made(examples=90, models=6, seed=4)
    dense, compressed = data.labels("dense"), data.labels("compressed")
    found = audit(dense, compressed, labels=data.truth, paired=True)
    excess = excess_pies(dense, compressed, 4, null="descended")
    assert found["noise"]["excess"] == pytest.approx(excess.excess)
    assert found["noise"]["paired"]


def test_many_examples_are_sampled_for_the_noise_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    data = made(examples=3000, models=6, seed=5)
    dense, compressed = data.labels("dense"), data.labels("compressed")
    whole = audit(dense, compressed)["noise"]
    monkeypatch.setattr(audited, "SAMPLED", 1500)
    sampled = audit(dense, compressed)["noise"]
    assert (whole["examples"], sampled["examples"]) == (3000, 1500)
    assert sampled["floor"] == pytest.approx(whole["floor"], rel=0.15)
    assert sampled["low"] < whole["excess"] < sampled["high"]


@pytest.mark.usefixtures("_blocks")
def test_likely_label_errors_are_those_of_the_measure_and_set_apart(tmp_path: Path) -> None:
    data = made(examples=400, models=1, seed=6)
    odds = data.dense**4 * np.exp(9 * np.eye(4)[data.truth])
    confident = (odds / odds.sum(2, keepdims=True)).astype(np.float32)
    wrong = data.truth.copy()
    wrong[:24] = (wrong[:24] + 1) % 4
    found = audit(confident, data.compressed, labels=wrong, out=tmp_path / "out")
    of_label = confident[0, np.arange(400), wrong].astype(np.float32)
    thresholds = Thresholds.of(of_label, wrong, 4)
    marked = suspected(confident[0].argmax(1), confident[0].max(1), wrong, thresholds)
    table = parquet.read_table(tmp_path / "out" / "examples.parquet").to_pydict()
    assert np.array_equal(table["is_label_error"], marked)
    assert marked[:24].sum() >= 10 > marked[24:].sum()
    assert found["label_errors"]["count"] == marked.sum()
    assert not {row["row"] for row in found["harmed"]} & set(np.flatnonzero(marked).tolist())


def test_a_poor_model_suspects_no_labels(tmp_path: Path) -> None:
    data = made(examples=400, models=1, seed=6)
    found = audit(data.dense, data.compressed, labels=data.truth, out=tmp_path / "out")
    assert found["accuracy"]["dense"] < 80
    assert found["label_errors"]["count"] is None
    assert "less than 80 % right" in found["label_errors"]["why_not"]
    assert not any(parquet.read_table(tmp_path / "out" / "examples.parquet").column("is_label_error").to_pylist())


@pytest.mark.parametrize(("models", "other"), [(1, 1), (5, 5), (3, 9), (30, 4)])
def test_intervals_of_sums_are_the_two_way_intervals(models: int, other: int) -> None:
    random = np.random.default_rng(models)
    for _ in range(10):
        chance = random.random(80)
        dense, compressed = random.random((models, 80)) < chance, random.random((other, 80)) < chance * 0.9
        group = random.integers(0, 2, 80)  # of two groups none tells the other how much models vary
        halves = [
            RightSums.of(dense[:, part], compressed[:, part], group[part], 2) for part in (slice(0, 33), slice(33, 80))
        ]
        sums = halves[0] + halves[1]
        for name in range(2):
            members = group == name
            shares = [100 * side[:, members] / members.sum() for side in (dense, compressed)]
            value = sums.change().value[name]
            assert value == pytest.approx(shares[1].sum(1).mean() - shares[0].sum(1).mean())
            if min(models, other) < 2:
                continue
            without = [(side.sum(0) - side) / (len(side) - 1) for side in shares]
            own = shares[1].mean(0) - shares[0].mean(0)
            units = np.concatenate([shares[1].mean(0) - without[0], without[1] - shares[0].mean(0)])
            expected = two_way_interval(own, units, [models, other])
            told = sums.change()
            same_but_for_tails(told, name, expected)
            accuracy = sums.accuracy("dense")
            same_but_for_tails(accuracy, name, two_way_interval(shares[0].mean(0), without[0], [models]), 0.0)


def same_but_for_tails(told: Estimates, group: int, expected: Interval, least: float = -100.0) -> None:
    """Sums know no fourth moments: they take the shares as normal, and their variance as known at least as well."""
    assert (told.value[group], told.error[group]) == pytest.approx((expected.value, expected.error))
    assert told.freedom[group] >= expected.freedom - 1e-6
    ends = t_interval(expected.value, expected.error**2, told.freedom[group])
    assert (told.low[group], told.high[group]) == pytest.approx((max(least, ends.low), min(100.0, ends.high)))
    if np.isfinite(told.p_value[group]):
        assert told.p_value[group] == pytest.approx(2 * min(ends.p_above, ends.p_below), abs=1e-9)


def test_intervals_of_pairs_take_a_pair_as_one_draw() -> None:
    random = np.random.default_rng(3)
    for models in (3, 5, 30):
        chance = random.random(80)
        dense = random.random((models, 80)) < chance
        compressed = np.where(random.random((models, 80)) < 0.1, ~dense, dense)
        halves = [
            RightSums.of(dense[:, part], compressed[:, part], np.zeros(80, int)[part], 1, paired=True)
            for part in (slice(0, 33), slice(33, 80))
        ]
        told = (halves[0] + halves[1]).change()
        change = 100 * (compressed.astype(float) - dense) / 80
        expected = two_way_interval(change.mean(0), (change.sum(0) - change) / (models - 1), [models])
        same_but_for_tails(told, 0, expected)


def test_paired_audits_are_surer_of_the_change() -> None:
    random = np.random.default_rng(4)
    skill = random.normal(0.8, 0.05, (6, 1))
    truth = random.integers(0, 4, 500)
    dense = np.where(random.random((6, 500)) < skill, truth, (truth + 1) % 4)
    compressed = np.where(random.random((6, 500)) < 0.02, (dense + 1) % 4, dense)
    loose, tight = (audit(dense, compressed, labels=truth, paired=paired)["accuracy"] for paired in (False, True))
    assert tight["interval_over"] == "pairs of models and examples"
    assert tight["change"] == pytest.approx(loose["change"])
    length = {
        name: found["change_interval"][1] - found["change_interval"][0]
        for name, found in (("loose", loose), ("tight", tight))
    }
    assert length["tight"] < 0.5 * length["loose"]


def test_change_of_recall_is_that_of_class_impact() -> None:
    data = made(examples=200, models=5, seed=8)
    rows = {row["class"]: row for row in class_impact(data.labels("dense"), data.labels("compressed"), data.truth, 4)}
    for row in audit(data.labels("dense"), data.labels("compressed"), labels=data.truth)["classes"]:
        expected = rows[int(row["class"])]
        assert (row["impact"], row["relative_impact"]) == pytest.approx((expected["change"], expected["impact"]))


@pytest.mark.simulation
def test_intervals_of_the_change_cover_models_and_examples() -> None:
    """Fresh models and fresh examples each time: 95 % intervals of the change hold its true value about so often."""
    random = np.random.default_rng(9)
    held, rejected, studies = 0, 0, 400
    for _ in range(studies):
        hardness = random.normal(1.2, 1.2, 300)
        skills = random.normal(0, 0.25, 6)

        def right(skills: np.ndarray, hardness: np.ndarray = hardness) -> np.ndarray:
            chance = 1 / (1 + np.exp(-(hardness + skills[:, None] + random.normal(0, 0.8, (len(skills), 300)))))
            return random.random(chance.shape) < chance

        sums = RightSums.of(right(skills), right(random.normal(0, 0.25, 6)), np.zeros(300, int), 1)
        found = sums.change()
        held += int(found.low[0] <= 0 <= found.high[0])
        rejected += int(found.p_value[0] < 0.05)
    assert 0.92 <= held / studies <= 0.985
    assert held + rejected == studies


def test_ties_go_to_the_smallest_class() -> None:
    dense = np.array([[2, 1], [1, 2]])
    found = audit(dense, np.array([[1, 1], [1, 1]]))
    assert found["changed"] == 0
    assert modal_label(dense, 3).tolist() == [1, 1]
