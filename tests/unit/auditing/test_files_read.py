"""Which files an audit read, with sizes and hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from piescope.auditing.files_read import files_read
from piescope.auditing.options import Asked
from piescope.store.audit_inputs import FileHash


def written(folder: Path, *names: str) -> list[Path]:
    """Files of some bytes, each of its own."""
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path.name.encode() * 40_000)
    return paths


def names(dense: Any, compressed: Any = None, **asked: Any) -> list[tuple[str, str]]:
    return [(file.role, file.name) for file in files_read(dense, compressed, Asked(**asked))]


def test_each_file_has_its_size_and_its_hash(tmp_path: Path) -> None:
    before, after, labels = written(tmp_path, "before.csv", "after.csv", "labels.csv")
    found = files_read(str(before), after, Asked(labels=labels))
    assert [(file.role, file.name) for file in found] == [
        ("dense", "before.csv"), ("compressed", "after.csv"), ("labels", "labels.csv"),
    ]  # fmt: skip
    for file, path in zip(found, (before, after, labels), strict=True):
        content = path.read_bytes()
        assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert file.files is None and len(content) > 2**18  # more than is read at once


def test_folders_patterns_and_lists_are_their_files(tmp_path: Path) -> None:
    written(tmp_path, "a/1.npy", "a/2.npy", "a/log.html", "b/3.csv", "b/4.csv")
    both = [("dense", "1.npy"), ("dense", "2.npy")]
    assert names(tmp_path / "a", f"{tmp_path}/b/*.csv") == [*both, ("compressed", "3.csv"), ("compressed", "4.csv")]
    assert names([tmp_path / "a/1.npy", str(tmp_path / "a/2.npy")]) == both


def test_what_was_given_as_values_is_no_file() -> None:
    labels = np.zeros(3)
    assert names(labels, {"a": labels}, labels=labels) == []
    assert names(["cat", "dog"], ["cat", "cat"], labels=["cat", "dog"], classes=["cat", "dog"]) == []
    assert names(lambda pixels: pixels, lambda pixels: pixels, dataset=(np.zeros((2, 1, 8, 8), np.uint8), None)) == []


def test_all_that_an_audit_may_read_is_among_them(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "b.csv", "meta.csv", "names.txt", "layers/1.npy", "layers/2.npy", "one.npy")
    layers = str(tmp_path / "layers")
    found = names(
        tmp_path / "a.csv", tmp_path / "b.csv", metadata=tmp_path / "meta.csv", classes=tmp_path / "names.txt",
        dense_embeddings=tmp_path / "one.npy", dense_layers=layers, compressed_layers=layers,
    )  # fmt: skip
    assert [role for role, _ in found] == [
        "dense", "compressed", "metadata", "classes", "dense_embeddings", "dense_layers", "dense_layers",
        "compressed_layers", "compressed_layers",
    ]  # fmt: skip


def test_models_are_their_weights_and_pictures_the_number_of_their_files(tmp_path: Path) -> None:
    written(tmp_path, "net.onnx", "w@1.pt", "net.py", "hf/config.json", "hf/model.safetensors", "hf/pytorch_model.bin")
    written(tmp_path, "pictures/cat/1.png", "pictures/dog/2.png", "pictures.npz")
    dense, compressed = f"onnx:{tmp_path}/net.onnx", f"WRN-16-2@{tmp_path}/w@1.pt"
    found = files_read(dense, compressed, Asked(dataset=tmp_path / "pictures"))
    assert [(file.role, file.name) for file in found[:2]] == [("dense", "net.onnx"), ("compressed", "w@1.pt")]
    assert found[2] == FileHash(role="data", name="pictures", files=2)
    given = {"dataset": "pictures.npz", "data_dir": tmp_path}
    assert names(f"{tmp_path}/net.py:build", f"hf:{tmp_path}/hf", **given) == [
        ("dense", "net.py"), ("compressed", "config.json"), ("compressed", "model.safetensors"),
        ("data", "pictures.npz"),
    ]  # fmt: skip
    assert names("timm:resnet18", "hf:somebody/something", dataset="digits") == []


def test_a_file_that_is_gone_by_then_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = written(tmp_path, "before.csv", "after.csv")
    monkeypatch.setattr("piescope.auditing.files_read.named_files", lambda text, _what: [Path(text)])
    before.unlink()
    assert names(before, after) == [("compressed", "after.csv")]
