"""Random tables with ids, labels, scores and columns that are none of these, in random order, names and formats.

What an audit says of them is right, or it is a refusal: a wrong number without a word is a failure. `make fuzz` tries more.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from pyarrow import parquet

from made_refusals import GOOD, Cases, Refusal, write
from piescope.audits import audit
from piescope.problems import InputError

CALM: dict[str, Any] = dict(
    deadline=None,
    derandomize=False,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink a plan takes longer than to read it
)
settings.register_profile("tables", max_examples=60, **CALM)
settings.register_profile("tables-long", max_examples=2500, **CALM)
LONG = os.environ.get("PIESCOPE_FUZZ") == "audit-long"
fuzzed = settings(settings.get_profile("tables-long" if LONG else "tables"))

CLASSES = (
    ("cat", "dog", "bird", "frog", "deer", "ship"),
    ("benign", "malignant", "normal"),
    ("no", "yes"),
    ("LABEL_0", "LABEL_1", "LABEL_2"),
    ("Golden Retriever", "Tabby cat", "African elephant", "Ice cream"),
    ("entailment", "neutral", "contradiction"),
)

ID_NAMES = (
    "id",
    "image_id",
    "filename",
    "question_id",
    "doc_id",
    "SubjectID",
    "sample",
    "path",
    "key",
    "case",
    "",
    "Item No",
)
PREDICTION_NAMES = (
    "prediction",
    "pred",
    "predicted_label",
    "PredictedClass",
    "y_pred",
    "output",
    "decision",
    "label",
    "m",
)
TRUTH_NAMES = ("true_label", "target", "y_true", "label", "class", "gold")
CORRECT_NAMES = ("correct", "is_correct", "acc", "exact_match", "score", "Hit")
PREFIXES = ("", "prob_", "logit.", "score ", "p_")

Column = list[Any]
Distractor = Callable[[np.random.Generator, int], tuple[str, Column]]


def _numbers(name: str, draw: Callable[[np.random.Generator, int], np.ndarray]) -> Distractor:
    return lambda random, rows: (name, [round(float(value), 4) for value in draw(random, rows)])


def _whole(name: str, draw: Callable[[np.random.Generator, int], np.ndarray]) -> Distractor:
    return lambda random, rows: (name, [int(value) for value in draw(random, rows)])


def _texts(name: str, draw: Callable[[np.random.Generator, int], Column]) -> Distractor:
    return lambda random, rows: (name, [str(value) for value in draw(random, rows)])


DISTRACTORS: tuple[Distractor, ...] = (
    _numbers("latency_ms", lambda random, rows: random.gamma(2, 10, rows)),
    _numbers("nll", lambda random, rows: random.gamma(1, 1, rows)),
    _numbers("quality", lambda random, rows: random.random(rows)),
    _numbers("foo", lambda random, rows: random.normal(0, 3, rows)),
    _numbers("brightness", lambda random, rows: random.normal(100, 20, rows)),
    _numbers("confidence", lambda random, rows: 0.5 + random.random(rows) / 2),
    _whole("age", lambda random, rows: random.integers(20, 90, rows)),
    _whole("width", lambda random, rows: random.choice([224, 256], rows)),
    _whole("grade", lambda random, rows: random.integers(0, 5, rows)),
    _whole("flag", lambda random, rows: random.integers(0, 2, rows)),
    _whole("timestamp", lambda random, rows: 1_700_000_000 + random.permutation(rows)),
    _whole("seed", lambda random, rows: np.full(rows, 3)),
    _texts("split", lambda random, rows: ["val"] * rows),
    _texts("camera", lambda random, rows: list(random.choice(["day", "night", "dusk"], rows))),
    _texts("caption", lambda random, rows: [f"a picture of thing {value}" for value in random.permutation(rows)]),
    _texts("checksum", lambda random, rows: [f"{value:08x}" for value in random.permutation(10**6)[:rows]]),
)


@dataclass(frozen=True)
class World:
    """A truth, two sides and the tables that tell of them."""

    classes: tuple[str, ...]
    truth: np.ndarray
    sides: dict[str, np.ndarray]
    ids: Column | None

    @property
    def expected(self) -> dict[str, Any]:
        truth, (dense, compressed) = self.truth, self.sides.values()
        return {
            "changed": int((dense != compressed).sum()),
            "accuracy": (100 * float((dense == truth).mean()), 100 * float((compressed == truth).mean())),
            "lost": int(((dense == truth) & (compressed != truth)).sum()),
            "won": int(((dense != truth) & (compressed == truth)).sum()),
        }


def world(random: np.random.Generator, classes: tuple[str, ...], has_ids: bool, ids_are: str) -> World:
    rows, count = int(random.integers(30, 120)), len(classes)
    truth = random.integers(0, count, rows)
    dense = np.where(random.random(rows) < 0.85, truth, random.integers(0, count, rows))
    compressed = np.where(random.random(rows) < 0.1, random.integers(0, count, rows), dense)
    order = random.permutation(rows)
    ids: dict[str, Column] = {
        "texts": [f"img-{place:04d}" for place in order],
        "paths": [f"val/{classes[truth[place]].replace(' ', '_')}/{place}.png" for place in range(rows)],
        "numbers": [int(place) for place in 1000 + 7 * order],
        "counter": list(range(rows)),
        "shuffled": [int(place) for place in order],
    }
    return World(classes, truth, {"dense": dense, "compressed": compressed}, ids[ids_are] if has_ids else None)


def scores(random: np.random.Generator, labels: np.ndarray, count: int, kind: str) -> np.ndarray:
    logits = random.normal(0, 1, (len(labels), count))
    logits[np.arange(len(labels)), labels] = logits.max(1) + 0.05 + random.gamma(2, 1, len(labels))
    if kind == "logits":
        return np.asarray(logits.round(3))
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray((odds / odds.sum(1, keepdims=True)).round(4))


def said_in(
    kind: str, said: np.ndarray, made: World, name: str, prefix: str, random: np.random.Generator
) -> dict[str, Column]:
    """The columns with one side's answers."""
    names = made.classes
    if kind == "names":
        return {name: [names[label] for label in said]}
    if kind == "ids":
        return {name: said.tolist()}
    if kind == "correct":
        return {name: (said == made.truth).astype(int).tolist()}
    values = scores(random, said, len(names), "logits" if kind.startswith("logits") else "probabilities")
    if kind.endswith("list"):
        return {name: [row.tolist() for row in values]}
    first = 1 if kind.endswith("from 1") else 0
    heads = (
        [f"{prefix or 'p'}{first + place}" for place in range(len(names))]
        if kind.endswith(("counted", "from 1"))
        else [prefix + n for n in names]
    )
    return {head: values[:, place].tolist() for place, head in enumerate(heads)}


def written(table: dict[str, Column], path: Path, how: str) -> Path:
    """A table in a file of some format."""
    names = list(table)
    rows = list(zip(*table.values(), strict=True))
    if how in ("csv", "tsv", "semicolon"):
        path = path.with_suffix(".tsv" if how == "tsv" else ".csv")
        with path.open("w", newline="") as file:
            sheet = csv.writer(file, delimiter={"csv": ",", "tsv": "\t", "semicolon": ";"}[how])
            sheet.writerow(names)
            sheet.writerows([[json.dumps(cell) if isinstance(cell, list) else cell for cell in row] for row in rows])
        return path
    if how == "parquet":
        path = path.with_suffix(".parquet")
        parquet.write_table(pa.table(table), path)
        return path
    if how == "jsonl":
        path = path.with_suffix(".jsonl")
        path.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows))
        return path
    path = path.with_suffix(".json")
    content: Any = {
        "records": [dict(zip(names, row, strict=True)) for row in rows],
        "columns": {name: {str(place): cell for place, cell in enumerate(table[name])} for name in names},
        "split": {"columns": names, "index": list(range(len(rows))), "data": [list(row) for row in rows]},
        "index": {str(place): dict(zip(names, row, strict=True)) for place, row in enumerate(rows)},
    }[how]
    path.write_text(json.dumps(content))
    return path


FORMATS = ("csv", "tsv", "semicolon", "parquet", "jsonl", "records", "columns", "split", "index")
KINDS = (
    *("names", "ids", "correct", "logits", "probabilities", "logits counted", "probabilities counted"),
    *("logits list", "probabilities list", "logits from 1", "probabilities from 1"),
)


@dataclass(frozen=True)
class Plan:
    """How the files of one try are written."""

    seed: int
    classes: tuple[str, ...]
    kind: str
    id_name: str
    has_ids: bool
    ids_are: str
    answer: str
    prefix: str
    truth_name: str
    truth_is: str
    distractors: tuple[int, ...]
    how: str
    is_shuffled: bool


PLANS = some.builds(
    Plan,
    seed=some.integers(0, 2**32 - 1),
    classes=some.sampled_from(CLASSES),
    kind=some.sampled_from(KINDS),
    id_name=some.sampled_from(ID_NAMES),
    has_ids=some.booleans(),
    ids_are=some.sampled_from(("texts", "paths", "numbers", "counter", "shuffled")),
    answer=some.sampled_from(PREDICTION_NAMES),
    prefix=some.sampled_from(PREFIXES),
    truth_name=some.sampled_from(TRUTH_NAMES),
    truth_is=some.sampled_from(("none", "beside", "file", "file with ids of classes")),
    distractors=some.lists(some.integers(0, len(DISTRACTORS) - 1), max_size=3, unique=True).map(tuple),
    how=some.sampled_from(FORMATS),
    is_shuffled=some.booleans(),
)


def answer_of(plan: Plan) -> tuple[World, Any, InputError | None]:
    """Writes the files of a plan and audits them."""
    random = np.random.default_rng(plan.seed)
    made = world(random, plan.classes, plan.has_ids, plan.ids_are)
    rows = len(made.truth)
    name = CORRECT_NAMES[plan.seed % len(CORRECT_NAMES)] if plan.kind == "correct" else plan.answer
    name = "scores" if plan.kind.endswith("list") and plan.seed % 2 else name
    extras = {side: [DISTRACTORS[place](random, rows) for place in plan.distractors] for side in made.sides}
    by_ids = plan.kind == "ids" or plan.kind.endswith(("counted", "list", "from 1"))
    first = 1 if plan.kind.endswith("from 1") else 0
    truth: Column = (made.truth + first).tolist() if by_ids else [plan.classes[label] for label in made.truth]
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for side, said in made.sides.items():
            columns: dict[str, Column] = {} if made.ids is None else {plan.id_name: made.ids}
            columns |= said_in(plan.kind, said, made, name, plan.prefix, random)
            columns |= dict(extras[side])
            if plan.truth_is == "beside" and plan.truth_name not in columns:
                columns[plan.truth_name] = truth
            heads = list(random.permutation(np.array(list(columns), object)))
            order = (
                random.permutation(rows)
                if plan.is_shuffled and made.ids is not None and side != "dense"
                else range(rows)
            )
            table = {head: [columns[head][row] for row in order] for head in heads}
            paths[side] = written(table, Path(folder) / side, plan.how)
        labels: Any = None
        if plan.truth_is.startswith("file"):
            codes = made.truth.tolist() if plan.truth_is != "file" else truth
            beside = {} if made.ids is None else {plan.id_name: made.ids}
            labels = written(beside | {"label": codes}, Path(folder) / "labels", "csv")
        try:
            return made, audit(paths["dense"], paths["compressed"], labels=labels), None
        except InputError as error:
            return made, None, error


@pytest.mark.sampled(8, heavy=True)
@fuzzed
@given(PLANS)
def test_a_number_is_right_or_it_is_refused(plan: Plan) -> None:
    made, result, error = answer_of(plan)
    if error is not None:
        assert all(problem.cure for problem in error.problems)
        return
    expected = made.expected
    right = {side: said == made.truth for side, said in made.sides.items()}
    changed = expected["changed"] if plan.kind != "correct" else int((right["dense"] != right["compressed"]).sum())
    message = (plan, result["inputs"]["dense"]["told"], result["inputs"]["notes"])
    assert result["n_examples"] == len(made.truth), message
    assert result["changed"] == changed, message
    if result["accuracy"] is not None:
        assert result["accuracy"]["dense"] == pytest.approx(expected["accuracy"][0]), message
        assert result["accuracy"]["compressed"] == pytest.approx(expected["accuracy"][1]), message
        assert (result["flips"]["correct_to_wrong"], result["flips"]["wrong_to_correct"]) == (
            expected["lost"],
            expected["won"],
        ), message
    collides = plan.truth_is == "beside" and plan.truth_name == plan.answer
    if not collides:
        assert (result["accuracy"] is not None) == (plan.truth_is != "none" or plan.kind == "correct"), message


PLAIN = Plan(7, CLASSES[0], "names", "id", True, "texts", "prediction", "", "true_label", "file", (), "csv", True)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("how", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_plainly_is_read(kind: str, how: str) -> None:
    """A reader that refuses all would pass above."""
    from dataclasses import replace

    plan = replace(
        PLAIN, kind=kind, how=how, answer="scores" if kind.endswith("list") else "prediction", distractors=(0, 6)
    )
    made, result, error = answer_of(plan)
    assert error is None, str(error)
    assert result["accuracy"]["dense"] == pytest.approx(made.expected["accuracy"][0])
    assert result["flips"]["correct_to_wrong"] == made.expected["lost"]


CASES = Cases()


@CASES.add
def no_such_id_column(root: Path) -> Refusal:
    path = write(root, "d.csv", GOOD)
    return {"dense": path, "compressed": path, "id_column": "image"}, (
        "d.csv: --id-column",
        "no column 'image'",
        "'id', 'prediction'",
    )


CASES.text("only ids", "id\na\nb\n", "columns", "'id'", "columns of predictions", "--id-column")


@CASES.add
def several_columns_that_may_be_labels(root: Path) -> Refusal:
    return {
        "dense": np.array([0, 1]),
        "compressed": np.array([0, 1]),
        "labels": write(root, "l.csv", "first,second\n1,0\n0,1\n"),
    }, ("l.csv: columns", "'first', 'second'", "--label-column NAME")


@CASES.add
def no_such_label_column(root: Path) -> Refusal:
    asked = {
        "dense": np.array([0, 1]),
        "compressed": np.array([0, 1]),
        "labels": write(root, "l.csv", "label\n1\n0\n"),
        "label_column": "lable",
    }
    return asked, ("l.csv: --label-column", "no column 'lable'", "one of: 'label'")


@CASES.add
def a_list_and_a_number_named_as_scores(root: Path) -> Refusal:
    rows = "".join(f'{{"id": "{row}", "scores": [0.5, 0.5], "other": 0.{row}5}}\n' for row in range(4))
    path = write(root, "d.jsonl", rows)
    return {"dense": path, "compressed": path, "score_columns": ("other", "scores")}, (
        "d.jsonl: scores",
        "list values beside numbers",
        "name lists alone: --score-columns scores",
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)


def table_of(folder: Path, name: str = "both.csv", **columns: Any) -> Path:
    """A CSV file of columns, with ids."""
    path = folder / name
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", *columns])
        rows.writerows(zip(map("x{}".format, range(len(next(iter(columns.values()))))), *columns.values(), strict=True))
    return path


def drawn(values: tuple[str, ...], seed: int, rows: int = 300) -> list[str]:
    return [str(value) for value in np.random.default_rng(seed).choice(values, rows)]


HEIGHTS = [f"{150 + row % 50}.5" for row in range(300)]
NEGATIVE = [f"{-1 - row % 70 / 16}" for row in range(300)]
SURE = [f"{0.5013 + row / 700:.4f}" for row in range(300)]
WORDS = ("cat", "dog", "fish")
BOTH: dict[str, tuple[dict[str, list[str]], dict[str, Any], str]] = {
    "values of a regression": ({"a": HEIGHTS, "b": HEIGHTS[::-1]}, {}, r"150.5 to 199.5.*--values logits"),
    "log probabilities": ({"a": NEGATIVE, "b": NEGATIVE[::-1]}, {}, r"numbers from .*--values logits"),
    "top-1 confidences": (
        {"fp32_conf": SURE, "int8_conf": SURE[::-1]},
        {},
        r"how sure the model is.*--values probabilities",
    ),
    "classes like decimals": (
        {
            "label": drawn(("1.1", "1.10", "1.2"), 0),
            "a": drawn(("1.1", "1.10", "1.2"), 1),
            "b": drawn(("1.1", "1.2"), 2),
        },
        {},
        r"letter before",
    ),
    "classes like shares": (
        {"label": drawn(("0.1", "0.25"), 0), "a": drawn(("0.1", "0.25"), 1), "b": drawn(("0.1", "0.25"), 2)},
        {},
        r"fractions in a column that is named as the true labels.*letter before",
    ),
    "right and wrong by an affix": (
        {"label": drawn(("0", "1"), 0), "correct_a": drawn(("0", "1"), 1), "correct_b": drawn(("0", "1"), 2)},
        {},
        r"right and wrong, or the predicted class.*--values correct",
    ),
    "wrong by an affix": (
        {"label": drawn(("0", "1"), 0), "a_wrong": drawn(("0", "1"), 1), "b_wrong": drawn(("0", "1"), 2)},
        {},
        r"a name that says wrong",
    ),
    "two spellings of a number": (
        {"label": drawn(("1", "2"), 0), "a": drawn(("1", "1.0", "2"), 1), "b": drawn(("1", "2"), 2)},
        {},
        r"'1(\.0)?' and '1(\.0)?' in one column",
    ),
    "a number in hexadecimal": (
        {"label": drawn(("1", "2"), 0), "a": drawn(("0x1", "1", "2"), 1), "b": drawn(("1", "2"), 2)},
        {},
        r"'(0x)?1' and '(0x)?1' in one column",
    ),
    "two spellings of true": (
        {"label": drawn(("True", "False"), 0), "a": drawn(("True", "true", "False"), 1), "b": drawn(("True",), 2)},
        {},
        r"'[Tt]rue' and '[Tt]rue' in one column",
    ),
    "two truths that disagree": (
        {"label": drawn(WORDS, 0), "y_true": drawn(WORDS, 3), "a": drawn(WORDS, 1), "b": drawn(WORDS, 2)},
        {},
        r"disagree: 'y_true' and 'label'.*--label-column y_true, or --label-column label",
    ),
    "the truth among the predictions": (
        {"label": drawn(WORDS, 0), "a": drawn(WORDS, 1), "b": drawn(WORDS, 2)},
        {"label_column": "b"},
        r"'b', a column of predictions, too",
    ),
    "no answer": (
        {"label": drawn(WORDS, 0), "a": drawn(WORDS, 1), "b": ["", *drawn(WORDS, 2)[1:]]},
        {},
        r"an empty cell.*if it was never asked.*no-answer",
    ),
    "a second header": (
        {"label": drawn(("0", "1"), 0), "a": [*SURE[:250], "a", *SURE[251:]], "b": SURE[::-1]},
        {},
        r"'a', the column's own name.*second header",
    ),
    "four columns": (
        {"label": drawn(WORDS, 0), "a": drawn(WORDS, 1), "b": drawn(WORDS, 2)},
        {"prediction_column": ("a", "b", "a", "b")},
        r"4 columns of one file",
    ),
}


@pytest.mark.parametrize("name", BOTH)
def test_what_one_table_with_both_sides_does_not_say_for_sure_is_refused(tmp_path: Path, name: str) -> None:
    """Each of these was read as something, and mostly gave a verdict that was safe."""
    columns, options, found = BOTH[name]
    asked = [column for column in columns if column not in ("label", "y_true")]
    with pytest.raises(InputError, match=f"(?s){found}"):
        audit(table_of(tmp_path, **columns), out=tmp_path / "out", **{"prediction_column": asked, **options})


@pytest.mark.parametrize("truth", ["label", "gt", "correct_label", "kind"])
def test_the_other_side_is_neither_a_truth_nor_left_out(tmp_path: Path, truth: str) -> None:
    columns = {truth: drawn(WORDS, 0), "a": drawn(WORDS, 1), "b": drawn(WORDS, 2)}
    told = audit(table_of(tmp_path, **columns), prediction_column=("a", "b"), out=tmp_path / "out")["inputs"]
    notes = " ".join(told["dense"]["told"])
    assert "'b'" not in notes and "'a'" not in " ".join(told["compressed"]["told"])
    assert ("if it has the true labels: --label-column kind" in notes) == (truth == "kind")
    assert (told["labels"] is None) == (truth == "kind")


def test_labels_as_one_side_are_no_truth_of_themselves(tmp_path: Path) -> None:
    path = table_of(tmp_path, label=drawn(WORDS, 0), b=drawn(WORDS, 1))
    assert audit(path, prediction_column=("label", "b"), out=tmp_path / "out")["accuracy"] is None


@pytest.mark.parametrize("other", ["merged", "swapped", "shifted"])
def test_other_ids_are_other_truths_though_one_tells_the_other(tmp_path: Path, other: str) -> None:
    """One of them would be taken without a word: classes 3 and 4 in one, two exchanged, all counted from 1."""
    true = np.random.default_rng(0).integers(0, 5, 300)
    others = {"merged": np.minimum(true, 3), "swapped": np.array([1, 0, 2, 3, 4])[true], "shifted": true + 1}
    said = [np.where(np.random.default_rng(seed).random(300) < 0.2, (true + 1) % 5, true) for seed in (1, 2)]
    columns = {"label": true, "target": others[other], "a": said[0], "b": said[1]}
    path = table_of(tmp_path, **{name: list(map(str, values)) for name, values in columns.items()})
    with pytest.raises(InputError, match="'target' and 'label'"):
        audit(path, prediction_column=("a", "b"), out=tmp_path / "out")
    found = audit(path, prediction_column=("a", "b"), label_column="label", out=tmp_path / "out")
    assert found["accuracy"]["dense"] == pytest.approx(100 * (said[0] == true).mean())


@pytest.mark.parametrize("coarse", [False, True])
def test_a_coarser_or_another_spelling_of_the_truth_is_no_contradiction(tmp_path: Path, coarse: bool) -> None:
    true = drawn(("0", "1", "2"), 0)
    names = {"0": "cat", "1": "dog", "2": "dog" if coarse else "fish"}
    path = table_of(tmp_path, y_true=true, label=[names[label] for label in true], a=drawn(("0", "1", "2"), 1))
    other = table_of(tmp_path, "other.csv", y_true=true, a=drawn(("0", "1", "2"), 2))
    found = audit(path, other, prediction_column="a", out=tmp_path / "out")
    assert found["accuracy"]["dense"] == pytest.approx(
        100 * np.mean([one == two for one, two in zip(true, drawn(("0", "1", "2"), 1), strict=True)])
    )


def test_each_side_s_file_may_call_its_predictions_otherwise(tmp_path: Path) -> None:
    true, one, two = drawn(WORDS, 0), drawn(WORDS, 1), drawn(WORDS, 2)
    dense = table_of(tmp_path, "dense.csv", label=true, fp32=one)
    copy = table_of(tmp_path, "copy.csv", label=true, int8=two)
    found = audit(dense, copy, prediction_column=("fp32", "int8"), out=tmp_path / "out")
    lost = sum(a == y != b for y, a, b in zip(true, one, two, strict=True))
    assert found["flips"]["correct_to_wrong"] == lost
    both = table_of(tmp_path, "both.csv", label=true, fp32=one, int8=two)
    with pytest.raises(InputError, match="both columns in one file, one of them in another"):
        audit(both, copy, prediction_column=("fp32", "int8"), out=tmp_path / "other")


def test_quoted_decimal_commas_are_numbers(tmp_path: Path) -> None:
    shares = np.random.default_rng(0).random((2, 300)).round(4)
    columns = {
        name: [f"{share:.4f}".replace(".", ",") for share in row] for name, row in zip("ab", shares, strict=True)
    }
    path = table_of(tmp_path, label=drawn(("0", "1"), 0), **columns)
    assert '"0,' in path.read_text()
    found = audit(path, prediction_column=("a", "b"), out=tmp_path / "out")
    assert found["changed"] == ((shares[0] > 0.5) != (shares[1] > 0.5)).sum()


def test_scores_that_answer_one_class_on_both_sides_are_in_doubt(tmp_path: Path) -> None:
    path = table_of(tmp_path, a=SURE, b=SURE[::-1])
    found = audit(path, prediction_column=("a", "b"), budgets={"max_changed": "1%"}, out=tmp_path / "out")
    assert found["verdict"]["answer"] == "in doubt" and found["budgets"][0]["verdict"] == "undecided"


def test_metadata_of_the_table_itself_are_its_other_columns(tmp_path: Path) -> None:
    path = table_of(
        tmp_path, label=drawn(WORDS, 0), a=drawn(WORDS, 1), b=drawn(WORDS, 2), light=drawn(("day", "night"), 3)
    )
    found = audit(path, prediction_column=("a", "b"), label_column="label", metadata=path, out=tmp_path / "out")
    assert {row["column"] for row in found["groups"]} == {"light"}
