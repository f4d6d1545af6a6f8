"""True labels beside predictions whose names say nothing: never audited as predictions, whatever they are called.

Every file here has the truth in it, the same on both sides; taken for a prediction it gives "0 changed".
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import run_piescope
from piescope.audits import Audit, audit
from piescope.problems import InputError

ROWS = 120
RANDOM = np.random.default_rng(4)
TRUTH = RANDOM.integers(0, 2, ROWS)
DENSE, COMPRESSED = (np.where(RANDOM.random(ROWS) < share, 1 - TRUTH, TRUTH) for share in (0.05, 0.3))
CHANGED = int((DENSE != COMPRESSED).sum())
OF_FOUR = RANDOM.integers(0, 4, ROWS)
DENSE_OF_FOUR, COMPRESSED_OF_FOUR = (
    np.where(RANDOM.random(ROWS) < share, (OF_FOUR + 1) % 4, OF_FOUR) for share in (0.05, 0.2)
)
IDS = [f"x{row}.png" for row in range(ROWS)]

Columns = Mapping[str, Any]


def probability(said: np.ndarray) -> np.ndarray:
    """Of class 1, above 0.5 where it is said."""
    return np.where(said == 1, 0.51, 0.01) + 0.4 * np.random.default_rng(int(said.sum())).random(len(said)).round(4)


def margin(said: np.ndarray) -> np.ndarray:
    """A logit of class 1."""
    return np.round(8 * (probability(said) - 0.5), 4)


def write(path: Path, columns: Columns, header: bool = True) -> str:
    rows = zip(*columns.values(), strict=True)
    text = [",".join(columns)] if header else []
    path.write_text("\n".join([*text, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return str(path)


def both(folder: Path, made: Callable[[np.ndarray], Columns]) -> tuple[str, str]:
    dense, compressed = (write(folder / f"{side}.csv", made(said)) for side, said in (("d", DENSE), ("c", COMPRESSED)))
    return dense, compressed


def num_models(found: Audit) -> list[int]:
    return [found["inputs"][side]["n_models"] for side in ("dense", "compressed")]


def refused(*given: Any, **asked: Any) -> str:
    """The cure of what is refused."""
    with pytest.raises(InputError) as caught:
        audit(*given, **asked)
    return caught.value.problems[0].cure


def followed(cure: str, *given: Any, **asked: Any) -> Audit:
    """The audit with the flags of a cure's first part."""
    words = shlex.split(cure.split(";")[0].split(" if ")[0])
    flags = dict(zip(words[::2], words[1::2], strict=True))
    named = {name.removeprefix("--").replace("-", "_"): value for name, value in flags.items()}
    if "score_columns" in named:
        named["score_columns"] = named["score_columns"].split(",")
    return audit(*given, **named, **asked)


def is_right(found: Audit) -> bool:
    return _is_right(found, TRUTH, DENSE, COMPRESSED)


def is_right_of_four(found: Audit) -> bool:
    return _is_right(found, OF_FOUR, DENSE_OF_FOUR, COMPRESSED_OF_FOUR)


def _is_right(found: Audit, truth: np.ndarray, dense: np.ndarray, compressed: np.ndarray) -> bool:
    accuracy = found["accuracy"]
    told = [accuracy["dense"], accuracy["compressed"]]
    expected = [100 * float((said == truth).mean()) for said in (dense, compressed)]
    return bool(found["changed"] == (dense != compressed).sum() and told == pytest.approx(expected))


@pytest.mark.parametrize("score", [probability, margin])
@pytest.mark.parametrize(
    "name",
    ["prediction_score", "decision", "margin", "raw_output", "svm", "fraud_risk", "value", "delta", "anomaly_score"],
)
def test_a_score_of_another_name(tmp_path: Path, name: str, score: Callable[[np.ndarray], np.ndarray]) -> None:
    given = both(tmp_path, lambda said: {"id": IDS, "label": TRUTH, name: score(said)})
    cure = refused(*given)
    assert f"--score-columns {name}" in cure and "--prediction-column label" in cure
    assert is_right(followed(cure, *given))


@pytest.mark.parametrize("score", [probability, margin])
@pytest.mark.parametrize("name", ["p1", "P1", "y_score", "decision_function", "positive"])
def test_a_usual_name_of_a_score_is_read(tmp_path: Path, name: str, score: Callable[[np.ndarray], np.ndarray]) -> None:
    assert is_right(audit(*both(tmp_path, lambda said: {"id": IDS, "label": TRUTH, name: score(said)})))
    assert is_right(audit(*both(tmp_path, lambda said: {"label": 2 * TRUTH - 1, name: score(said)})))


@pytest.mark.parametrize("labels", [TRUTH, 2 * TRUTH - 1, np.array(["bad", "good"])[TRUTH]])
def test_labels_of_any_spelling_and_no_ids(tmp_path: Path, labels: np.ndarray) -> None:
    given = both(tmp_path, lambda said: {"label": labels, "svm": margin(said)})
    cure = refused(*given)
    assert cure.startswith("--score-columns svm --label-column label if 'svm' is the score of class 1 of two")
    if labels.dtype.kind != "U":
        assert is_right(followed(cure, *given))


@pytest.mark.parametrize("name", ["p0", "class_0"])
def test_the_score_of_class_0_is_not_offered(tmp_path: Path, name: str) -> None:
    cure = refused(*both(tmp_path, lambda said: {"id": IDS, "label": TRUTH, name: 1 - probability(said)}))
    assert "--score-columns" not in cure and "1 - p" in cure


@pytest.mark.parametrize("name", ["max_prob", "loss", "confidence", "entropy"])
def test_a_file_without_any_prediction(tmp_path: Path, name: str) -> None:
    truth = np.random.default_rng(8).integers(0, 4, ROWS)
    cure = refused(*both(tmp_path, lambda said: {"id": IDS, "label": truth, name: probability(said)}))
    assert cure.startswith("write the predicted class too") and "--score-columns" not in cure


NAMES = [
    *("model_answer", "response", "generated", "completion", "model_output", "resnet50", "guess", "top1", "result"),
    *("choice", "int8"),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("truth", ["answer", "label", "class"])
@pytest.mark.parametrize("name", NAMES)
def test_an_answer_of_another_name(tmp_path: Path, truth: str, name: str) -> None:
    letters = np.array(["A", "B"])
    given = both(tmp_path, lambda said: {"id": IDS, truth: letters[TRUTH], name: letters[said]})
    cure = refused(*given)
    assert f"--prediction-column {name}" in cure and f"--label-column {truth}" in cure
    assert is_right(audit(*given, prediction_column=name, label_column=truth))


@pytest.mark.parametrize("beside", ["latency_ms", "group"])
def test_models_that_agree_everywhere_are_compared(tmp_path: Path, beside: str) -> None:
    """What differs is a time; or nothing does."""
    spent = {"latency_ms": lambda said: probability(said), "group": lambda _: np.array(["old", "new"])[OF_FOUR % 2]}[
        beside
    ]
    given = both(tmp_path, lambda said: {"id": IDS, "label": DENSE, beside: spent(said)})
    assert audit(*given)["changed"] == 0
    alone = both(tmp_path, lambda said: {"id": IDS, "label": DENSE})
    assert audit(*alone)["changed"] == 0


def test_labels_that_differ_are_read_as_ever(tmp_path: Path) -> None:
    given = both(tmp_path, lambda said: {"id": IDS, "label": said, "fraud_risk": probability(said)})
    assert audit(*given)["changed"] == CHANGED


def test_labels_that_are_the_same_can_be_named(tmp_path: Path) -> None:
    given = both(tmp_path, lambda said: {"id": IDS, "label": TRUTH, "svm": margin(said)})
    assert audit(*given, prediction_column="label")["changed"] == 0


SIDES_OF_FOUR = (("d", DENSE_OF_FOUR), ("c", COMPRESSED_OF_FOUR))


@pytest.mark.parametrize("has_ids", [True, False])
def test_columns_without_names(tmp_path: Path, has_ids: bool) -> None:
    first = {"0": IDS} if has_ids else {}
    given = [
        write(tmp_path / f"{side}.csv", first | {"1": OF_FOUR, "2": said}, header=False) for side, said in SIDES_OF_FOUR
    ]
    assert is_right_of_four(followed(refused(*given), *given))


@pytest.mark.parametrize("turned", [True, False])
def test_arrays_of_truth_and_prediction(tmp_path: Path, turned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = [np.stack([OF_FOUR, said]) for _, said in SIDES_OF_FOUR]
    arrays = [array.T if turned else array for array in arrays]
    monkeypatch.chdir(tmp_path)
    for name, array in zip("dc", arrays, strict=True):
        np.save(f"{name}.npy", array)
    cure = refused("d.npy", "c.npy")
    assert cure.startswith("--values labels if all are predicted")
    assert num_models(audit(*arrays, values="labels")) == [2, 2]
    for name in "dc":  # what the cure says to write, of both files
        code = shlex.split(cure.partition("by python -c ")[2])[0]
        exec(code.replace("'d", f"'{name}"), {})
    assert is_right_of_four(audit("d_predicted.npy", "c_predicted.npy", labels="TRUE.npy"))


@pytest.mark.parametrize("with_ids", [True, False])
def test_rows_of_json_without_names(tmp_path: Path, with_ids: bool) -> None:
    for name, said in SIDES_OF_FOUR:
        columns = [OF_FOUR.tolist(), said.tolist()]
        rows = zip(*([IDS, *columns] if with_ids else columns), strict=True)
        (tmp_path / f"{name}.json").write_text(json.dumps([list(row) for row in rows]))
    given = str(tmp_path / "d.json"), str(tmp_path / "c.json")
    assert is_right_of_four(followed(refused(*given), *given))


def test_models_by_column_are_models(tmp_path: Path) -> None:
    """One of two models may be the same on both sides, if their names say that they are models."""
    given = [
        write(tmp_path / f"{side}.csv", {"id": IDS, "model_0": DENSE_OF_FOUR, "model_1": said})
        for side, said in SIDES_OF_FOUR
    ]
    assert num_models(audit(*given)) == [2, 2]


def run_line(cure: str, folder: Path) -> list[str]:
    """The files that a cure's line of Python writes, of both sides."""
    line = cure[cure.index("python -c") :].split("; --")[0]
    written = []
    for side in "dc":
        target = f"{side}_new.csv"
        command = line.replace("python ", f"{sys.executable} ", 1).replace("d.csv", f"{side}.csv")
        subprocess.run(command.replace("NEW.csv", target), shell=True, check=True, cwd=folder)
        written.append(str(folder / target))
    return written


@pytest.mark.sampled(3)
@pytest.mark.parametrize("words", [("0", "1"), ("False", "True"), ("no", "yes")])
@pytest.mark.parametrize(
    "name",
    ["error", "is_wrong", "is_error", "wrong", "incorrect", "mistake", "misclassified", "failed"],
)
def test_a_column_that_says_wrong(tmp_path: Path, name: str, words: tuple[str, str]) -> None:
    given = both(tmp_path, lambda said: {"id": IDS, name: np.array(words)[(said != TRUTH).astype(int)]})
    cure = refused(*given)
    assert f"--prediction-column {name} --values labels" in cure and "--right-from" not in cure
    assert is_right(audit(*run_line(cure, tmp_path)))
    assert audit(*given, prediction_column=name, values="labels")["changed"] == CHANGED


@pytest.mark.parametrize("digits", [0, 2])
@pytest.mark.parametrize(("truth", "name"), [("y_true", "prob"), ("label", "score"), ("y_true", "score")])
def test_percentages_in_one_column(tmp_path: Path, truth: str, name: str, digits: int) -> None:
    def percent(said: np.ndarray) -> np.ndarray:
        found = np.round(100 * probability(said), digits)
        return found.astype(int) if digits == 0 else found

    given = both(tmp_path, lambda said: {"id": IDS, truth: TRUTH, name: percent(said)})
    assert is_right(audit(*divided(given, tmp_path, truth, name), score_columns=[name], label_column=truth))


def divided(given: tuple[str, str], folder: Path, truth: str, name: str) -> list[str]:
    """What the cure writes, once it is said that the label is the truth."""
    cure = refused(*given)
    if cure.startswith("--prediction-column"):  # a label beside one probability: whose it is comes first
        assert f"--label-column {truth} if it is the truth" in cure
        cure = refused(*given, label_column=truth)
    assert cure.startswith("divide percentages by 100") and "--right-from" not in cure and "logits" not in cure
    with pytest.raises(InputError):
        audit(*given, score_columns=[name], label_column=truth)
    return run_line(cure, folder)


def test_percentages_in_an_array() -> None:
    cure = refused(*(100 * probability(said) for said in (DENSE, COMPRESSED)), labels=TRUTH)
    assert cure.startswith("divide percentages by 100")
    assert is_right(audit(*(margin(said) for said in (DENSE, COMPRESSED)), labels=TRUTH))


def test_a_score_beside_a_label_of_two_classes_is_not_first_right_or_wrong(tmp_path: Path) -> None:
    given = both(tmp_path, lambda said: {"id": IDS, "y_true": TRUTH, "score": probability(said)})
    cure = refused(*given)
    assert cure.startswith("--score-columns score --label-column y_true")
    assert is_right(followed(cure, *given))


@pytest.mark.parametrize("name", ["p0", "class_0", "prob_neg"])
def test_the_score_of_class_0_is_refused_when_it_is_named(tmp_path: Path, name: str) -> None:
    given = both(tmp_path, lambda said: {"id": IDS, "label": TRUTH, name: 1 - probability(said)})
    assert "score of class 1 instead" in refused(*given, score_columns=[name], label_column="label")


@pytest.mark.parametrize("word", ["total", "accuracy", "mean", "average", "all", "overall"])
def test_a_last_row_that_sums_up(tmp_path: Path, word: str) -> None:
    names = np.array(["cat", "dog"])
    given = both(tmp_path, lambda said: {"id": IDS, "label": names[TRUTH], "pred": names[said]})
    assert is_right(audit(*given))
    for path in map(Path, given):
        path.write_text(path.read_text() + f"{word},accuracy,0.91\n")
    assert refused(*given) == "leave the last row out of the file"


def test_an_example_of_such_a_name_is_an_example(tmp_path: Path) -> None:
    names = np.array(["cat", "dog"])
    given = both(tmp_path, lambda said: {"id": [*IDS[:-1], "total"], "label": names[TRUTH], "pred": names[said]})
    assert is_right(audit(*given))


def test_lines_of_json_under_another_name(tmp_path: Path) -> None:
    for name, said in (("d", DENSE), ("c", COMPRESSED)):
        rows = [
            {"id": one, "label": int(true), "pred": int(two)} for one, true, two in zip(IDS, TRUTH, said, strict=True)
        ]
        (tmp_path / f"{name}.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cure = refused(str(tmp_path / "d.json"), str(tmp_path / "c.json"))
    assert cure.endswith("mv d.json d.jsonl")
    for name in "dc":
        (tmp_path / f"{name}.json").rename(tmp_path / f"{name}.jsonl")
    assert is_right(audit(str(tmp_path / "d.jsonl"), str(tmp_path / "c.jsonl")))


def test_a_table_in_an_archive(tmp_path: Path) -> None:
    dense, compressed = both(tmp_path, lambda said: {"id": IDS, "label": TRUTH, "pred": said})
    with zipfile.ZipFile(f"{dense}.zip", "w") as archive:
        archive.write(dense, "d.csv")
    assert refused(f"{dense}.zip", compressed) == "unzip d.csv.zip"


@pytest.mark.parametrize(("one", "other"), [("{:05d}", "{}"), ("img_{}.png", "IMG_{}.PNG")])
def test_ids_in_another_spelling(tmp_path: Path, one: str, other: str) -> None:
    sides = {"d": (DENSE, one), "c": (COMPRESSED, other)}
    given = [
        write(tmp_path / f"{name}.csv", {"id": [form.format(row + 100) for row in range(ROWS)], "pred": said})
        for name, (said, form) in sides.items()
    ]
    first, second = one.format(100), other.format(100)
    assert refused(*given, id_column="id") == f"write the ids alike: {second!r} here is {first!r} in d.csv"


@pytest.mark.parametrize("index", ["", "Unnamed: 0", "index"])
def test_an_index_without_a_name_is_no_prediction_in_a_cure(tmp_path: Path, index: str) -> None:
    order = np.random.default_rng(2).permutation(ROWS)
    given = both(tmp_path, lambda said: {"id": IDS, index: order, "guess": np.array(["A", "B"])[said]})
    assert refused(*given) == "--prediction-column guess if they are"
    assert audit(*given, prediction_column="guess")["changed"] == CHANGED


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("classes", [2, 5])
def test_truth_beside_a_poor_answer_without_names_is_asked_for_first(tmp_path: Path, ids: bool, classes: int) -> None:
    """They agree so badly that they look like tags; the cure that comes first reads them right."""
    random = np.random.default_rng(3)
    truth = random.integers(0, classes, 400)
    said = [random.permutation(truth) for _ in range(2)]
    for name, answer in zip(("dense", "copy"), said, strict=True):
        rows = (f"{f'x{row},' if ids else ''}{truth[row]},{answer[row]}" for row in range(400))
        (tmp_path / f"{name}.csv").write_text("\n".join(rows) + "\n")
        np.save(tmp_path / f"{name}.npy", np.stack([truth, answer], 1))
    command = ["audit", "dense.csv", "copy.csv", "--out", "out"]
    refused = run_piescope(*command, cwd=tmp_path)
    assert refused.returncode == 2
    cure = re.search(r"true labels beside predicted ones: (.*?), or the other way round", refused.stderr)
    assert cure is not None, refused.stderr
    done = run_piescope(*command, *shlex.split(cure[1]), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "out" / "audit.json").read_bytes())
    assert content["changed"] == (said[0] != said[1]).sum()
    assert content["accuracy"]["dense"] == pytest.approx(100 * (said[0] == truth).mean())
    arrays = run_piescope("audit", "dense.npy", "copy.npy", "--out", "out", cwd=tmp_path)
    assert arrays.returncode == 2 and "write them to files of their own, and give --labels FILE" in arrays.stderr
