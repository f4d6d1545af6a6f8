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
