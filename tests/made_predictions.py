"""Predictions whose truth is known, written to files of every layout that the audit reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv, feather, parquet
from safetensors.numpy import save_file

NAMES = ("airplane", "bird", "cat", "deer")


@dataclass(frozen=True)
class Made:
    """Predictions of two sides, and the truth.

    Attributes:
        truth: ``[examples]``.
        dense: ``[models, examples, classes]`` probabilities.
        compressed: likewise.
        ids: of the examples.
    """

    truth: np.ndarray
    dense: np.ndarray
    compressed: np.ndarray
    ids: tuple[str, ...]

    def labels(self, side: str) -> np.ndarray:
        found: np.ndarray = getattr(self, side).argmax(2)
        return found


def made(examples: int = 200, models: int = 1, classes: int = 4, seed: int = 0) -> Made:
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, examples)
    hardness = random.random(examples)

    def side(noise: float) -> np.ndarray:
        logits = random.normal(0, 1 + noise * hardness[:, None], (models, examples, classes)) * 2
        logits[:, np.arange(examples), truth] += 4
        odds = np.exp(logits)
        found: np.ndarray = (odds / odds.sum(2, keepdims=True)).astype(np.float32)
        return found

    return Made(truth, side(0.5), side(2.5), tuple(f"img-{row:04d}" for row in range(examples)))


def table_of_labels(made: Made, side: str, names: bool = False) -> pa.Table:
    """One row an example, one column a model."""
    labels = made.labels(side)
    columns = {
        ("prediction" if len(labels) == 1 else f"seed{place}"): [NAMES[code] for code in row] if names else row
        for place, row in enumerate(labels)
    }
    return pa.table({"id": list(made.ids), **columns})


def table_of_scores(made: Made, side: str, logits: bool = False) -> pa.Table:
    """One row an example, one column a class, of the first model."""
    scores = getattr(made, side)[0]
    values = np.log(scores) if logits else scores
    return pa.table({"id": list(made.ids), **{NAMES[code]: values[:, code] for code in range(values.shape[1])}})


def table_of_lists(made: Made, side: str) -> pa.Table:
    """One row an example, one column of lists a model."""
    columns = {f"model{place}": pa.array(list(scores)) for place, scores in enumerate(getattr(made, side))}
    return pa.table({"id": list(made.ids), **columns})


def long_table(made: Made, side: str, seed: int = 0) -> pa.Table:
    """One row for each pair of example and model, in any order."""
    labels = made.labels(side)
    models, examples = labels.shape
    order = np.random.default_rng(seed).permutation(models * examples)
    rows = [
        (made.ids[place % examples], f"seed{place // examples}", labels[place // examples, place % examples])
        for place in order
    ]
    example, model, label = zip(*rows, strict=True)
    return pa.table({"example": list(example), "model": list(model), "label": list(label)})


def as_csv(table: pa.Table, path: Path) -> Path:
    csv.write_csv(table, path)
    return path


def as_tsv(table: pa.Table, path: Path) -> Path:
    csv.write_csv(table, path, csv.WriteOptions(delimiter="\t"))
    return path


def as_jsonl(table: pa.Table, path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return path


def as_json(table: pa.Table, path: Path) -> Path:
    path.write_text(json.dumps(table.to_pylist()))
    return path


def as_parquet(table: pa.Table, path: Path) -> Path:
    parquet.write_table(table, path, row_group_size=64)
    return path


def as_arrow(table: pa.Table, path: Path) -> Path:
    with pa.ipc.new_file(path, table.schema) as sink:
        sink.write_table(table, max_chunksize=50)
    return path


def as_arrow_stream(table: pa.Table, path: Path) -> Path:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as sink:
        sink.write_table(table, max_chunksize=50)
    return path


def as_feather(table: pa.Table, path: Path) -> Path:
    feather.write_feather(table, str(path))
    return path


TABLES: dict[str, tuple[str, Callable[[pa.Table, Path], Path]]] = {
    "csv": ("csv", as_csv),
    "tsv": ("tsv", as_tsv),
    "jsonl": ("jsonl", as_jsonl),
    "json": ("json", as_json),
    "parquet": ("parquet", as_parquet),
    "arrow": ("arrow", as_arrow),
    "arrow stream": ("arrow", as_arrow_stream),
    "feather": ("feather", as_feather),
}


def as_npy(values: np.ndarray, path: Path) -> Path:
    np.save(path, values)
    return path


def as_npz(values: np.ndarray, path: Path) -> Path:
    np.savez(path, predictions=values)
    return path


def as_small_npz(values: np.ndarray, path: Path) -> Path:
    np.savez_compressed(path, predictions=values)
    return path


def as_safetensors(values: np.ndarray, path: Path) -> Path:
    save_file({"predictions": np.ascontiguousarray(values)}, path)
    return path


ARRAYS: dict[str, tuple[str, Callable[[np.ndarray, Path], Path]]] = {
    "npy": ("npy", as_npy),
    "npz": ("npz", as_npz),
    "compressed npz": ("npz", as_small_npz),
    "safetensors": ("safetensors", as_safetensors),
}
