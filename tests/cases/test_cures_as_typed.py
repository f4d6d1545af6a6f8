"""Files that are read right, or refused with a cure: each cure is typed as it stands, and the numbers are then right."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import run_piescope, run_program

ROWS = 120
IDS = [f"im{row:03d}" for row in range(ROWS)]


def _made() -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    random = np.random.default_rng(5)
    truth = random.integers(0, 4, ROWS)
    truth[:4] = range(4)
    dense = np.where(random.random(ROWS) < 0.85, truth, random.integers(0, 4, ROWS))
    said = {"dense": dense, "compressed": np.where(random.random(ROWS) < 0.9, dense, random.integers(0, 4, ROWS))}
    scores = {}
    for side, labels in said.items():
        values = random.normal(0, 1, (ROWS, 4))
        values[np.arange(ROWS), labels] = values.max(1) + 0.1 + random.random(ROWS)
        scores[side] = values.round(3)
    return truth, said, scores


TRUTH, SAID, LOGITS = _made()
CHANCES = {side: (np.exp(v) / np.exp(v).sum(1, keepdims=True)).round(4) for side, v in LOGITS.items()}
RIGHT = {side: said == TRUTH for side, said in SAID.items()}
CHANGED = int((SAID["dense"] != SAID["compressed"]).sum())
WON_OR_LOST = int((RIGHT["dense"] != RIGHT["compressed"]).sum())

Table = Mapping[str, Sequence[Any]]


def written(path: Path, table: Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(table)
        sheet.writerows(zip(*table.values(), strict=True))


def sides(folder: Path, columns: Any, labels: Table | None = None) -> list[str]:
    """Writes a table a side, and one of labels; what is typed after `piescope audit`."""
    for side in SAID:
        written(folder / f"{side}.csv", columns(side))
    if labels is None:
        return ["dense.csv", "compressed.csv"]
    written(folder / "labels.csv", labels)
    return ["dense.csv", "compressed.csv", "--labels", "labels.csv"]


def refused(folder: Path, *typed: str) -> str:
    """The cure of a refusal."""
    done = run_piescope("audit", *typed, cwd=folder)
    assert done.returncode == 2, done.stdout
    assert not (folder / "piescope-audit").exists()
    return done.stderr.partition("\n  cure      ")[2]


def flags(cure: str, *names: str) -> list[str]:
    """Some flags of a cure with what stands behind them, as a shell reads them."""
    found = []
    for name in names:
        value = re.search(rf"{name} ((?:'[^']*'|\"[^\"]*\"|[^\s;,]|,(?=\S))+)", cure)
        assert value is not None, cure
        found += [name, *shlex.split(value[1])]
    return found


def audited(folder: Path, *typed: str) -> dict[str, Any]:
    done = run_piescope("audit", *typed, cwd=folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((folder / "piescope-audit" / "audit.json").read_text())
    return found


def check(found: dict[str, Any], has_truth: bool = True, changed: int = CHANGED) -> None:
    told = found["inputs"]["dense"]["told"]
    assert (found["n_examples"], found["changed"]) == (ROWS, changed), told
    assert (found["accuracy"] is not None) == has_truth, told
    if has_truth:
        for side, right in RIGHT.items():
            assert found["accuracy"][side] == pytest.approx(100 * right.mean()), told


# -- names of columns that a shell would cut ----------------------------------------------------------------------------


ODD = ("my answer", "it's $HOME", 'say "x"', "a,b", " padded", "semi;colon", "`pwd`", "größe *")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ODD)
def test_a_column_is_named_as_it_can_be_typed(name: str, tmp_path: Path) -> None:
    typed = sides(tmp_path, lambda side: {"item no": IDS, name: SAID[side], "gold standard": TRUTH})
    cure = refused(tmp_path, *typed)
    check(audited(tmp_path, *typed, *flags(cure, "--prediction-column", "--label-column")))


def test_scores_of_odd_names(tmp_path: Path) -> None:
    heads = ("a cat", "it's dog", "x,y", " $z")
    typed = sides(
        tmp_path, lambda side: {"item": IDS, **{head: LOGITS[side][:, place] for place, head in enumerate(heads)}}
    )
    check(audited(tmp_path, *typed, *flags(refused(tmp_path, *typed), "--score-columns")), has_truth=False)


def test_what_a_cure_leaves_out_is_said(tmp_path: Path) -> None:
    """A measurement by its name may be a class all the same."""
    heads = ("cat", "dog", "bird", "loss of power")
    typed = sides(
        tmp_path, lambda side: {"item": IDS, **{head: LOGITS[side][:, place] for place, head in enumerate(heads)}}
    )
    assert "'loss of power' left out" in refused(tmp_path, *typed)
    check(audited(tmp_path, *typed, "--score-columns", ",".join(heads)), has_truth=False)


def test_names_for_a_shell() -> None:
    from piescope.cli.audit import _listed
    from piescope.reading.files import typed

    for names in (["a"], ["a", "b"], list(ODD), ["x y", '"', '""', "'"]):
        assert _listed(shlex.split(typed(names))[0]) == tuple(names)
    assert [shlex.split(typed(name)) for name in ODD] == [[name] for name in ODD]
    assert _listed("a, b ,,c") == ("a", "b", "c")
    assert typed([f"class {place}" for place in range(99)]).endswith(",...'")


# -- files that pandas and scikit-learn write ---------------------------------------------------------------------------


def lined(folder: Path, cure: str) -> None:
    """Runs the line for the shell that a cure has."""
    line = re.search(r"python -c .* > NEW\.\w+|python -c \".*\"", cure)
    assert line is not None, cure
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = run_program(["bash", "-c", line[0]], cwd=folder, env=env)
    assert done.returncode == 0, done.stderr


NAMES = np.array(["cat", "dog", "bird", "frog"])


@pytest.mark.parametrize("index", ["counted", "named"])
@pytest.mark.parametrize("kind", ["ids", "names"])
def test_a_series_of_pandas(index: str, kind: str, tmp_path: Path) -> None:
    """Its first line is ``,0``."""
    heads = range(ROWS) if index == "counted" else IDS
    held = {side: NAMES[said] if kind == "names" else said for side, said in SAID.items()}
    truth = NAMES[TRUTH] if kind == "names" else TRUTH
    typed = sides(tmp_path, lambda side: {"": heads, "0": held[side]}, {"": heads, "0": truth})
    found = audited(tmp_path, *typed)
    check(found)
    assert "a header of numbers: ',0' names the columns" in found["inputs"]["dense"]["told"][0]


def test_a_series_without_its_index(tmp_path: Path) -> None:
    """``0`` above whole numbers is a label as well as a name."""
    typed = sides(tmp_path, lambda side: {"0": SAID[side]}, {"label": TRUTH})
    cure = refused(tmp_path, *typed)
    assert "--header" in cure
    check(audited(tmp_path, *typed, "--header"))
    assert "no header: its first row is data" in str(audited(tmp_path, *typed[:2])["inputs"]["dense"]["told"])


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "heads", [tuple(NAMES), ("class_0", "class_1", "class_2", "class_3"), ("a$b", "c`d", "e'f", "g")]
)
@pytest.mark.parametrize("is_bool", [False, True])
def test_one_hot_labels(heads: tuple[str, ...], is_bool: bool, tmp_path: Path) -> None:
    said = {side: np.array(heads)[labels] if heads[0] != "class_0" else labels for side, labels in SAID.items()}
    hot = {head: (place == TRUTH) if is_bool else (place == TRUTH).astype(int) for place, head in enumerate(heads)}
    typed = sides(tmp_path, lambda side: {"id": IDS, "prediction": said[side]}, {"id": IDS, **hot})
    cure = refused(tmp_path, *typed)
    lined(tmp_path, cure)
    check(audited(tmp_path, *typed[:3], "NEW.csv"))


def test_tags_are_not_called_one_hot(tmp_path: Path) -> None:
    tags = {"toxic": TRUTH % 2, "rude": (TRUTH > 1).astype(int), "spam": (TRUTH == 3).astype(int)}
    typed = sides(tmp_path, lambda side: {"id": IDS, "prediction": SAID[side]}, {"id": IDS, **tags})
    assert "one tag at a time" in refused(tmp_path, *typed)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["NA", "None", "null", "N/A"])
@pytest.mark.parametrize("place", [0, 3])
def test_a_class_that_is_named_like_a_missing_value(name: str, place: int, tmp_path: Path) -> None:
    """It is a class among texts; among numbers it is an empty cell, and said so."""
    names = NAMES.astype(object)
    names[place] = name
    typed = sides(
        tmp_path, lambda side: {"id": IDS, "prediction": names[SAID[side]]}, {"id": IDS, "label": names[TRUTH]}
    )
    found = audited(tmp_path, *typed)
    check(found)
    assert name in found["class_names"]
    numbers = np.array([0, 1, 2, 3], object)
    numbers[place] = name
    typed = sides(tmp_path / "numbers", lambda side: {"id": IDS, "prediction": numbers[SAID[side]]})
    assert "leave that example out" in refused(tmp_path / "numbers", *typed)


@pytest.mark.parametrize("name", ["nan", "NaN"])
@pytest.mark.parametrize("others", [("cat", "dog", "bird"), (0, 1, 2)])
def test_nan_is_no_class(name: str, others: tuple[object, ...], tmp_path: Path) -> None:
    names = np.array([*others, name], object)
    labels = {"id": IDS, "label": names[TRUTH]}
    typed = sides(tmp_path, lambda side: {"id": IDS, "prediction": names[SAID[side]]}, labels)
    assert "leave that example out of all files" in refused(tmp_path, *typed)
    kept = names.copy()
    kept[3] = "none" if others[0] == "cat" else 3
    typed = sides(tmp_path, lambda side: {"id": IDS, "prediction": kept[SAID[side]]}, labels)
    assert "leave that example out of all files" in refused(tmp_path, *typed)
    check(audited(tmp_path, *typed[:2]), has_truth=False)


def test_two_classes_that_are_both_named_like_missing_values(tmp_path: Path) -> None:
    names = np.array(["NA", "None"])
    truth, said = TRUTH % 2, {side: labels % 2 for side, labels in SAID.items()}
    typed = sides(
        tmp_path, lambda side: {"id": IDS, "prediction": names[said[side]]}, {"id": IDS, "label": names[truth]}
    )
    refused(tmp_path, *typed)


# -- two classes that are written -1 and 1 ------------------------------------------------------------------------------

SIGNS = {side: np.where(said > 1, 1, -1) for side, said in SAID.items()}
TRUE_SIGN = np.where(TRUTH > 1, 1, -1)
SIGN_CHANGED = int((SIGNS["dense"] != SIGNS["compressed"]).sum())


def check_signs(found: dict[str, Any]) -> None:
    assert found["class_names"] == ["-1", "1"]
    assert found["changed"] == SIGN_CHANGED
    for side, said in SIGNS.items():
        assert found["accuracy"][side] == pytest.approx(100 * (said == TRUE_SIGN).mean())


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("kind", [int, float])
def test_two_signs_are_two_classes(beside: bool, kind: type, tmp_path: Path) -> None:
    truth = {"label": TRUE_SIGN.astype(kind)}
    typed = sides(
        tmp_path,
        lambda side: {"id": IDS, "prediction": SIGNS[side].astype(kind), **(truth if beside else {})},
        None if beside else {"id": IDS, **truth},
    )
    check_signs(audited(tmp_path, *typed))


def test_arrays_of_signs(tmp_path: Path) -> None:
    for side, said in SIGNS.items():
        np.save(tmp_path / f"{side}.npy", said.astype(np.int8))
        np.savez(tmp_path / f"{side}.npz", predictions=said, y_true=TRUE_SIGN)
    np.save(tmp_path / "labels.npy", TRUE_SIGN)
    check_signs(audited(tmp_path, "dense.npy", "compressed.npy", "--labels", "labels.npy"))
    check_signs(audited(tmp_path, "dense.npz", "compressed.npz"))


def test_a_copy_that_gives_one_sign_only(tmp_path: Path) -> None:
    typed = sides(
        tmp_path,
        lambda side: {"id": IDS, "prediction": SIGNS[side] if side == "dense" else -np.ones(ROWS, int)},
        {"id": IDS, "label": TRUE_SIGN},
    )
    found = audited(tmp_path, *typed)
    assert found["accuracy"]["compressed"] == pytest.approx(100 * (TRUE_SIGN < 0).mean())


def test_scores_of_two_signs(tmp_path: Path) -> None:
    """Margins of a support vector machine: the score of class 1, as labels have it."""
    random = np.random.default_rng(0)
    margins = {side: (said * (0.1 + random.random(ROWS))).round(3) for side, said in SIGNS.items()}
    typed = sides(tmp_path, lambda side: {"id": IDS, "score": margins[side]}, {"id": IDS, "label": TRUE_SIGN})
    check_signs(audited(tmp_path, *typed, *flags(refused(tmp_path, *typed), "--values")))
    chances = {side: np.stack([said < 0, said > 0], axis=1) * 0.8 + 0.1 for side, said in SIGNS.items()}
    for side, values in chances.items():
        np.save(tmp_path / f"{side}.npy", values)
    np.save(tmp_path / "labels.npy", TRUE_SIGN)
    check_signs(audited(tmp_path, "dense.npy", "compressed.npy", "--labels", "labels.npy"))


def test_signs_on_one_side_and_ids_on_the_other(tmp_path: Path) -> None:
    typed = sides(
        tmp_path,
        lambda side: {"id": IDS, "prediction": SIGNS[side] if side == "dense" else (SIGNS[side] + 1) // 2},
        {"id": IDS, "label": TRUE_SIGN},
    )
    assert "--classes FILE (one a line)" in refused(tmp_path, *typed)
    (tmp_path / "names.txt").write_text("-1\n1\n")
    check_signs(audited(tmp_path, *typed, "--classes", "names.txt"))


def test_a_third_number_among_signs(tmp_path: Path) -> None:
    """-1 for what has no label is no class."""
    typed = sides(tmp_path, lambda side: {"id": IDS, "prediction": SAID[side]}, {"id": IDS, "label": [-1, *TRUTH[1:]]})
    assert "leave unlabelled examples out" in refused(tmp_path, *typed)
    written(tmp_path / "labels.csv", {"id": IDS[1:], "label": TRUTH[1:]})
    assert audited(tmp_path, *typed, "--common")["n_examples"] == ROWS - 1


# -- right or wrong under other names -----------------------------------------------------------------------------------

WORDS = {"01": [0, 1], "truth": ["False", "True"], "pass": ["fail", "pass"], "passed": ["FAILED", "PASSED"]}


def judged(side: str, words: str) -> np.ndarray:
    return np.array(WORDS[words])[RIGHT[side].astype(int)]


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", ["solved", "Resolved", "ok", "is_solved", "succeeded", "passed", "success"])
@pytest.mark.parametrize("words", WORDS)
def test_names_that_say_right(name: str, words: str, tmp_path: Path) -> None:
    typed = sides(tmp_path, lambda side: {"task_id": IDS, name: judged(side, words)})
    check(audited(tmp_path, *typed), changed=WON_OR_LOST)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["result", "Status", "outcome", "verdict"])
def test_names_of_results(name: str, tmp_path: Path) -> None:
    """Words for right and wrong say it; 0 and 1 may be the predicted class."""
    for words in ("pass", "passed"):
        typed = sides(tmp_path, lambda side, words=words: {"task_id": IDS, name: judged(side, words)})
        check(audited(tmp_path, *typed), changed=WON_OR_LOST)
    for words in ("01", "truth"):
        typed = sides(tmp_path / words, lambda side, words=words: {"task_id": IDS, name: judged(side, words)})
        cure = refused(tmp_path / words, *typed)
        for place, has_truth in enumerate((True, False)):
            given = flags(cure.split("; ")[place], "--prediction-column", "--values")
            check(audited(tmp_path / words, *typed, *given), has_truth, WON_OR_LOST)
        given = flags(cure, "--prediction-column", "--right-from")
        check(audited(tmp_path / words, *typed, *given), changed=WON_OR_LOST)


def test_parts_that_pass_or_fail_are_classes(tmp_path: Path) -> None:
    """The labels have these words, too."""
    words = np.array(["fail", "pass"])
    typed = sides(
        tmp_path,
        lambda side: {"id": IDS, "result": words[SAID[side] % 2]},
        {"id": IDS, "label": words[TRUTH % 2]},
    )
    found = audited(tmp_path, *typed)
    assert found["class_names"] == ["fail", "pass"]
    assert found["accuracy"]["dense"] == pytest.approx(100 * (SAID["dense"] % 2 == TRUTH % 2).mean())


@pytest.mark.parametrize("name", ["label", "true_label"])
def test_parts_that_pass_or_fail_beside_what_they_are(name: str, tmp_path: Path) -> None:
    words = np.array(["fail", "pass"])
    typed = sides(tmp_path, lambda side: {"id": IDS, "status": words[SAID[side] % 2], name: words[TRUTH % 2]})
    cure = refused(tmp_path, *typed)
    found = audited(tmp_path, *typed, "--label-column", name, *flags(cure, "--prediction-column"))
    assert found["accuracy"]["dense"] == pytest.approx(100 * (SAID["dense"] % 2 == TRUTH % 2).mean())


def test_ok_is_a_class_of_two_where_labels_are_of_two(tmp_path: Path) -> None:
    typed = sides(tmp_path, lambda side: {"id": IDS, "ok": SAID[side] % 2}, {"id": IDS, "label": TRUTH % 2})
    cure = refused(tmp_path, *typed).split("; ")[1]
    found = audited(tmp_path, *typed, *flags(cure, "--prediction-column", "--values"))
    assert found["accuracy"]["dense"] == pytest.approx(100 * (SAID["dense"] % 2 == TRUTH % 2).mean())


@pytest.mark.parametrize("words", [("pass", "fail"), ("ok", "defect"), ("correct", "hit")])
def test_a_usual_name_that_occurs_again_is_no_header(words: tuple[str, str], tmp_path: Path) -> None:
    for side, said in SAID.items():
        (tmp_path / f"{side}.txt").write_text("".join(f"{words[int(label > 1)]}\n" for label in [0, *said]))
    found = audited(tmp_path, "dense.txt", "compressed.txt")
    assert found["n_examples"] == ROWS + 1


# -- numbers that are written in two ways -------------------------------------------------------------------------------


def test_one_number_written_in_two_ways_is_not_one_class(tmp_path: Path) -> None:
    codes = np.array(["01", "1", "2", "3"])
    typed = sides(
        tmp_path, lambda side: {"id": IDS, "prediction": codes[SAID[side]]}, {"id": IDS, "label": codes[TRUTH]}
    )
    cure = refused(tmp_path, *typed)
    assert "with a letter before the number" in cure
    codes = np.char.add("c", codes)
    typed = sides(
        tmp_path, lambda side: {"id": IDS, "prediction": codes[SAID[side]]}, {"id": IDS, "label": codes[TRUTH]}
    )
    check(audited(tmp_path, *typed))


@pytest.mark.parametrize("where", ["labels", "beside"])
def test_true_labels_written_in_two_ways(where: str, tmp_path: Path) -> None:
    truth = {"label": np.array(["01", "1", "2", "3"])[TRUTH]}
    typed = sides(
        tmp_path,
        lambda side: {"id": IDS, "prediction": SAID[side], **(truth if where == "beside" else {})},
        {"id": IDS, **truth} if where == "labels" else None,
    )
    refused(tmp_path, *typed)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_numbers_that_are_all_padded(suffix: str, tmp_path: Path) -> None:
    codes = np.array(["01", "02", "03", "04"])
    typed = sides(
        tmp_path, lambda side: {"id": IDS, "prediction": codes[SAID[side]]}, {"id": IDS, "label": codes[TRUTH]}
    )
    if suffix == "jsonl":
        for side, said in SAID.items():
            rows = [{"id": IDS[row], "prediction": codes[said[row]], "label": codes[TRUTH[row]]} for row in range(ROWS)]
            (tmp_path / f"{side}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        typed = ["dense.jsonl", "compressed.jsonl"]
    check(audited(tmp_path, *typed))


@pytest.mark.parametrize("name", ["id", "image_id", "case"])
def test_ids_that_pandas_made_fractions(name: str, tmp_path: Path) -> None:
    """A column of whole numbers with gaps, in one of two files; gaps are gone, the ``.0`` stays."""
    whole = [100 + 7 * row for row in range(ROWS)]
    order = np.random.default_rng(0).permutation(ROWS)

    def write(side: str) -> Table:
        if side == "dense":
            return {name: [f"{each}.0" for each in whole], "prediction": SAID[side]}
        return {name: [whole[row] for row in order], "prediction": SAID[side][order]}

    typed = sides(tmp_path, write, {name: whole, "label": TRUTH})
    check(audited(tmp_path, *typed))


def test_ids_that_are_fractions_stay_apart(tmp_path: Path) -> None:
    """Versions, say: 1.0 is not 1 where 1.5 is one of them."""
    typed = sides(
        tmp_path,
        lambda side: {
            "id": [f"{row / 2}" for row in range(ROWS)] if side == "dense" else range(ROWS),
            "prediction": SAID[side],
        },
    )
    refused(tmp_path, *typed)


# -- folders in which other files lie, too ------------------------------------------------------------------------------

OTHERS: dict[str, str] = {
    "config.json": '{"lr": 0.1, "arch": "resnet18", "classes": ["cat", "dog"]}',
    "args.json": '{"seed": 1, "epochs": 90}',
    "metrics.csv": "epoch,loss,accuracy\n0,0.9,0.5\n1,0.8,0.6\n",
    "notes.txt": "the runs\nof Monday\nand Tuesday\n",
    "requirements.txt": "numpy==1.26\ntorch==2.10\n",
    "id2label.json": json.dumps({str(place): f"class {place}" for place in range(10)}),
    "summary.jsonl": '{"model": "a", "accuracy": 0.8}\n{"model": "b", "accuracy": 0.9}\n',
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("has_ids", [True, False])
def test_another_file_in_a_folder_is_named_with_a_pattern_for_the_rest(
    name: str, runs: int, has_ids: bool, tmp_path: Path
) -> None:
    for side, said in SAID.items():
        for run in range(runs):
            written(tmp_path / f"my {side}" / f"run{run}.csv", ({"id": IDS} if has_ids else {}) | {"prediction": said})
        (tmp_path / f"my {side}" / name).write_text(OTHERS[name])
    typed = ["my dense", "my compressed"]
    for place in range(2):
        done = run_piescope("audit", *typed, cwd=tmp_path)
        assert done.returncode == 2
        assert f"{typed[place]}/{name}: " in done.stderr
        cure = re.search(r"name the others? ?(?:by a pattern)?: ('[^']*')", done.stderr)
        assert cure is not None, done.stderr
        typed[place] = shlex.split(cure[1])[0]
    check(audited(tmp_path, *typed), has_truth=False)


def test_several_others_are_left_out_by_one_pattern(tmp_path: Path) -> None:
    for side, said in SAID.items():
        for run in range(2):
            written(tmp_path / side / f"m{run}.csv", {"id": IDS, "prediction": said})
        for name in ("metrics.json", "notes.txt"):
            (tmp_path / side / name).write_text('{"acc": 0.5}' if name.endswith("json") else "Of two models.\n")
    done = run_piescope("audit", "dense", "compressed", cwd=tmp_path)
    assert done.returncode == 2 and "if metrics.json and notes.txt are no files of predictions" in done.stderr
    assert "name the others by a pattern: 'dense/*.csv'" in done.stderr
    check(audited(tmp_path, "dense/*.csv", "compressed/*.csv"), has_truth=False)


def test_files_that_are_not_read_are_named(tmp_path: Path) -> None:
    for side, said in SAID.items():
        written(tmp_path / side / "run0.csv", {"id": IDS, "prediction": said})
        (tmp_path / side / "README.md").write_text("# my runs")
        (tmp_path / side / "train.log").write_text("epoch 1")
    found = audited(tmp_path, "dense", "compressed")
    check(found, has_truth=False)
    assert "not read: README.md, train.log" in str(found["inputs"]["notes"])


# -- JSON objects that say of which model they are, too -----------------------------------------------------------------


def records(side: str, has_truth: bool = True) -> list[dict[str, Any]]:
    truth = TRUTH.tolist()
    return [
        {"id": IDS[row], "prediction": said, **({"label": truth[row]} if has_truth else {})}
        for row, said in enumerate(SAID[side].tolist())
    ]


WRAPPED: dict[str, tuple[Any, bool]] = {
    "rows": (lambda side: {"model": side, "accuracy": 0.8, "predictions": records(side)}, True),
    "rows alone": (lambda side: {"results": records(side)}, True),
    "rows, settings": (lambda side: {"config": {"bits": 8}, "date": None, "samples": records(side)}, True),
    "rows and some of them again": (
        lambda side: {"predictions": records(side), "errors": records(side)[:3], "model": side},
        True,
    ),
    "rows, deeper": (lambda side: {"model": side, "results": {"predictions": records(side), "seconds": 1.5}}, True),
    "labels": (lambda side: {"model": side, "predictions": SAID[side].tolist()}, False),
    "labels and truth": (
        lambda side: {
            "model": side,
            "predictions": SAID[side].tolist(),
            "labels": TRUTH.tolist(),
            "classes": ["a", "b"],
        },
        True,
    ),
    "logits": (
        lambda side: {"model": side, "logits": LOGITS[side].tolist(), "ids": IDS, "y_true": TRUTH.tolist()},
        True,
    ),
    "answers": (lambda side: {"model": side, "predictions": dict(zip(IDS, SAID[side].tolist(), strict=True))}, False),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", WRAPPED)
def test_a_table_within_an_object(kind: str, tmp_path: Path) -> None:
    write, has_truth = WRAPPED[kind]
    for side in SAID:
        (tmp_path / f"{side}.json").write_text(json.dumps(write(side)))
    found = audited(tmp_path, "dense.json", "compressed.json")
    check(found, has_truth)
    assert "of the file's object" in str(found["inputs"]["dense"]["told"])
    (tmp_path / "labels.json").write_text(json.dumps({"split": "test", "labels": TRUTH.tolist()}))
    if not has_truth and kind != "answers":
        check(audited(tmp_path, "dense.json", "compressed.json", "--labels", "labels.json"))


@pytest.mark.parametrize("key", ["run 7", "val$x"])
@pytest.mark.parametrize("is_rows", [True, False])
def test_a_list_of_another_name_is_refused_with_a_line_that_takes_it_out(
    key: str, is_rows: bool, tmp_path: Path
) -> None:
    for side, said in SAID.items():
        held = records(side) if is_rows else said.tolist()
        (tmp_path / f"my {side}.json").write_text(json.dumps({"model": side, key: held, "tags": ["a"]}))
    typed = ["my dense.json", "my compressed.json"]
    for place in range(2):
        cure = refused(tmp_path, *typed)
        lined(tmp_path, cure)
        typed[place] = (tmp_path / "NEW.jsonl").rename(tmp_path / f"{place}.jsonl").name
    check(audited(tmp_path, *typed), is_rows)


def test_a_summary_of_tasks_is_no_table_of_examples(tmp_path: Path) -> None:
    for side in SAID:
        tasks = {"arc": {"acc": 0.52, "acc_norm": 0.48}, "hellaswag": {"acc": 0.4, "acc_norm": 0.6}}
        (tmp_path / f"{side}.json").write_text(json.dumps({"results": tasks, "git_hash": "abc", "config": {"bits": 4}}))
    refused(tmp_path, "dense.json", "compressed.json")


def test_two_tables_in_an_object_are_not_chosen_between(tmp_path: Path) -> None:
    for side in SAID:
        (tmp_path / f"{side}.json").write_text(
            json.dumps({"predictions": records(side), "samples": records(side), "n": 1})
        )
    assert "python -c" in refused(tmp_path, "dense.json", "compressed.json")


# -- arrays in one file without names of their own ----------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 2), (2, 1, 0)])
def test_logits_and_labels_that_numpy_named(order: tuple[int, ...], tmp_path: Path) -> None:
    """``np.savez(FILE, a, b)``: the shapes tell which is which; the third are ids."""
    for side in SAID:
        held = (LOGITS[side].astype(np.float32), TRUTH, 1000 + 7 * np.arange(ROWS))
        np.savez(tmp_path / f"{side}.npz", *(held[place] for place in order))
    check(audited(tmp_path, "dense.npz", "compressed.npz"))


def test_labels_and_labels_that_numpy_named(tmp_path: Path) -> None:
    for side, said in SAID.items():
        np.savez(tmp_path / f"{side}.npz", said, TRUTH)
    typed = ["dense.npz", "compressed.npz"]
    cure = refused(tmp_path, *typed)
    check(audited(tmp_path, *typed, *flags(cure, "--prediction-column", "--label-column")))
    found = audited(tmp_path, *typed, *flags(cure.split("; ")[1], "--prediction-column"))
    assert len(found["inputs"]["dense"]["models"]) == 2


def test_logits_and_their_largest_that_numpy_named(tmp_path: Path) -> None:
    """A model that is always right, or its answers again."""
    for side, said in SAID.items():
        np.savez(tmp_path / f"{side}.npz", LOGITS[side].astype(np.float32), said)
    typed = ["dense.npz", "compressed.npz"]
    cure = refused(tmp_path, *typed)
    check(audited(tmp_path, *typed, *flags(cure, "--score-columns")), has_truth=False)


def test_two_arrays_of_scores_that_numpy_named(tmp_path: Path) -> None:
    for side, values in LOGITS.items():
        np.savez(tmp_path / f"{side}.npz", values.astype(np.float32), CHANCES[side])
    typed = ["dense.npz", "compressed.npz"]
    cure = refused(tmp_path, *typed)
    assert "--label-column" not in cure
    check(audited(tmp_path, *typed, *flags(cure, "--score-columns")), has_truth=False)


def test_logits_beside_their_probabilities_are_one_model(tmp_path: Path) -> None:
    for side, values in LOGITS.items():
        np.savez(tmp_path / f"{side}.npz", logits=values, probs=np.exp(values) / np.exp(values).sum(1, keepdims=True))
    found = audited(tmp_path, "dense.npz", "compressed.npz")
    check(found, has_truth=False)
    assert len(found["inputs"]["dense"]["models"]) == 1
    assert "not used: 'probs'" in str(found["inputs"]["dense"]["told"])


@pytest.mark.parametrize("truth", ["species", "reference"])
def test_a_truth_of_an_unknown_name_among_arrays(truth: str, tmp_path: Path) -> None:
    for side, said in SAID.items():
        np.savez(tmp_path / f"{side}.npz", **{"out": said, truth: TRUTH})
    typed = ["dense.npz", "compressed.npz"]
    check(audited(tmp_path, *typed, *flags(refused(tmp_path, *typed), "--prediction-column", "--label-column")))


# -- classes that are counted from 1, or with gaps ----------------------------------------------------------------------

NUMBERS = {"from 1": np.array([1, 2, 3, 4]), "gaps": np.array([3, 7, 10, 12])}
STEMS = ("class_", "", "c", "prob_")


@pytest.mark.sampled(6)
@pytest.mark.parametrize("which", NUMBERS)
@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
@pytest.mark.parametrize("where", ["file", "beside", "predicted beside"])
def test_labels_that_are_the_numbers_of_the_columns(
    which: str, stem: str, kind: str, where: str, tmp_path: Path
) -> None:
    numbers, values = NUMBERS[which], LOGITS if kind == "logits" else CHANCES

    def write(side: str) -> Table:
        held: dict[str, Any] = {"id": IDS, **{f"{stem}{n}": values[side][:, place] for place, n in enumerate(numbers)}}
        if where == "beside":
            held["true_label"] = numbers[TRUTH]
        if where == "predicted beside":
            held["prediction"] = numbers[SAID[side]]
        return held

    typed = sides(tmp_path, write, None if where == "beside" else {"id": IDS, "label": numbers[TRUTH]})
    found = audited(tmp_path, *typed)
    check(found)
    assert found["class_names"] == [str(number) for number in numbers]
    assert f"{numbers[0]} is the first" in str(found["inputs"]["notes"])


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_labels_that_count_the_columns_from_0(kind: str, tmp_path: Path) -> None:
    values = LOGITS if kind == "logits" else CHANCES
    typed = sides(
        tmp_path,
        lambda side: {"id": IDS, **{f"class_{place + 1}": values[side][:, place] for place in range(4)}},
        {"id": IDS, "label": TRUTH},
    )
    check(audited(tmp_path, *typed))


def test_labels_that_may_be_either(tmp_path: Path) -> None:
    """No example of the first class: 1, 2, 3 may be numbers or places; the scores tell, and a list of names settles it."""
    some = TRUTH > 0
    for path, truth in ((tmp_path / "numbers", TRUTH), (tmp_path / "places", TRUTH)):
        numbers = np.arange(4) if path.name == "numbers" else np.arange(1, 5)
        values = {side: each[some] for side, each in LOGITS.items()}
        for side, each in values.items():
            written(path / f"{side}.csv", {f"class_{n}": each[:, place] for place, n in enumerate(numbers)})
        written(path / "labels.csv", {"label": truth[some]})
    typed = ["dense.csv", "compressed.csv", "--labels", "labels.csv"]
    right = (SAID["dense"] == TRUTH)[some].mean()
    assert audited(tmp_path / "numbers", *typed)["accuracy"]["dense"] == pytest.approx(100 * right)
    assert "--classes FILE, one name a line" in refused(tmp_path / "places", *typed)
    (tmp_path / "places" / "names.txt").write_text("1\n2\n3\n4\n")
    found = audited(tmp_path / "places", *typed, "--classes", "names.txt")
    assert found["accuracy"]["dense"] == pytest.approx(100 * right)


def test_labels_of_one_side_are_the_numbers_of_the_others_columns(tmp_path: Path) -> None:
    typed = sides(
        tmp_path,
        lambda side: (
            {"id": IDS, **{f"class_{place + 1}": CHANCES[side][:, place] for place in range(4)}}
            if side == "dense"
            else {"id": IDS, "prediction": SAID[side] + 1}
        ),
        {"id": IDS, "label": TRUTH + 1},
    )
    check(audited(tmp_path, *typed))


def test_ids_beyond_the_columns(tmp_path: Path) -> None:
    """Names, and ids from 1: what to do is said, and does it."""
    typed = sides(
        tmp_path,
        lambda side: {"id": IDS, **{name: CHANCES[side][:, place] for place, name in enumerate(NAMES)}},
        {"id": IDS, "label": TRUTH + 1},
    )
    assert "if ids count from 1, subtract 1" in refused(tmp_path, *typed)
    for label in (TRUTH, NAMES[TRUTH]):
        written(tmp_path / "labels.csv", {"id": IDS, "label": label})
        check(audited(tmp_path, *typed))


@pytest.mark.parametrize("stem", ["sensor_", "x", "feature_"])
def test_numbered_measurements_are_no_classes_because_labels_have_their_numbers(stem: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    typed = sides(
        tmp_path,
        lambda side: {"id": IDS, **{f"{stem}{place + 1}": random.normal(0, 1, ROWS).round(3) for place in range(4)}},
        {"id": IDS, "label": TRUTH + 1},
    )
    refused(tmp_path, *typed)


def test_probabilities_times_a_factor_are_divided(tmp_path: Path) -> None:
    for side, chances in CHANCES.items():
        np.save(tmp_path / f"{side}.npy", chances * 1.3 if side == "dense" else chances)
    np.save(tmp_path / "truth.npy", TRUTH)
    typed = "compressed.npy", "--labels", "truth.npy"
    cure = refused(tmp_path, "dense.npy", *typed)
    check(audited(tmp_path, "dense.npy", *typed, *flags(cure, "--values")))
    lined(tmp_path, cure)
    check(audited(tmp_path, "NEW.npy", *typed))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["fake.csv", "it's $HOME.csv", "whole.csv.gz", "predictions.CSV", "no ending"])
@pytest.mark.parametrize(("command", "pack"), [("gunzip", gzip.compress), ("bunzip2", bz2.compress)])
def test_a_packed_file_is_unpacked_whatever_it_is_called(
    name: str, command: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    typed = sides(tmp_path, lambda side: {"id": IDS, "prediction": SAID[side]}, {"id": IDS, "label": TRUTH})
    (tmp_path / name).write_bytes(pack((tmp_path / "dense.csv").read_bytes()))
    line = refused(tmp_path, name, *typed[1:]).strip().removeprefix("unpack it first: ")
    assert line.startswith(f"{command} -c ") and line.endswith(" > NEW.csv")
    done = run_program(["bash", "-c", line], cwd=tmp_path, env={**os.environ})
    assert done.returncode == 0, done.stderr
    check(audited(tmp_path, "NEW.csv", *typed[1:]))
