"""The command that a page names asks the same again: typed where the files lie, it gives the same answers."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import run_piescope
from piescope.adapters.protocol import Settings
from piescope.auditing.command import command_of
from piescope.auditing.options import Asked
from piescope.report.audit.reading import command
from piescope.store.audit_record import AuditRecord

TRUTH = np.arange(60) % 3
DENSE = np.where(np.arange(60) % 7 == 0, 0, TRUTH)
COPY = np.where(np.arange(60) % 5 == 0, 1, TRUTH)
NAMES = np.array(["cat", "a, b", ' "x" '])


def written(folder: Path) -> Path:
    """Files whose names a shell would cut, and whose columns have commas."""
    random = np.random.default_rng(0)
    (folder / "in").mkdir()
    for name, said in (("dense", DENSE), ("int 8", COPY)):
        scores = np.round(np.eye(3)[said] * 4 + random.random((60, 3)), 3)
        rows = "".join(f"r{row},{','.join(map(str, scores[row]))}\n" for row in range(60))
        (folder / "in" / f"{name}.csv").write_text(f'key,cat,"a, b",fox\n{rows}')
        np.save(folder / "in" / f"{name} points.npy", random.random((60, 4)).astype(np.float32))
    (folder / "y.csv").write_text(
        "key,what,day\n" + "".join(f"r{row},{TRUTH[row]},{'ab'[row % 2]}\n" for row in range(60))
    )
    (folder / "both.csv").write_text(
        "key,what,fp32,int8\n" + "".join(f"r{row},{TRUTH[row]},{DENSE[row]},{COPY[row]}\n" for row in range(60))
    )
    (folder / "names.txt").write_text("cat\na, b\nfox\n")
    return folder


CASES = {
    "files": ["in/dense.csv", "in/int 8.csv", "--labels", "y.csv", "--classes", "names.txt", "--label-column", "what"],
    "columns": ["both.csv", "--prediction-column", "fp32,int8", "--label-column", "what", "--id-column", "key"],
    "scores": ["in/dense.csv", "in/int 8.csv", "--score-columns", 'cat,"a, b",fox', "--values", "logits", "--seed", "7"],
    "budgets": [
        "both.csv", "--prediction-column", "fp32,int8", "--label-column", "what", "--max-flips", "50%",
        "--max-class-drop", "40.5", "--max-changed", "55", "--metadata", "y.csv", "--max-group-drop", "60", "--common",
    ],
    "embeddings": [
        "in/dense.csv", "in/int 8.csv", "--values", "logits,logits", "--labels", "y.csv", "--label-column", "what",
        "--classes", "names.txt", "--dense-embeddings", "in/dense points.npy", "--compressed-embeddings",
        "in/int 8 points.npy", "--header",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_a_page_names_gives_the_page_again(name: str, tmp_path: Path) -> None:
    folder = written(tmp_path)

    def answers(words: list[str]) -> tuple[dict[str, Any], list[str]]:
        done = run_piescope("audit", *words, "--out", "out", cwd=folder)
        assert done.returncode in (0, 1), done.stderr
        record = AuditRecord.of(json.loads((folder / "out" / "audit.json").read_text()))
        return record.content(), shlex.split(command(record))

    first, typed = answers(CASES[name])
    assert typed[:2] == ["piescope", "audit"]
    second, again = answers(typed[2:])
    assert (second, again) == (first, typed)
    assert set(CASES[name]) <= set(typed) | {"--values", "logits,logits"}


def test_what_no_command_line_has_is_no_command(tmp_path: Path) -> None:
    path = str(written(tmp_path) / "both.csv")
    assert command_of(path, path, Asked()) == ("piescope", "audit", "both.csv", "both.csv")  # no folder of the user's
    for given in (
        (DENSE, path, Asked()),
        (path, {"a": COPY}, Asked()),
        (path, path, Asked(labels=TRUTH)),
        ([path], path, Asked()),
    ):
        assert command_of(*given) == ()
    assert command_of(path, path, Asked(dataset=(np.zeros((1, 1, 8, 8), np.uint8), None))) == ()


def test_models_and_their_settings_are_named() -> None:
    settings = Settings(size=(224, 192), mean=(0.5,), std=(0.25,), scale="0-1", architecture="timm:resnet18")
    asked = Asked(
        dataset="/home/me/photos", settings=settings, batch_size=8, trust_code=True, header=False, right_from=0.5
    )
    found = command_of("onnx:/home/me/m.onnx", "nets.py:small", asked)
    assert shlex.join(found) == (
        "piescope audit onnx:m.onnx nets.py:small --right-from 0.5 --no-header --trust-code --batch-size 8 --data photos "
        "--architecture timm:resnet18 --size 224x192 --mean 0.5 --std 0.25 --scale 0-1"
    )
    copies = command_of("WRN-16-2@/home/me/w.pt", None, Asked(dataset="digits", compress="magnitude:0.5,0.9 int8"))
    assert copies == (
        "piescope", "audit", "WRN-16-2@w.pt", "--compress", "magnitude:0.5,0.9 int8", "--data", "digits"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("./-lead.csv", "b.csv"), ("./-lead.csv", "b.csv")),
        (("./hf:x.csv", "b.csv"), ("./hf:x.csv", "b.csv")),
        (("/runs/fp32/preds.csv", "/runs/int8/preds.csv"), ("fp32/preds.csv", "int8/preds.csv")),
        (("../fp32/preds.csv", "preds.csv"), None),
        (("../fp32.csv", "int8.csv"), None),
        (("/a/b/c/preds.csv", "/x/preds.csv"), None),
        (("a\tb.csv", "b.csv"), None),
    ],
)
def test_names_that_cannot_be_mistaken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[str, str], words: tuple[str, ...] | None
) -> None:
    """Two files of one name are told apart by their folders, or there is no command."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    found = command_of(*given, Asked())
    assert found == (() if words is None else ("piescope", "audit", *words))


def test_one_table_is_named_once() -> None:
    asked = Asked(prediction_column=("fp32", "int8"))
    assert command_of("both.csv", "both.csv", asked) == (
        "piescope", "audit", "both.csv", "--prediction-column", "fp32,int8"
    )  # fmt: skip
