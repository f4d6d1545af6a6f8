"""Representations from files of every layout, at the end of a model or layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from piescope.auditing.representations import Represented, read_layers, read_points
from piescope.problems import InputError
from piescope.reading.hints import Hints

VALUES = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
IDS = [f"img-{row}" for row in range(6)]


def npy(folder: Path) -> Path:
    np.save(folder / "x.npy", VALUES)
    return folder / "x.npy"


def npz(folder: Path) -> Path:
    np.savez(folder / "x.npz", embeddings=VALUES, logits=np.zeros((6, 4), np.float32), ids=np.array(IDS))
    return folder / "x.npz"


def lists(folder: Path) -> Path:
    parquet.write_table(pa.table({"id": IDS, "embedding": list(VALUES)}), folder / "x.parquet")
    return folder / "x.parquet"


def columns(folder: Path) -> Path:
    named = {f"d{place}": VALUES[:, place] for place in range(3)}
    parquet.write_table(pa.table({"id": IDS, "label": [0, 1, 2, 0, 1, 2], **named}), folder / "y.parquet")
    return folder / "y.parquet"


@pytest.mark.parametrize("file_of", [npy, npz, lists, columns])
def test_every_layout_is_read_alike(tmp_path: Path, file_of: Callable[[Path], Path]) -> None:
    points = read_points(file_of(tmp_path), Hints())
    assert (points.examples, points.dims) == (6, 3)
    np.testing.assert_allclose(points.array.part(slice(None)), VALUES, rtol=1e-6)
    assert (None if points.ids is None else points.ids.to_pylist()) == (None if file_of is npy else IDS)
    assert "3 dims" in points.notes


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"a": VALUES, "b": VALUES}, "an array named embeddings"),
        ({"embeddings": np.zeros((2, 3, 4))}, "average over space or tokens first"),
        ({"embeddings": VALUES, "ids": np.array(IDS[:5])}, "6, one an example"),
    ],
)
def test_arrays_that_are_none_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], word: str) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=word):
        read_points(tmp_path / "x.npz", Hints())


def test_tables_without_numbers_are_refused(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"id": IDS, "label": [0] * 6}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="one column a dimension"):
        read_points(tmp_path / "x.parquet", Hints())


def test_layers_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for layer in (10, 2, 1):
        np.save(tmp_path / f"layer-{layer}.npy", np.full((2, layer), 1.0))
    layers = read_layers(str(tmp_path / "*.npy"), "dense", Hints())
    assert [points.dims for points in layers] == [1, 2, 10]
    both = Represented(layers[-1], layers[-1], (layers[:1], layers[:2]))
    assert list(both.listed()) == [
        "dense embeddings", "compressed embeddings", "dense layer 0", "compressed layer 0", "compressed layer 1",
    ]  # fmt: skip
