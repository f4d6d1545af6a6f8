"""Files of the kinds that people hand to an audit: each is read right, or refused with a cure that works.

The threads that the kinds are from: EleutherAI/lm-evaluation-harness#973 and #4084, tensorflow/tflite-support#906,
AI4EPS/PhaseNet#9, conversationai/conversationai-models#4, MLWave/Kaggle-Ensemble-Guide#5, mlcommons/GaNDLF#326,
openml/automlbenchmark#447, huggingface/pytorch-image-models (inference.py). The inputs are our own.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from piescope.audits import Audit, audit
from piescope.problems import InputError

ROWS, NAMES = 200, ("ant", "bee", "cow", "dog")
IDS = tuple(f"im{row:03d}" for row in range(ROWS))


def _made() -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    random = np.random.default_rng(3)
    truth = random.integers(0, 4, ROWS)
    dense = np.where(random.random(ROWS) < 0.85, truth, (truth + random.integers(1, 4, ROWS)) % 4)
    compressed = np.where(random.random(ROWS) < 0.07, (dense + random.integers(1, 4, ROWS)) % 4, dense)
    labels = {"dense": dense, "compressed": compressed}
    logits = {}
    for side, said in labels.items():
        values = random.normal(0, 1, (ROWS, 4))
        values[np.arange(ROWS), said] = values.max(1) + 0.01 + random.gamma(2, 1.5, ROWS)
        logits[side] = values.round(3)
    return truth, labels, logits


TRUTH, LABELS, LOGITS = _made()
CHANCES = {side: (np.exp(v) / np.exp(v).sum(1, keepdims=True)).round(4) for side, v in LOGITS.items()}
BYTES = {side: np.round(v * 256).clip(0, 255).astype(np.uint8) for side, v in CHANCES.items()}
RIGHT = {side: said == TRUTH for side, said in LABELS.items()}
RANDOM = np.random.default_rng(9)

Writer = Callable[[str, Path], Path]


def table(columns: Callable[[str], dict[str, Sequence[Any]]], shuffled: bool = False, delimiter: str = ",") -> Writer:
    """Writes a CSV file of what a function says of a side; the compressed one in another order."""

    def write(side: str, path: Path) -> Path:
        held = columns(side)
        order = np.random.default_rng(1).permutation(ROWS) if shuffled and side == "compressed" else np.arange(ROWS)
        path = path.with_suffix(".csv")
        with path.open("w", newline="") as file:
            sheet = csv.writer(file, delimiter=delimiter)
            sheet.writerow(held)
            sheet.writerows([[column[row] for column in held.values()] for row in order])
        return path

    return write


def lines(line: Callable[[str, int], str], suffix: str = ".txt", shuffled: bool = False) -> Writer:
    def write(side: str, path: Path) -> Path:
        order = np.random.default_rng(1).permutation(ROWS) if shuffled and side == "compressed" else np.arange(ROWS)
        path = path.with_suffix(suffix)
        path.write_text("".join(f"{line(side, int(row))}\n" for row in order))
        return path

    return write


def array(values: Callable[[str], np.ndarray]) -> Writer:
    def write(side: str, path: Path) -> Path:
        path = path.with_suffix(".npy")
        np.save(path, values(side))
        return path

    return write


def names(side: str) -> list[str]:
    return [NAMES[label] for label in LABELS[side]]


def classes(values: np.ndarray, prefix: str = "") -> dict[str, np.ndarray]:
    return {prefix + name: values[:, place] for place, name in enumerate(NAMES)}


def path_of(side: str, row: int, windows: bool = False) -> str:
    root = {"dense": "/data/gpu1/val", "compressed": "/mnt/pi/val"}[side]
    found = f"{root}/{NAMES[TRUTH[row]]}/{row:04d}.png"
    return "D:" + found.replace("/", "\\") if windows else found


def index_json(columns: Callable[[str], dict[str, Sequence[Any]]], orient: str) -> Writer:
    def write(side: str, path: Path) -> Path:
        held = {name: np.asarray(values).tolist() for name, values in columns(side).items()}
        path = path.with_suffix(".json")
        rows = {IDS[row]: {name: values[row] for name, values in held.items()} for row in range(ROWS)}
        content = {
            "index": rows,
            "columns": {name: dict(zip(IDS, values, strict=True)) for name, values in held.items()},
            "split": {"columns": list(held), "index": list(IDS), "data": [list(row.values()) for row in rows.values()]},
        }[orient]
        path.write_text(json.dumps(content))
        return path

    return write


def timm(side: str) -> dict[str, Sequence[Any]]:
    return {"index": LABELS[side].tolist(), "label": names(side), "prob": CHANCES[side].max(1).tolist()}


def timm_parquet(side: str, path: Path) -> Path:
    path = path.with_suffix(".parquet")
    parquet.write_table(pa.table({"filename": list(IDS), **timm(side)}), path)
    return path


def trainer_npz(side: str, path: Path) -> Path:
    """What `Trainer.predict` of transformers returns, saved."""
    path = path.with_suffix(".npz")
    np.savez(path, predictions=LOGITS[side].astype(np.float32), label_ids=TRUTH, metrics=np.array(0.5))
    return path


def with_number(name: str, values: np.ndarray) -> Writer:
    return table(lambda side: {"filename": IDS, **classes(LOGITS[side]), name: values})


READ: dict[str, tuple[Writer, str | None, dict[str, Any]]] = {
    # quantised outputs, whose whole numbers are no labels of ten models
    "uint8 softmax": (array(lambda side: BYTES[side]), "ids", {}),
    "int8 softmax": (array(lambda side: (BYTES[side].astype(int) - 128).astype(np.int8)), "ids", {}),
    "int8 softmax by name": (
        table(lambda side: {**classes(BYTES[side].astype(int) - 128), "id": IDS}, shuffled=True),
        "names",
        {},
    ),
    "lists of bytes": (
        lines(lambda side, row: json.dumps({"id": IDS[row], "scores": BYTES[side][row].tolist()}), ".jsonl", True),
        "ids",
        {},
    ),
    "8-bit logits, said": (
        array(lambda side: np.round(LOGITS[side] * 9 + 99).astype(np.uint8)),
        "ids",
        {"values": "logits"},
    ),
    "labels of 8 bits": (array(lambda side: LABELS[side].astype(np.int8)), "ids", {}),
    # lists as text
    "NumPy's text": (table(lambda side: {"id": IDS, "probs": [str(row) for row in CHANCES[side]]}, True), "ids", {}),
    "Python's text": (
        table(lambda side: {"id": IDS, "probs": [str(row.tolist()) for row in CHANCES[side]]}),
        "ids",
        {},
    ),
    "torch's text": (
        table(lambda side: {"id": IDS, "probs": [f"tensor({row.tolist()})" for row in CHANCES[side]]}),
        "ids",
        {},
    ),
    "text and label": (
        table(lambda side: {"id": IDS, "pred": LABELS[side], "probs": [str(row.tolist()) for row in CHANCES[side]]}),
        "ids",
        {},
    ),
    "a list a line": (
        table(lambda side: {"probs": [str(row.tolist()) for row in CHANCES[side]]}, delimiter="\t"),
        "ids",
        {},
    ),
    # lists without header, other separators, other roots
    "names one a line": (lines(lambda side, row: NAMES[LABELS[side][row]]), None, {}),
    "names with blanks": (lines(lambda side, row: f"polar {NAMES[LABELS[side][row]]}"), None, {}),
    "id,label": (lines(lambda side, row: f"{IDS[row]}.png,{LABELS[side][row]}", ".csv", True), None, {}),
    "id label": (lines(lambda side, row: f"v/{IDS[row]}.png {LABELS[side][row]}", shuffled=True), None, {}),
    "id   label": (lines(lambda side, row: f"{IDS[row]}   {LABELS[side][row]}", shuffled=True), "ids", {}),
    "savetxt": (lines(lambda side, row: " ".join(f"{value:.18e}" for value in LOGITS[side][row])), "ids", {}),
    "other roots": (
        lines(lambda side, row: f"{path_of(side, row)},{LABELS[side][row]}", ".csv", True),
        None,
        {"match_tail": True},
    ),
    "Windows": (
        table(
            lambda side: {"path": [path_of(side, row, side == "dense") for row in range(ROWS)], "pred": names(side)},
            True,
        ),
        None,
        {"match_tail": True},
    ),
    "a first name that is met once, said": (
        lines(lambda side, row: "gnu" if row == 0 else NAMES[LABELS[side][row]]),
        None,
        {"header": False},
    ),
    # ids and what is beside
    "question_id": (
        table(lambda side: {"question_id": IDS, "prediction": LABELS[side], "label": TRUTH}, True),
        "beside",
        {},
    ),
    "an unknown id": (table(lambda side: {"case": IDS, "answer": LABELS[side]}, True), None, {}),
    "an index and a name": (
        table(lambda side: {"": range(ROWS), "name": IDS, "prediction": LABELS[side]}, True),
        None,
        {},
    ),
    "latency": (with_number("latency_ms", RANDOM.gamma(9, 1, ROWS)), "names", {}),
    "age": (with_number("Patient Age", RANDOM.integers(20, 90, ROWS)), "names", {}),
    "loss, ids": (with_number("nll", RANDOM.gamma(1, 1, ROWS)), "ids", {}),
    "unknown number, said": (with_number("foo", RANDOM.normal(0, 9, ROWS)), "names", {"score_columns": NAMES}),
    "unknown number beside probabilities": (
        table(lambda side: {"filename": IDS, **classes(CHANCES[side]), "foo": RANDOM.random(ROWS)}),
        "names",
        {},
    ),
    "GaNDLF": (
        table(
            lambda side: {
                "SubjectID": IDS,
                **{str(place): CHANCES[side][:, place] for place in range(4)},
                "PredictedClass": LABELS[side].astype(float),
                "ClassName": names(side),
            }
        ),
        "ids",
        {},
    ),
    "AutoML benchmark": (
        table(
            lambda side: {**classes(CHANCES[side]), "predictions": names(side), "truth": [NAMES[one] for one in TRUTH]}
        ),
        "beside",
        {},
    ),
    "inputs beside the prediction": (
        table(
            lambda side: {
                "id": IDS,
                **{f"x_{place}": RANDOM.normal(0, 9, ROWS) for place in range(4)},
                "prediction": LABELS[side],
            }
        ),
        "ids",
        {},
    ),
    "columns in another order": (
        table(lambda side: {f"p{place}": CHANCES[side][:, place] for place in (3, 0, 2, 1)} | {"id": IDS}),
        "ids",
        {},
    ),
    # timm, transformers
    "timm": (
        table(lambda side: {"filename": IDS, "label": names(side), "prob": CHANCES[side].max(1)}, True),
        "names",
        {},
    ),
    "timm index": (table(lambda side: {"filename": IDS, **timm(side)}, True), "ids", {}),
    "timm json": (index_json(timm, "index"), "ids", {}),
    "timm json-split": (index_json(timm, "split"), "ids", {}),
    "pandas columns": (index_json(timm, "columns"), "ids", {}),
    "timm parquet": (timm_parquet, "ids", {}),
    "timm topk": (
        table(
            lambda side: {
                "filename": IDS,
                **{f"index_{place}": np.argsort(-CHANCES[side], 1)[:, place] for place in range(3)},
                **{f"prob_{place}": np.sort(CHANCES[side], 1)[:, ::-1][:, place] for place in range(3)},
            }
        ),
        "ids",
        {},
    ),
    "Trainer.predict": (trainer_npz, "beside", {}),
    "pipeline": (
        lines(
            lambda side, row: json.dumps({"label": NAMES[LABELS[side][row]], "score": CHANCES[side][row].max()}),
            ".jsonl",
        ),
        None,
        {},
    ),
}


@pytest.fixture(params=["ids", "names"])
def _any(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


def audited(write: Writer, labels: str | None, folder: Path, **asked: Any) -> Audit:
    paths = [write(side, folder / side) for side in ("dense", "compressed")]
    given = None
    if labels in ("ids", "names"):
        truth = TRUTH if labels == "ids" else [NAMES[one] for one in TRUTH]
        has_ids = paths[0].suffix != ".npy" and not _has_no_ids(paths[0])
        given = table(lambda _: ({"id": IDS} if has_ids else {}) | {"label": truth})("dense", folder / "labels")
    return audit(paths[0], paths[1], labels=given, **asked)


def _has_no_ids(path: Path) -> bool:
    return not any(name in path.read_bytes().decode("utf-8", "ignore") for name in IDS[:2])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", READ)
def test_read_right(kind: str, tmp_path: Path) -> None:
    write, labels, asked = READ[kind]
    found = audited(write, labels, tmp_path, **asked)
    changed = LABELS["dense"] != LABELS["compressed"]
    if "gnu" in found["class_names"]:
        changed[0] = False
    assert found["n_examples"] == ROWS
    assert found["changed"] == changed.sum(), found["inputs"]["dense"]["told"]
    if labels is not None:
        assert found["accuracy"]["dense"] == pytest.approx(100 * RIGHT["dense"].mean())
        assert found["flips"]["correct_to_wrong"] == (RIGHT["dense"] & ~RIGHT["compressed"]).sum()
        assert found["flips"]["wrong_to_correct"] == (~RIGHT["dense"] & RIGHT["compressed"]).sum()


def correct(column: str, values: Callable[[str], Sequence[Any]], name: str = "doc_id") -> Writer:
    return table(lambda side: {name: range(ROWS), column: values(side)}, shuffled=True)


JUDGED: dict[str, tuple[Writer, dict[str, Any]]] = {
    "0 and 1": (correct("correct", lambda side: RIGHT[side].astype(int)), {}),
    "true and false": (correct("passed", lambda side: RIGHT[side], "sample_id"), {}),
    "a score of 0 and 1": (correct("score", lambda side: RIGHT[side].astype(float), "prompt_id"), {}),
    "an unknown id": (correct("exact_match", lambda side: RIGHT[side].astype(int), "item"), {}),
    "a row's number": (correct("acc", lambda side: RIGHT[side].astype(int), "idx"), {}),
    "words": (correct("correct", lambda side: np.where(RIGHT[side], "yes", "no")), {}),
    "a score, with a limit": (correct("score", lambda side: 0.2 + 0.6 * RIGHT[side]), {"right_from": 0.5}),
    "two metrics, said": (
        table(
            lambda side: {
                "doc_id": range(ROWS),
                "acc": RIGHT[side].astype(int),
                "acc_norm": RANDOM.integers(0, 2, ROWS),
            }
        ),
        {"prediction_column": "acc"},
    ),
    "the harness's target": (
        table(
            lambda side: {
                "doc_id": range(ROWS),
                "doc_hash": [f"{row * 2654435761 % 2**32:08x}" for row in range(ROWS)],
                "target": TRUTH,
                "acc": RIGHT[side].astype(float),
            },
            shuffled=True,
        ),
        {},
    ),
    "beside the truth and how sure the model is": (
        table(
            lambda side: {"id": IDS, "label": TRUTH, "confidence": CHANCES[side].max(1), "correct": RIGHT[side]}, True
        ),
        {},
    ),
    "an array": (array(lambda side: RIGHT[side]), {"values": "correct"}),
}


@pytest.mark.parametrize("kind", JUDGED)
def test_right_and_wrong_need_no_labels(kind: str, tmp_path: Path) -> None:
    write, asked = JUDGED[kind]
    found = audited(write, None, tmp_path, **asked)
    assert found["right_or_wrong"]
    assert found["changed"] == (RIGHT["dense"] != RIGHT["compressed"]).sum()
    assert found["accuracy"]["dense"] == pytest.approx(100 * RIGHT["dense"].mean())
    assert found["accuracy"]["compressed"] == pytest.approx(100 * RIGHT["compressed"].mean())
    assert found["flips"]["correct_to_wrong"] == (RIGHT["dense"] & ~RIGHT["compressed"]).sum()
    assert (found["classes"], found["confusions"], found["calibration"]) == ([], [], None)
    assert any("only right and wrong are known" in note for note in found["inputs"]["notes"])


TAGS = {side: RANDOM.integers(0, 2, (ROWS, 3)) for side in LABELS}


def tags(side: str) -> dict[str, Sequence[Any]]:
    return {"id": IDS, **{name: TAGS[side][:, place] for place, name in enumerate(("toxic", "threat", "hate"))}}


REFUSED: dict[str, tuple[Writer, dict[str, Any], tuple[str, ...]]] = {
    "8-bit logits": (
        array(lambda side: np.round(LOGITS[side] * 9 + 99).astype(np.uint8)),
        {},
        ("no better than by chance", "--values logits"),
    ),
    "percentages": (array(lambda side: 100 * CHANCES[side]), {}, ("percentages", "divide them by 100")),
    "lists of names": (
        table(lambda side: {"id": IDS, "pred": [f"['{name}']" for name in names(side)]}),
        {},
        ("looks like a list",),
    ),
    "cut arrays": (
        table(lambda side: {"id": IDS, "probs": [f"[{row[0]} ... {row[3]}]" for row in CHANCES[side]]}),
        {},
        ("looks like a list",),
    ),
    "0/1 tags": (table(tags), {}, ("multi-label", "--prediction-column")),
    "0/1 tags in an array": (array(lambda side: TAGS[side]), {}, ("multi-label", "--values labels")),
    "sigmoids": (array(lambda side: RANDOM.random((ROWS, 5))), {}, ("multi-label", "--values logits")),
    "logits nobody names": (
        table(lambda side: {"id": IDS, **classes(LOGITS[side])}),
        {},
        ("--score-columns ant,bee,cow,dog",),
    ),
    "other roots": (
        lines(lambda side, row: f"{path_of(side, row)},{LABELS[side][row]}", ".csv"),
        {},
        ("--match-tail",),
    ),
    "ids that count the rows": (
        lambda side, path: table(
            lambda _: {
                "id": range(ROWS),
                **{
                    name: np.array(column)[ORDER[side]]
                    for name, column in {"file_name": IDS, "pred": LABELS[side]}.items()
                },
            }
        )(side, path),
        {},
        ("--id-column file_name",),
    ),
    "prompts in another order": (
        table(
            lambda side: {
                "prompt": [f"what is {row} plus {row}?" for row in range(ROWS)],
                "correct": RIGHT[side].astype(int),
            },
            True,
        ),
        {},
        ("--id-column prompt",),
    ),
    "one of two columns that could be ids, in order in one file": (
        table(
            lambda side: {"Item No": range(ROWS), "sum": [f"{row}{side}" for row in range(ROWS)], "pred": LABELS[side]},
            True,
        ),
        {},
        ("--id-column 'Item No'",),
    ),
    "a list of the best": (
        table(
            lambda side: {
                "id": IDS,
                **{f"x_{place}": np.sort(CHANCES[side], 1)[:, ::-1][:, place] for place in range(4)},
            }
        ),
        {},
        ("list of the best 4", "--score-columns x_0,x_1,x_2,x_3"),
    ),
    "a score without a limit": (
        correct("score", lambda side: 0.2 + 0.6 * RIGHT[side]),
        {},
        ("--right-from 0.5", "--values probabilities"),
    ),
    "two metrics": (
        table(
            lambda side: {
                "doc_id": range(ROWS),
                "acc": RIGHT[side].astype(int),
                "acc_norm": RANDOM.integers(0, 2, ROWS),
            }
        ),
        {},
        ("--prediction-column",),
    ),
    "both sides in one file": (
        table(lambda _: {"id": IDS, "dense_label": LABELS["dense"], "compressed_label": LABELS["compressed"]}),
        {},
        ("several predictions", "--prediction-column"),
    ),
    "free answers": (
        table(lambda side: {"id": IDS, "prediction": [f"it is {row} {side}" for row in range(ROWS)]}),
        {},
        ("200 different texts",),
    ),
    "a year": (
        table(lambda side: {"id": IDS, "year": RANDOM.integers(1990, 2020, ROWS)}),
        {},
        ("--prediction-column",),
    ),
    "a stranger among models": (
        table(
            lambda side: {"id": IDS, "seed0": LABELS[side], "seed1": LABELS[side], "grade": RANDOM.integers(0, 4, ROWS)}
        ),
        {},
        ("nothing that says which are predicted", "--prediction-column"),
    ),
    "another class than the scores'": (
        table(lambda side: {"id": IDS, **classes(CHANCES[side], "prob_"), "prediction": (LABELS[side] + 1) % 4}),
        {},
        ("--prediction-column", "--score-columns"),
    ),
    "the prediction as label": (
        table(lambda side: {"id": IDS, "prediction": LABELS[side], "label": names(side)}),
        {},
        ("the predicted class in every row", "--label-column"),
    ),
    "a third axis of positions": (
        array(lambda side: RANDOM.normal(0, 1, (ROWS, 16, 4))),
        {},
        ("agree no better than by chance",),
    ),
    "many more columns than rows": (
        array(lambda side: RANDOM.normal(0, 1, (9, 300))),
        {},
        ("give --labels", "--values logits"),
    ),
    "a first name that is met once": (
        lines(lambda side, row: "gnu" if row == 0 else NAMES[LABELS[side][row]]),
        {},
        ("--header or --no-header",),
    ),
    "timm's lists": (
        table(lambda side: {"filename": IDS, "prob": [str(row) for row in np.sort(CHANCES[side], 1)[:, ::-1][:, :3]]}),
        {},
        ("fall in every row", "--topk 0"),
    ),
    "timm's summary": (
        table(
            lambda _: {
                "model": IDS,
                "top1": RANDOM.random(ROWS),
                "top1_err": RANDOM.random(ROWS),
                "top5": RANDOM.random(ROWS),
            }
        ),
        {},
        ("validate.py", "inference.py"),
    ),
    "right or wrong against labels": (
        lambda side, path: (
            correct("correct", lambda s: RIGHT[s].astype(int))
            if side == "dense"
            else table(lambda s: {"doc_id": range(ROWS), "prediction": LABELS[s]})
        )(side, path),
        {},
        ("right or wrong on one side",),
    ),
    "class drop of right and wrong": (
        correct("correct", lambda side: RIGHT[side].astype(int)),
        {"budgets": {"max_class_drop": 3}},
        ("max_class_drop",),
    ),
}

ORDER = {"dense": np.arange(ROWS), "compressed": np.random.default_rng(4).permutation(ROWS)}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_with_a_cure(kind: str, tmp_path: Path) -> None:
    write, asked, fragments = REFUSED[kind]
    with pytest.raises(InputError) as caught:
        audited(write, None, tmp_path, **asked)
    for fragment in fragments:
        assert fragment in str(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ("kind", "asked", "labels"),
    [
        ("8-bit logits", {"values": "logits"}, None),
        ("logits nobody names", {"score_columns": NAMES}, None),
        ("logits nobody names", {}, "names"),
        ("other roots", {"match_tail": True}, None),
        ("ids that count the rows", {"id_column": "file_name"}, None),
        ("a first name that is met once", {"header": False}, None),
    ],
)
def test_the_cures_work(kind: str, asked: dict[str, Any], labels: str | None, tmp_path: Path) -> None:
    found = audited(REFUSED[kind][0], labels, tmp_path, **asked)
    changed = LABELS["dense"] != LABELS["compressed"]
    if "gnu" in found["class_names"]:
        changed[0] = False
    assert found["changed"] == changed.sum()


def test_one_tag_at_a_time(tmp_path: Path) -> None:
    found = audited(table(tags), None, tmp_path, prediction_column="toxic")
    assert found["changed"] == (TAGS["dense"][:, 0] != TAGS["compressed"][:, 0]).sum()


def test_a_kind_for_each_side(tmp_path: Path) -> None:
    dense = array(lambda _: CHANCES["dense"].astype(np.float32))("dense", tmp_path / "dense")
    compressed = array(lambda _: np.round(LOGITS["compressed"] * 9 + 99).astype(np.uint8))("", tmp_path / "compressed")
    found = audit(dense, compressed, values=("probabilities", "logits"))
    assert found["changed"] == (LABELS["dense"] != LABELS["compressed"]).sum()


def test_how_files_are_read_is_said_everywhere(tmp_path: Path) -> None:
    from piescope.report.audit.document import audit_document
    from piescope.report.layout.lines import lines

    write = with_number("latency_ms", RANDOM.gamma(9, 1, ROWS))
    found = audited(write, "names", tmp_path, out=tmp_path / "out")
    terminal = " ".join(" ".join(lines(audit_document(found.record), 120)).split())
    texts = [terminal, found.markdown(), (tmp_path / "out" / "report.html").read_text()]
    for text in texts:
        for fragment in ("filename", "latency", "a measurement by its name", "one column a class"):
            assert fragment in text, text
    assert "latency_ms" in " ".join(
        json.loads((tmp_path / "out" / "audit.json").read_text())["inputs"]["dense"]["told"]
    )


def test_a_column_that_no_label_names_and_that_wins_often_stops_the_run(tmp_path: Path) -> None:
    values = {side: np.column_stack([LOGITS[side], RANDOM.normal(3, 2, ROWS)]) for side in LABELS}
    paths = [array(lambda side: values[side])(side, tmp_path / side) for side in LABELS]
    with pytest.raises(InputError, match="no true label ever names it") as caught:
        audit(paths[0], paths[1], labels=TRUTH)
    assert "--classes FILE" in str(caught.value)
    found = audit(paths[0], paths[1], labels=TRUTH, classes=[*NAMES, "gnu"])
    assert found["n_examples"] == ROWS


SHARED = Path(__file__).parents[3] / "shared" / "cases"


def _shared(kind: str, dense: str, compressed: str, labels: str | None, **asked: Any) -> Audit:
    folder = SHARED / kind
    return audit(folder / dense, folder / compressed, labels=None if labels is None else folder / labels, **asked)


CASES: tuple[tuple[str, str, str, str | None, str | None, dict[str, Any]], ...] = (
    ("F01", "ll_full.jsonl", "ll_int4.jsonl", None, "", {}),
    ("F01", "ll_full.jsonl", "ll_int4.jsonl", None, "", {"id_column": "doc_id"}),
    *(
        ("F05", one, other, "labels.npy", "float against uint8", asked)
        for one, other, asked in (
            ("keras_float.npy", "tflite_uint8.npy", {}),
            ("keras_float.npy", "tflite_int8.npy", {}),
            ("tflite_dynamic_uint8.npy", "tflite_uint8.npy", {}),
            ("tflite_dynamic_uint8.csv", "tflite_uint8.csv", {}),
            ("keras_float.npy", "tflite_uint8.npy", {"values": "logits"}),
        )
    ),
    ("F05", "keras_float.npy", "tflite_uint8.npy", None, "float against uint8", {}),
    ("F05", "tflite_dynamic_uint8.csv", "tflite_uint8.csv", None, "uint8 against uint8", {}),
    *(("F07", f"{kind}_dense.csv", f"{kind}_pruned.csv", "labels.csv", "", {}) for kind in ("numpy", "list", "both")),
    ("F07", "numpy_dense.csv", "numpy_pruned.csv", None, "", {}),
    ("F14", "server.csv", "edge.csv", "labels.csv", "", {"match_tail": True}),
    ("F14", "server.csv", "windows.csv", "labels.csv", "", {"match_tail": True}),
    ("F14", "list_server.txt", "list_edge.txt", None, "", {}),
    ("F14", "nohead_server.csv", "nohead_edge.csv", None, "", {}),
    ("F14", "spaces_server.txt", "spaces_edge.txt", None, "", {}),
    ("F25", "fp16.csv", "awq.csv", None, "", {}),
    ("F25", "fp16.csv", "awq.csv", None, "", {"id_column": "question_id"}),
    *(
        ("F26", f"{kind}_fp32.csv", f"{kind}_int8.csv", labels, "", {})
        for kind in ("latency", "nll")
        for labels in ("labels.csv", "labels_ids.csv")
    ),
    ("F26", "gandlf_fp32.csv", "gandlf_int8.csv", "labels_ids.csv", "", {}),
    ("F26", "gandlf_fp32.csv", "gandlf_int8.csv", None, "", {}),
    ("F26", "amlb_fp32.csv", "amlb_int8.csv", None, "", {}),
)


@pytest.mark.sampled(3)
@pytest.mark.skipif(
    not SHARED.is_dir(), reason="the cases from the field are not beside the project; siblings of all run above"
)
@pytest.mark.parametrize(("kind", "dense", "compressed", "labels", "expected", "asked"), CASES)
def test_cases_from_the_field(
    kind: str, dense: str, compressed: str, labels: str | None, expected: str | None, asked: dict[str, Any]
) -> None:
    right = json.loads((SHARED / kind / "expected.json").read_text())
    right = right[expected] if expected else right
    found = _shared(kind, dense, compressed, labels, **asked)
    assert (found["n_examples"], found["changed"]) == (right["examples"], right["changed"])
    if found["accuracy"] is not None:
        assert found["accuracy"]["dense"] == pytest.approx(right["dense_accuracy"], abs=1e-4)
        assert found["accuracy"]["compressed"] == pytest.approx(right["compressed_accuracy"], abs=1e-4)
        for flip in ("correct_to_wrong", "wrong_to_correct", "wrong_to_wrong"):
            assert found["flips"][flip] == right[flip]


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="the cases from the field are not beside the project; siblings of all run above"
)
@pytest.mark.parametrize(
    ("kind", "dense", "compressed", "labels", "fragment"),
    [
        ("F01", "samples_arc_full.jsonl", "samples_arc_int4.jsonl", None, "samples of lm-evaluation-harness"),
        ("F14", "server.csv", "edge.csv", None, "--match-tail"),
        ("F26", "latency_fp32.csv", "latency_int8.csv", None, "--score-columns benign,malignant,normal"),
        ("F26", "nll_fp32.csv", "nll_int8.csv", None, "--score-columns benign,malignant,normal"),
        ("F26", "gandlf_fp32.csv", "gandlf_int8.csv", "labels.csv", "--classes FILE"),
        *(
            ("F13", f"{what}_fp32.csv", f"{what}_int8.csv", labels, "multi-label")
            for what in ("sigmoid", "logit", "binary")
            for labels in (None, "labels.csv")
        ),
    ],
)
def test_cases_from_the_field_that_are_refused(
    kind: str, dense: str, compressed: str, labels: str | None, fragment: str
) -> None:
    with pytest.raises(InputError) as caught:
        _shared(kind, dense, compressed, labels)
    assert fragment in str(caught.value)


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="the cases from the field are not beside the project; siblings of all run above"
)
@pytest.mark.parametrize(
    ("kind", "dense", "compressed"),
    [("F01", "slim_full.jsonl", "slim_int4.jsonl"), ("F25", "correct_fp16.csv", "correct_awq.csv")],
)
def test_right_or_wrong_from_the_field(kind: str, dense: str, compressed: str) -> None:
    right = json.loads((SHARED / kind / "expected.json").read_text())
    found = _shared(kind, dense, compressed, None)
    assert found["changed"] == right["correct_to_wrong"] + right["wrong_to_correct"]
    assert found["accuracy"]["dense"] == pytest.approx(right["dense_accuracy"], abs=1e-4)
    assert found["flips"]["correct_to_wrong"] == right["correct_to_wrong"]


BINARY = {side: (said > 1).astype(int) for side, said in LABELS.items()}
TRUE_CLASS = (TRUTH > 1).astype(int)


@pytest.mark.parametrize("name", ["prob", "logit"])
def test_the_truth_beside_one_score(name: str, tmp_path: Path) -> None:
    """``id,label,score``: the label is the truth, unless the score is how sure the model is of it."""
    noise = RANDOM.random(ROWS) * 0.4

    def write(side: str, path: Path) -> Path:
        chance = np.where(BINARY[side] == 1, 0.55 + noise, 0.05 + noise)
        score = np.log(chance / (1 - chance)) if name == "logit" else chance
        return table(lambda _: {"id": IDS, "label": TRUE_CLASS, name: score})(side, path)

    found = audited(write, None, tmp_path)
    assert found["changed"] == (BINARY["dense"] != BINARY["compressed"]).sum()
    assert found["accuracy"]["dense"] == pytest.approx(100 * (BINARY["dense"] == TRUE_CLASS).mean())


def test_a_label_that_may_be_either_is_refused(tmp_path: Path) -> None:
    write = table(lambda side: {"id": IDS, "label": TRUE_CLASS, "prob": 0.5 + RANDOM.random(ROWS) / 2})
    with pytest.raises(InputError, match="--prediction-column label if it is the model's answer"):
        audited(write, None, tmp_path)


def test_a_kind_of_values_chooses_no_columns(tmp_path: Path) -> None:
    """What the numbers are is said, which of them are scores is not."""
    with pytest.raises(InputError, match="--score-columns ant,bee,cow,dog,foo"):
        audited(with_number("foo", RANDOM.normal(0, 9, ROWS)), None, tmp_path, values="logits")


def test_a_class_with_the_name_of_a_measurement(tmp_path: Path) -> None:
    """The labels' names tell that they are classes; that there are as many does not."""
    names_of = ("time", "loss", "age", "size")
    write = table(lambda side: {"id": IDS, **{name: LOGITS[side][:, place] for place, name in enumerate(names_of)}})
    with pytest.raises(InputError, match="--score-columns"):
        audited(write, "ids", tmp_path)
    paths = [write(side, tmp_path / side) for side in LABELS]
    labels = table(lambda _: {"id": IDS, "label": [names_of[one] for one in TRUTH]})("", tmp_path / "labels")
    found = audit(paths[0], paths[1], labels=labels)
    assert sorted(found["class_names"]) == sorted(names_of)
    assert found["changed"] == (LABELS["dense"] != LABELS["compressed"]).sum()


@pytest.mark.parametrize("beside", [("latency_ms", "nll"), ("foo", "quality")])
def test_numbers_beside_right_and_wrong_are_no_classes(beside: tuple[str, str], tmp_path: Path) -> None:
    """Two of them, and labels of two classes."""
    write = table(
        lambda side: {"id": IDS, **{name: RANDOM.random(ROWS) for name in beside}, "acc": RIGHT[side].astype(int)}, True
    )
    truth = table(lambda _: {"id": IDS, "label": TRUE_CLASS})("", tmp_path / "labels")
    paths = [write(side, tmp_path / side) for side in LABELS]
    found = audit(paths[0], paths[1], labels=truth)
    assert found["right_or_wrong"]
    assert found["changed"] == (RIGHT["dense"] != RIGHT["compressed"]).sum()


@pytest.mark.parametrize("truth", ["species", "reference", "diagnosis", "y_test"])
@pytest.mark.parametrize("answer", ["resnet", "model_output", "int8"])
def test_a_truth_of_an_unknown_name_is_no_second_model(truth: str, answer: str, tmp_path: Path) -> None:
    write = table(lambda side: {"id": IDS, truth: TRUTH, answer: LABELS[side]})
    with pytest.raises(InputError, match="--prediction-column"):
        audited(write, None, tmp_path)
    found = audited(write, None, tmp_path, prediction_column=answer, label_column=truth)
    assert found["changed"] == (LABELS["dense"] != LABELS["compressed"]).sum()
    assert found["accuracy"]["dense"] == pytest.approx(100 * RIGHT["dense"].mean())


@pytest.mark.parametrize(
    "beside",
    [
        {"t": [1.7e9 + row / 4 for row in range(ROWS)]},
        {"sentence": [f"hello, sentence {row // 2}" for row in range(ROWS)]},
        {"frame": [row % 50 for row in range(ROWS)]},
    ],
    ids=["times", "repeated texts", "frames"],
)
def test_rows_in_another_order_that_a_column_shows(beside: dict[str, Sequence[Any]], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="in the row of"):
        audited(table(lambda side: {**beside, "prediction": LABELS[side]}, True), None, tmp_path)
    assert audited(table(lambda side: {**beside, "prediction": LABELS[side]}), None, tmp_path)["changed"] > 0


@pytest.mark.parametrize("best", [2, 3, 4])
def test_the_best_few_classes_are_no_models(best: int, tmp_path: Path) -> None:
    orders = {side: np.argsort(-LOGITS[side], axis=1)[:, :best] for side in LABELS}
    paths = [array(lambda side: orders[side])(side, tmp_path / side) for side in LABELS]
    with pytest.raises(InputError, match="the best few of one model"):
        audit(paths[0], paths[1], labels=TRUTH)
    write = table(
        lambda side: {"id": IDS, **{f"pred_{place}": orders[side][:, place - 1] for place in range(1, best + 1)}}
    )
    with pytest.raises(InputError, match="--prediction-column pred_1"):
        audited(write, None, tmp_path)
    assert audited(write, None, tmp_path, prediction_column="pred_1")["changed"] > 0


def test_one_file_for_both_sides(tmp_path: Path) -> None:
    both = table(lambda _: {"id": IDS, "fp32": LABELS["dense"], "int8": LABELS["compressed"], "label": TRUTH})(
        "", tmp_path / "x"
    )
    changed = int((LABELS["dense"] != LABELS["compressed"]).sum())
    assert changed and audit(both, both, prediction_column=["fp32", "int8"])["changed"] == changed
    found = audit(both, both, prediction_column="fp32", budgets={"max_flips": 0})
    assert found["warnings"][0]["kind"] == "one_file"
    assert [row["verdict"] for row in found["budgets"]] == ["undecided"]


def test_the_score_of_class_0_is_not_taken_for_that_of_class_1(tmp_path: Path) -> None:
    words = np.array(["ham", "spam"])
    truth = table(lambda _: {"id": IDS, "label": words[TRUE_CLASS]})("", tmp_path / "labels")
    write = table(lambda side: {"id": IDS, "prob_ham": np.where(BINARY[side] == 1, 0.2, 0.8)})
    paths = [write(side, tmp_path / side) for side in LABELS]
    with pytest.raises(InputError, match="the score of class 0 of two"):
        audit(paths[0], paths[1], labels=truth)
    zero = table(lambda side: {"id": IDS, "prob_0": np.where(BINARY[side] == 1, 0.2, 0.8)})
    with pytest.raises(InputError, match="the score of class 0 of two"):
        audited(zero, None, tmp_path)


def test_a_limit_of_right_is_never_ignored(tmp_path: Path) -> None:
    judged = {side: np.where(RIGHT[side], 0.7, 0.2) for side in LABELS}
    write = table(lambda side: {"id": IDS, "f1": judged[side]})
    for asked in ({}, {"prediction_column": "f1"}, {"values": "correct"}):
        found = audited(write, None, tmp_path, right_from=0.5, **asked)
        assert found["right_or_wrong"]
        assert found["changed"] == (RIGHT["dense"] != RIGHT["compressed"]).sum()


def test_a_limit_of_right_is_not_for_labels_or_scores_of_classes(tmp_path: Path) -> None:
    """True labels have no grades, and probabilities beside labels of two classes are no grades either."""
    share = {side: np.where(RIGHT[side], 0.7, 0.2) for side in LABELS}
    beside = table(lambda side: {"id": IDS, "label": RIGHT["dense"].astype(int), "fp32": share[side]})
    with pytest.raises(InputError, match="beside 'label' of two classes"):
        audited(beside, None, tmp_path, right_from=0.5, prediction_column="fp32")
    lists = table(lambda side: {"id": IDS, "label": range(ROWS), "logits": [[0.5, 1.5]] * ROWS})
    with pytest.raises(InputError, match="no column of 0 and 1"):
        audited(lists, None, tmp_path, right_from=0.5)
    graded = table(lambda side: {"id": IDS, "label": RIGHT["dense"].astype(int), "score": share[side]})
    assert audited(graded, None, tmp_path, right_from=0.5)["right_or_wrong"]


def test_scores_are_told_by_the_names_in_a_column_of_labels(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    names, truth = np.array(["ant", "bee", "cat"]), random.integers(0, 3, ROWS)
    logits = {side: random.normal(size=(ROWS, 3)) + 2 * np.eye(3)[truth] for side in LABELS}
    write = table(
        lambda side: {
            "id": IDS,
            **dict(zip(names, logits[side].T, strict=True)),
            "latency": random.random(ROWS),
            "label": names[truth],
        }
    )
    found = audited(write, None, tmp_path)
    expected = {side: 100 * (logits[side].argmax(1) == truth).mean() for side in LABELS}
    accuracy = found["accuracy"]
    assert [accuracy[side] for side in LABELS] == pytest.approx([expected[side] for side in LABELS])


def test_what_says_wrong_is_not_taken_for_right(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="says wrong, by its name"):
        audited(table(lambda side: {"id": IDS, "error": ~RIGHT[side]}), None, tmp_path, values="correct")


def test_a_left_over_column_is_not_used(tmp_path: Path) -> None:
    write = table(lambda side: {"id": IDS, "latency": RANDOM.random(ROWS), "sex": np.array(["f", "m"])[TRUTH % 2]})
    with pytest.raises(InputError, match="--prediction-column sex if they are"):
        audited(write, None, tmp_path)


def test_suffixes_of_score_columns_are_dropped(tmp_path: Path) -> None:
    write = table(
        lambda side: {"id": IDS, **{f"{name}_score": CHANCES[side][:, place] for place, name in enumerate(NAMES)}}
    )
    found = audited(write, "names", tmp_path)
    assert found["class_names"] == list(NAMES)
