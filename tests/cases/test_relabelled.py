"""Two files call the same classes by other ids or names: the numbers are right as given, and it is said what they mean.

Of the kind of tensorflow/tpu#669 (a background class first) and huggingface/optimum#197 (MNLI's classes in another
order).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import run_piescope
from piescope.audits import Audit, audit
from piescope.problems import InputError
from piescope.report.audit.warnings import warnings

NAMES = ["cat", "dog", "eel", "fox", "hen", "owl", "pig", "rat"]


def pair(
    seed: int, examples: int, classes: int, accuracy: float = 0.8, moved: float = 0.04
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, dense labels, and a copy's labels."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, examples)
    dense = np.where(
        random.random(examples) < accuracy, truth, (truth + random.integers(1, classes, examples)) % classes
    )
    other = (dense + random.integers(1, classes, examples)) % classes
    return truth, dense, np.where(random.random(examples) < moved, other, dense)


def scores_of(labels: np.ndarray, classes: int, seed: int = 0) -> np.ndarray:
    """Logits whose largest is the label's."""
    found = np.random.default_rng(seed).normal(0, 1, (len(labels), classes)).astype(np.float32)
    found[np.arange(len(labels)), labels] = found.max(1) + 1
    return found


def only_warning(found: Audit) -> dict[str, Any]:
    assert len(found["warnings"]) == 1, found["warnings"]
    row: dict[str, Any] = found["warnings"][0]
    return row


def told(found: Audit) -> str:
    return " ".join(warnings(found.record)).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("by", [1, -1, 7])
@pytest.mark.parametrize("with_labels", [True, False])
def test_a_shift_of_the_compressed_side(by: int, with_labels: bool) -> None:
    truth, dense, compressed = (each + 10 for each in pair(6, 300, 20))
    found = audit(dense, compressed + by, labels=truth if with_labels else None)
    row, differ = only_warning(found), int((dense != compressed).sum())
    assert (row["kind"], row["side"], row["renamed"]["how"]) == ("side_relabelled", "compressed", "shift")
    assert (row["renamed"]["by"], row["after"], row["examples"]) == (-by, differ, 300)
    assert row["before"] == found["changed"] == int((dense != compressed + by).sum())  # as given, and not mended
    if with_labels:
        assert found["accuracy"]["compressed"] == pytest.approx(100 * (compressed + by == truth).mean())
    sign = "+" if -by > 0 else "\N{MINUS SIGN}"
    assert (
        f"after a shift of the compressed side's class ids by {sign}{abs(by)} only {differ} of 300 answers differ "
        f"(as given: {row['before']})" in told(found)
    )


def test_of_two_sides_the_odd_one_is_the_one_that_is_wrong() -> None:
    truth, dense, compressed = pair(7, 300, 20)
    row = only_warning(audit(dense + 1, compressed, labels=truth))
    assert (row["side"], row["renamed"]["by"]) == ("dense", -1)
    assert ["1", "0"] in row["renamed"]["classes"]


def test_several_models_a_side_by_their_modal_labels() -> None:
    truth, dense, compressed = pair(7, 300, 10)
    own = np.eye(3, 300, dtype=np.int64)  # each model says something of its own of one example
    found = audit((dense + own) % 10, (compressed + own) % 10 + 1, labels=truth)
    assert only_warning(found)["after"] == int((dense != compressed).sum())


@pytest.mark.parametrize("with_labels", [True, False])
def test_two_classes_of_mnli_in_the_other_order(with_labels: bool, tmp_path: Path) -> None:
    truth, dense, compressed = pair(66, 300, 3, 0.9, 0.03)
    found = audit(dense, np.array([2, 1, 0])[compressed], labels=truth if with_labels else None, out=tmp_path / "out")
    row = only_warning(found)
    assert row["renamed"] == {"how": "swap", "by": None, "classes": [["0", "2"], ["2", "0"]], "moved": 2}
    assert row["after"] == int((dense != compressed).sum())
    assert "after swapping class 0 and class 2 in the compressed side's answers only" in told(found)


def test_all_three_classes_of_mnli_in_another_order() -> None:
    truth, dense, compressed = pair(66, 300, 3, 0.9, 0.03)
    row = only_warning(audit(dense, np.array([1, 2, 0])[compressed], labels=truth))
    assert row["renamed"]["how"] == "permutation"
    assert sorted(row["renamed"]["classes"]) == [["0", "2"], ["1", "0"], ["2", "1"]]


def test_a_binary_classifier_upside_down() -> None:
    truth, dense, compressed = pair(3, 200, 2, 0.9)
    assert only_warning(audit(dense, 1 - compressed, labels=truth))["renamed"]["how"] == "swap"
    row = only_warning(audit(dense, compressed, labels=1 - truth))
    assert (row["kind"], row["renamed"]["how"]) == ("labels_relabelled", "swap")


def test_classes_sorted_by_name_against_those_in_the_given_order() -> None:
    given = ["rat", "cat", "owl", "dog", "pig", "eel", "hen", "fox"]
    order = np.array([sorted(given).index(name) for name in given])
    truth, dense, compressed = pair(8, 400, 8)
    found = audit(dense, order[compressed], labels=truth, classes=given)
    row = only_warning(found)
    assert row["renamed"]["how"] == "permutation"
    assert dict(row["renamed"]["classes"]) == {given[order[place]]: given[place] for place in range(8)}
    assert row["after"] == int((dense != compressed).sum())
    assert "a permutation of 8 of the compressed side's classes" in told(found)


@pytest.mark.parametrize("values", ["scores", "labels"])
def test_labels_that_count_otherwise_than_both_sides(values: str) -> None:
    truth, dense, compressed = pair(9, 300, 10, 0.8)
    sides = [scores_of(side, 11) if values == "scores" else side for side in (dense, compressed)]
    found = audit(*sides, labels=truth + 1)
    row = only_warning(found)
    assert (row["kind"], row["renamed"]["how"], row["renamed"]["by"]) == ("labels_relabelled", "shift", -1)
    for side, labels in (("dense", dense), ("compressed", compressed)):
        shares = [100 * (labels == truth + 1).mean(), 100 * (labels == truth).mean()]
        assert row[side] == pytest.approx(shares)
        assert found["accuracy"][side] == pytest.approx(shares[0])
    assert "after a shift of the labels' class ids by \N{MINUS SIGN}1 the dense side is right in" in told(found)


def test_names_in_other_letters_and_underscores() -> None:
    truth, dense, compressed = pair(10, 200, 8)
    names = np.array(["Golden Retriever", *NAMES[1:]])
    others = np.array(["golden_retriever", *NAMES[1:]])
    found = audit(names[dense].tolist(), others[compressed].tolist(), labels=names[truth].tolist())
    row = only_warning(found)
    assert row["renamed"] == {
        "how": "spelling", "by": None, "classes": [["golden_retriever", "Golden Retriever"]], "moved": 1
    }  # fmt: skip
    assert row["before"] == found["changed"]
    assert row["after"] == int((dense != compressed).sum())
    assert "(golden_retriever as Golden Retriever)" in told(found)
    row = only_warning(audit(names[dense].tolist(), names[compressed].tolist(), labels=others[truth].tolist()))
    assert (row["kind"], row["renamed"]["how"]) == ("labels_relabelled", "spelling")
    assert row["dense"][1] == pytest.approx(100 * (dense == truth).mean())


def test_letters_whose_case_means_something_are_not_spellings() -> None:
    names = np.array(["a", "A", "b", "B"])
    truth, dense, compressed = pair(10, 200, 4)
    assert audit(names[dense].tolist(), names[compressed].tolist(), labels=names[truth].tolist())["warnings"] == []


def test_half_the_names_in_another_language() -> None:
    truth, dense, compressed = pair(11, 400, 8)
    names = np.array(NAMES)
    others = np.array(["cat", "dog", "eel", "fox", "Henne", "Eule", "Schwein", "Ratte"])
    row = only_warning(audit(names[dense].tolist(), others[compressed].tolist(), labels=names[truth].tolist()))
    assert row["after"] == int((dense != compressed).sum())
    assert {given: read for given, read in row["renamed"]["classes"] if given != read} == dict(
        zip(others[4:], names[4:], strict=True)
    )


def test_no_name_shared_is_said_however_few_examples_there_are() -> None:
    found = audit(["cat", "dog"], ["Katze", "Hund"])
    row = only_warning(found)
    assert (row["kind"], row["between"], row["names"]) == ("no_shared_names", ["dense", "compressed"], ["cat", "Hund"])
    assert "share no class name" in told(found)
    kinds = [row["kind"] for row in audit(["cat", "dog"], ["cat", "cat"], labels=["Katze", "Hund"])["warnings"]]
    assert kinds == ["no_shared_names", "no_shared_names"]
    for labels in (None, ["cat"], ["Katze"]):  # of one example nothing can be told
        assert audit(["cat"], ["dog"], labels=labels)["warnings"] == []


@pytest.mark.parametrize(("background", "part"), [("first", "1:"), ("last", ":-1")])
def test_scores_of_a_class_more(background: str, part: str, tmp_path: Path) -> None:
    truth, dense, compressed = pair(6, 300, 20)
    more = np.full((300, 1), -9, np.float32)
    scores = [more, scores_of(compressed, 20, 1)] if background == "first" else [scores_of(compressed, 20, 1), more]
    np.save(tmp_path / "torch.npy", scores_of(dense, 20))
    np.save(tmp_path / "tf.npy", np.concatenate(scores, axis=1))
    with pytest.raises(InputError) as caught:
        audit(tmp_path / "torch.npy", tmp_path / "tf.npy", labels=truth)
    text = str(caught.value)
    alike = int((dense == compressed).sum())
    assert f"a background class, {background}" in text
    assert f"{alike} of 300 answers are then alike" in text
    assert f"np.load('tf.npy')[..., {part}]" in text
    mended = np.load(tmp_path / "tf.npy")
    mended = mended[..., 1:] if background == "first" else mended[..., :-1]
    assert audit(tmp_path / "torch.npy", mended, labels=truth)["changed"] == 300 - alike  # the cure is one


def test_a_class_more_that_is_no_background() -> None:
    random = np.random.default_rng(0)
    with pytest.raises(InputError) as caught:
        audit(random.normal(size=(100, 4)), random.normal(size=(100, 5)))
    assert "the same classes; a background class, first as TensorFlow's models have it, is to go" in str(caught.value)


def test_a_copy_that_answers_one_class_only() -> None:
    random = np.random.default_rng(12)
    truth = (random.random(1000) < 0.1).astype(int)
    logits = np.where(truth == 1, random.normal(1.5, 1.4, 1000), random.normal(-3, 1.4, 1000))
    found = audit(logits, logits * 0.4 + 6, labels=truth)
    row = only_warning(found)
    assert (row["kind"], row["side"], row["answer"], row["share"]) == ("one_answer", "compressed", "1", 100)
    assert row["expected"] == pytest.approx(100 * truth.mean())
    assert "The compressed model answers class 1 only; the labels have it in" in told(found)
    assert audit(logits, logits - 0.8, labels=truth)["warnings"] == []
    without = only_warning(audit(logits, logits * 0.4 + 6))
    assert (without["kind"], without["against"]) == ("one_answer", "dense")


def test_a_class_that_a_copy_never_answers() -> None:
    truth, dense, compressed = pair(13, 500, 5)
    gone = np.where(compressed == 3, 1, compressed)
    found = audit(dense, gone, labels=truth)
    row = only_warning(found)
    assert (row["kind"], row["side"], row["classes"], row["against"]) == (
        "never_answered",
        "compressed",
        ["3"],
        "labels",
    )
    assert row["examples"] == [int((truth == 3).sum())]
    assert "The compressed model never answers class 3 (" in told(found)
    both = audit(np.where(dense == 3, 1, dense), gone, labels=truth)
    assert told(both).startswith("Neither side ever answers class 3 (")
    assert told(both).count("class 3") == 1


def test_rows_in_another_order_are_right_no_more_often_than_guesses() -> None:
    truth, dense, compressed = pair(14, 500, 5)
    order = np.random.default_rng(0).permutation(500)
    found = audit(dense[order], compressed[order], labels=truth)
    assert [row["kind"] for row in found["warnings"]] == ["near_chance", "near_chance"]
    assert "no more often than guesses would be (" in told(found)


def by_id(folder: Path, *columns: np.ndarray) -> list[Path]:
    """Files with ids, of labels each."""
    paths = []
    for column in columns:
        paths.append(folder / f"{len(list(folder.iterdir()))}.csv")
        rows = "".join(f"im{row},{label}\n" for row, label in enumerate(column))
        paths[-1].write_text(f"id,label\n{rows}")
    return paths


def test_a_copy_of_which_nothing_is_left_is_harm_and_no_doubt(tmp_path: Path) -> None:
    truth, dense, _ = pair(14, 500, 5)
    gone = np.random.default_rng(1).integers(0, 5, 500)
    found = audit(*by_id(tmp_path, dense, gone), labels=by_id(tmp_path, truth)[0])
    assert [(row["kind"], row["side"]) for row in found["warnings"]] == [("near_chance", "compressed")]
    assert found["verdict"]["answer"] == "harm shown"
    assert told(found).endswith(": nothing is left of it.")


@pytest.mark.parametrize("budgets", [None, {"max_flips": "100%"}])
def test_a_copy_whose_rows_may_be_in_another_order_is_in_doubt(budgets: dict[str, str] | None) -> None:
    """Without ids nothing tells a copy of which nothing is left from rows in another order."""
    truth, dense, compressed = pair(14, 500, 5)
    shuffled = compressed[np.random.default_rng(0).permutation(500)]
    found = audit(dense, shuffled, labels=truth, budgets=budgets)
    assert [(row["kind"], row["side"]) for row in found["warnings"]] == [("near_chance", "compressed")]
    assert found["verdict"]["answer"] == "in doubt"
    assert "nothing is left of it, or its rows are in another order" in told(found)


@pytest.mark.parametrize("seed", range(10))
def test_honest_damage_raises_no_warning(seed: int) -> None:
    truth, dense, compressed = pair(seed, 1000, 10, 0.9, 0.4)
    assert audit(dense, compressed, labels=truth)["warnings"] == []
    names = np.array([*NAMES, "bat", "ant"])
    found = audit(names[dense].tolist(), names[compressed].tolist(), labels=names[truth].tolist())
    assert found["warnings"] == []


class TestExpectedAccuracy:
    def test_what_is_as_expected_goes_through(self) -> None:
        truth, dense, compressed = pair(6, 300, 20)
        plain = audit(dense, compressed, labels=truth)
        for expected in (plain["accuracy"]["dense"], 79.0):
            assert audit(dense, compressed, labels=truth, expect_accuracy=expected).content == plain.content

    def test_the_edge_is_the_interval_and_a_point(self) -> None:
        truth, dense, compressed = pair(6, 300, 20)
        high = audit(dense, compressed, labels=truth)["accuracy"]["dense_interval"][1]
        audit(dense, compressed, labels=truth, expect_accuracy=high + 0.99)
        with pytest.raises(InputError, match="a dense accuracy of"):
            audit(dense, compressed, labels=truth, expect_accuracy=high + 1.01)

    def test_relabelled_files_are_named(self) -> None:
        truth, dense, compressed = pair(6, 300, 20)
        with pytest.raises(InputError, match=r"ids of the labels were shifted by -1, the dense side would be right"):
            audit(dense, compressed, labels=truth + 1, expect_accuracy=79)
        with pytest.raises(InputError, match=r"ids of the dense side were shifted by -1, all but \d+ of 300"):
            audit(dense + 1, compressed, labels=truth, expect_accuracy=79)

    def test_other_causes_are_listed(self) -> None:
        truth, dense, compressed = pair(6, 300, 20)
        order = np.random.default_rng(0).permutation(300)
        with pytest.raises(InputError, match="rows in another order"):
            audit(dense[order], compressed[order], labels=truth, expect_accuracy=79)

    def test_it_needs_true_labels_and_percent(self) -> None:
        _, dense, compressed = pair(6, 300, 20)
        with pytest.raises(InputError, match="no true labels"):
            audit(dense, compressed, expect_accuracy=79)
        with pytest.raises(InputError, match="write 79 for 79 %"):
            audit(dense, compressed, expect_accuracy=0.79)

    def test_the_command_ends_with_2_and_leaves_what_was_there(self, tmp_path: Path) -> None:
        truth, dense, compressed = pair(6, 300, 20)
        for name, values in (("dense", dense), ("compressed", compressed), ("labels", truth)):
            np.save(tmp_path / f"{name}.npy", values)
        arguments = ["audit", *(tmp_path / f"{name}.npy" for name in ("dense", "compressed")), "--labels"]
        arguments += [tmp_path / "labels.npy", "--out", tmp_path / "out"]
        assert run_piescope(*arguments, "--expect-accuracy", "79").returncode == 0
        before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
        done = run_piescope(*arguments, "--expect-accuracy", "95")
        assert done.returncode == 2
        assert "--expect-accuracy" in done.stderr
        assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_the_warning_stands_on_top_of_terminal_page_and_markdown(tmp_path: Path) -> None:
    truth, dense, compressed = pair(6, 300, 20)
    for name, values in (("dense", dense), ("compressed", compressed + 1), ("labels", truth)):
        np.save(tmp_path / f"{name}.npy", values)
    done = run_piescope(
        "audit", tmp_path / "dense.npy", tmp_path / "compressed.npy", "--labels", tmp_path / "labels.npy",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[lines.index("") + 1].startswith("warning: The two sides seem to count")
    headline = "fewer right"
    for text in (done.stdout, *((tmp_path / "out" / name).read_text() for name in ("audit.md", "report.html"))):
        flat = " ".join(text.split())
        assert 0 <= flat.index("The two sides seem to count") < flat.index(headline)
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["warnings"][0]["kind"] == "side_relabelled"
