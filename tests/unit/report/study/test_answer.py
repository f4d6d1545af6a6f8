"""The first sentence says how many examples are forgotten, how many seeds alone would forget, and whether it is clear."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from made_results import CASES, made
from piescope.report.layout.blocks import Bars, Words
from piescope.report.study.answer import answer, finding
from piescope.report.study.forgotten import forgotten, headline_arm
from piescope.report.study.questions import questions
from piescope.report.study.signal import Signal
from piescope.store.catalogue import ArmName, ControlOf
from piescope.wording import as_percent


def test_the_sentence_has_the_numbers_of_the_tables() -> None:
    signal = Signal(CASES["six models"])
    for row in forgotten(signal):
        sentence = finding(row)
        (noise,) = [line for line in signal.rows.noise if line.arm == row.arm.key]
        shown, examples, seeds = re.findall(r"on (?:about )?(\d+) of (\d+) test examples.*about (\d+)", sentence)[0]
        assert float(shown) == pytest.approx(noise.observed.value, abs=0.51)  # rounded
        assert int(examples) == 90 and float(seeds) == pytest.approx(noise.floor.value, abs=0.51)
        assert ("not clearly more than seeds" in sentence) == (row.is_clear is False)
        alone = row.is_clear is False and noise.excess.low > 0
        assert sentence.endswith("not clearly more than seeds among so many arms.") == alone


def test_what_one_dense_model_cannot_tell_is_said() -> None:
    results = CASES["one objective, one sparsity, one model"]
    made = answer(results, Signal(results))
    assert "one dense model cannot tell" in made.sentence
    assert made.verdict.text == "TOO FEW TO TELL"


def test_where_nothing_can_be_told_from_noise_nothing_is_called_unclear() -> None:
    results = CASES["everything"]
    signal = Signal(results)
    rows = forgotten(signal)
    assert all(row.seeds.value is not None and row.is_clear is None for row in rows)
    made = answer(results, signal)
    assert made.curve is not None
    assert "these models cannot tell" in made.sentence
    said = " ".join((made.sentence, *made.lead, *made.curve.numbers, made.curve.caption))
    assert "clear" not in said and "Grey" not in said
    (section,) = [section for section in questions(results, signal, ()) if section.anchor == "signal"]
    (bars,) = [block for block in section.blocks if isinstance(block, Bars)]
    assert {bar.chance for bar in bars.rows} == {"cannot be told"}


@pytest.mark.parametrize(
    ("doubt", "told"),
    [
        (None, "whether seeds alone would, these models cannot tell"),
        (False, "not clearly more than seeds among so many arms"),
    ],
)
def test_of_another_objective_the_doubt_is_that_of_the_arm_named(
    doubt: bool | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no arm of an objective is clear, one may have an interval and the one that changes most none."""
    signal = Signal(CASES["six models"])
    rows = forgotten(signal)
    most = max((row for row in rows if row.arm.objective == "supcon"), key=lambda row: (row.excess.value, row.shown))
    of = [replace(row, is_clear=doubt if row is most else row.arm.objective == "supervised") for row in rows]
    monkeypatch.setattr("piescope.report.study.answer.forgotten", lambda _: of)
    (line,) = [line for line in answer(signal.results, signal).lead if line.startswith("Supervised contrastive")]
    assert most.excess.low > 0  # by itself it is clear
    assert line.endswith(f"at {as_percent(most.arm.sparsity)}): {told}.")


def test_the_verdict_is_harm_where_any_arm_is_clear_and_safe_only_where_every_class_is_shown_to_be_kept() -> None:
    results = CASES["six models"]
    signal = Signal(results)
    clear = any(row.is_clear for row in forgotten(signal))
    assert answer(results, signal).verdict.text == ("HARM SHOWN" if clear else "TOO FEW TO TELL")
    same = replace(results, arms=tuple(replace(arm, models={**arm.models, "labels": arm.labels[:1].repeat(6, 0)}) for arm in results.arms))  # fmt: skip
    assert answer(same, Signal(same)).verdict.text != "SAFE"  # no spread: nothing is shown


def test_nothing_pruned() -> None:
    results = CASES["only dense"]
    made = answer(results, Signal(results))
    assert made.verdict.text == "NOTHING PRUNED" and made.curve is None and made.wall is None
    assert made.sentence == "Nothing was pruned yet: 3 supervised networks, dense."


def test_where_the_curve_counts_otherwise_than_the_pictures_it_is_said() -> None:
    signal = Signal(CASES["six models"])
    rows = forgotten(signal)
    assert any(round(row.shown) != row.changed for row in rows)
    (words,) = answer(signal.results, signal).blocks
    assert isinstance(words, Words) and "pictures and tables" in words.lines[0]


def test_the_wall_has_the_forgotten_of_the_headlines_arm() -> None:
    results = CASES["everything"]
    signal = Signal(results)
    first = headline_arm(forgotten(signal))
    assert first is not None
    wall = answer(results, signal).wall
    assert wall is not None and len(wall.tiles) == int(first.arm.is_pie.sum())
    lost, won, moved = map(int, re.findall(r"\d+", wall.title)[:3])
    kinds = [tile.tags[0].text for tile in wall.tiles]
    assert (lost, won, moved) == tuple(kinds.count(kind) for kind in ("lost", "won back", "moved"))


def test_accuracies_of_dense_models_are_named_where_there_are_any() -> None:
    results = CASES["six models"]
    unfinished = replace(results, arms=tuple(arm for arm in results.arms if not arm.is_dense))
    for of, named in ((results, True), (unfinished, False)):
        said = answer(of, Signal(of)).about
        assert "6 models an arm" in said and ("accuracy of dense models" in said) is named


def test_of_a_data_set_whose_images_were_shrunk_the_size_here_is_told() -> None:
    results = CASES["six models"]
    height, width = results.data.image_shape[1:]
    for about, told in (
        ("CIFAR-10: photographs, 32x32 (Krizhevsky 2009)", f"2009), here {height}x{width}. "),
        (f"digits, {height}x{width} each", f"{height}x{width} each. "),
        ("numbers of a 1024x program", "program. "),
    ):
        of = replace(results, data=results.data.model_copy(update={"about": about}))
        assert told in answer(of, Signal(of)).about


def test_what_is_missing_is_told_by_pruning() -> None:
    results = CASES["six models"]
    gone = [arm for arm in results.arms if arm.sparsity > 0]
    assert len({arm.sparsity for arm in gone}) > 1
    missing = tuple(ArmName(objective=arm.objective, pruning=arm.pruning, sparsity=arm.sparsity) for arm in gone)
    of = replace(results, missing=missing)
    (warning,) = answer(of, Signal(of)).warnings
    assert warning.count("Sup / GMP") == 1 and warning.count("SupCon / GMP") == 1
    assert re.search(r"Sup / GMP [\d, ]+ and \d+\N{NO-BREAK SPACE}%", warning)


def test_what_fine_tuning_alone_changes_stands_beside_a_pruning_that_it_belongs_to() -> None:
    results = made({"supervised": ("one_shot",)}, models=6, examples=90)
    assert not any("fine-tuning" in said for said in answer(results, Signal(results)).lead)
    shot = next(arm for arm in results.arms if not arm.is_dense)
    control = ControlOf(kind="finetune_only", of="one_shot")
    tuned = replace(shot, pruning="finetune_only", sparsity=0.0, control=control)
    of = replace(results, arms=(*results.arms, tuned))
    signal = Signal(of)
    (row,) = [row for row in signal.rows.noise if row.arm == tuned.key]
    first = answer(of, signal).lead[0]
    doubt = ": not clearly fewer" if headline_arm(forgotten(signal)).is_clear else ""  # type: ignore[union-attr]
    found = re.fullmatch(rf"Its fine-tuning alone changes (?:about )?(\d+){doubt}\.", first)
    assert found and float(found[1]) == pytest.approx(row.observed.value, abs=0.51)
