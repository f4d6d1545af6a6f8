"""Files of evaluation tools that are not read yet are refused by name; what the message says to type gives a file that is."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from piescope.audits import audit
from piescope.problems import InputError

ROWS = 60
RIGHT = {
    "dense": np.random.default_rng(0).random(ROWS) < 0.8,
    "compressed": np.random.default_rng(1).random(ROWS) < 0.7,
}


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def harness(side: str, path: Path) -> Path:
    """lm-evaluation-harness, multiple choice; each document once a filter."""
    path = path.with_suffix(".jsonl")
    rows = [
        {
            "doc_id": row,
            "doc": {"question": f"number {row}?"},
            "target": "1",
            "arguments": {"gen_args_0": {"arg_0": "Question", "arg_1": " a"}},
            "resps": [[["-1.5", "False"]]],
            "filtered_resps": [["-1.5", "False"]],
            "filter": filtered,
            "metrics": ["acc"],
            "doc_hash": f"{row:x}",
            "acc": float(RIGHT[side][row] if filtered == "strict-match" else 1),
        }
        for filtered in ("strict-match", "flexible-extract")
        for row in range(ROWS)
    ]
    path.write_text(lines(rows))
    return path


def inspect_json(side: str, path: Path) -> Path:
    path = path.with_suffix(".json")
    samples = [
        {"id": row, "epoch": 1, "scores": {"match": {"value": "C" if right else "I"}}}
        for row, right in enumerate(RIGHT[side])
    ]
    path.write_text(json.dumps({"version": 2, "status": "success", "eval": {"task": "t"}, "samples": samples}))
    return path


def mlperf(side: str, path: Path) -> Path:
    """Image classification: four bytes of a float32 class each."""
    path = path.with_suffix(".json")
    rows = [
        {"seq_id": row, "qsl_idx": row, "data": struct.pack("<f", float(right)).hex().upper()}
        for row, right in enumerate(RIGHT[side])
    ]
    path.write_text(json.dumps(rows))
    return path


def every_eval_ever(side: str, path: Path) -> Path:
    path = path.with_suffix(".jsonl")
    rows = [
        {
            "schema_version": "0.3.0",
            "evaluation_id": "e",
            "evaluation_name": "task",
            "sample_id": str(row),
            "evaluation": {"score": float(right), "is_correct": bool(right)},
        }
        for row, right in enumerate(RIGHT[side])
    ]
    path.write_text(lines(rows))
    return path


def helm(side: str, path: Path) -> Path:
    path = path.with_suffix(".json")
    rows = [
        {
            "instance_id": f"id{row}",
            "train_trial_index": 0,
            "stats": [
                {"name": {"name": "num_bytes"}, "mean": 9.0},
                {"name": {"name": "exact_match"}, "mean": float(right)},
            ],
        }
        for row, right in enumerate(RIGHT[side])
    ]
    path.write_text(json.dumps(rows))
    return path


def openvino(side: str, path: Path) -> Path:
    path = path.with_suffix(".json")
    rows = [
        {"identifier": f"{row}.png", "annotation_label": row % 2, "prediction_label": row % 2 if right else 1 - row % 2}
        for row, right in enumerate(RIGHT[side])
    ]
    path.write_text(json.dumps({"report": rows, "report_type": "classification"}))
    return path


def pipeline(side: str, path: Path, shape: str) -> Path:
    """What a text classification pipeline of transformers gives, beside an id and the truth."""
    path = path.with_suffix(".jsonl")
    rows = []
    for row, is_right in enumerate(RIGHT[side]):
        truth, other = ("yes", "no")[:: 1 if row % 2 else -1]
        best, rest = (truth, other) if is_right else (other, truth)
        said: Any = {
            "one": {"label": best, "score": 0.75},
            "all": [{"label": best, "score": 0.75}, {"label": rest, "score": 0.25}],
            "best": [{"label": rest, "score": 0.1}, {"label": best, "score": 0.5}],
        }[shape]
        rows.append({"id": f"t{row}", "text": f"number {row}, it's", "out": said, "y_true": truth})
    path.write_text(lines(rows))
    return path


CONVERTED: dict[str, tuple[Callable[[str, Path], Path], str]] = {
    "lm-evaluation-harness": (harness, "samples of lm-evaluation-harness"),
    "Inspect": (inspect_json, "a log of Inspect"),
    "MLPerf": (mlperf, "MLPerf's accuracy log"),
    "Every Eval Ever": (every_eval_ever, "samples of Every Eval Ever"),
    "HELM": (helm, "HELM's statistics"),
    "OpenVINO": (openvino, "OpenVINO's accuracy checker"),
    "pipeline, best class": (partial(pipeline, shape="one"), "pipelines of transformers"),
    "pipeline, all classes": (partial(pipeline, shape="all"), "pipelines of transformers"),
    "pipeline, best classes": (partial(pipeline, shape="best"), "pipelines of transformers"),
}


@pytest.mark.parametrize("tool", CONVERTED)
def test_what_the_message_says_to_type_works(tool: str, tmp_path: Path) -> None:
    write, named = CONVERTED[tool]
    converted = {}
    for side in RIGHT:
        path = write(side, tmp_path / side)
        with pytest.raises(InputError, match=re.escape(named)) as caught:
            audit(path, path)
        command = re.search(r"python -c \".*?\" < \S+ > NEW\.jsonl", caught.value.problems[0].cure)
        assert command is not None, caught.value.problems[0].cure
        line = command[0].replace("python", sys.executable, 1).replace("NEW.jsonl", f"new-{side}.jsonl")
        subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True)
        converted[side] = tmp_path / f"new-{side}.jsonl"
    found = audit(converted["dense"], converted["compressed"])
    assert found["n_examples"] == ROWS
    assert found["changed"] == (RIGHT["dense"] != RIGHT["compressed"]).sum()
    if found["accuracy"] is not None:
        assert found["accuracy"]["dense"] == pytest.approx(100 * RIGHT["dense"].mean())
        assert found["flips"]["correct_to_wrong"] == (RIGHT["dense"] & ~RIGHT["compressed"]).sum()


def _inspect_archive(root: Path) -> Path:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("header.json", "{}")
        archive.writestr("summaries.json", "[]")
    (root / "log.eval").write_bytes(held.getvalue())
    return root / "log.eval"


def _text(root: Path, name: str, content: str) -> Path:
    (root / name).write_text(content)
    return root / name


def _logits_of_llama(root: Path) -> Path:
    (root / "p.kld").write_bytes(b"_logits_" + struct.pack("<3i", 512, 32000, 1) + bytes(99))
    return root / "p.kld"


def _lighteval(root: Path) -> Path:
    row = {"doc": {"id": "1", "query": "?"}, "metric": {"acc": 1.0}, "model_response": {"text": ["a"]}}
    parquet.write_table(pa.Table.from_pylist([row]), root / "details.parquet")
    return root / "details.parquet"


NAMED: dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]] = {
    "Inspect's archive": (_inspect_archive, ("a log of Inspect", "inspect log dump log.eval")),
    "COCO detections": (
        lambda root: _text(
            root, "p.json", json.dumps([{"image_id": 1, "category_id": 2, "bbox": [0, 0, 9, 9], "score": 0.5}])
        ),
        ("detections in COCO's format", "gtMatches"),
    ),
    "COCO annotations": (
        lambda root: _text(root, "p.json", json.dumps({"images": [], "annotations": [], "categories": []})),
        ("annotations in COCO's format",),
    ),
    "lighteval": (_lighteval, ("details of lighteval", "to_csv")),
    "Polygraphy": (
        lambda root: _text(root, "p.json", json.dumps({"lst": [["runner", []]]})),
        ("outputs of Polygraphy",),
    ),
    "llama.cpp": (_logits_of_llama, ("logits of llama.cpp",)),
}


@pytest.mark.parametrize("tool", NAMED)
def test_refused_by_name(tool: str, tmp_path: Path) -> None:
    make, fragments = NAMED[tool]
    path = make(tmp_path)
    with pytest.raises(InputError) as caught:
        audit(path, path)
    for fragment in fragments:
        assert fragment in str(caught.value), str(caught.value)
