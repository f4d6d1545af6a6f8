"""What tests of data share."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

from piescope.data.cifar import CIFAR10, Cifar
from piescope.data.opening import open_pictures
from piescope.problems import DataError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


RNG = np.random.default_rng(0)


def png(picture: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", **options)
    return buffer.getvalue()


def picture(height: int = 6, width: int = 5, channels: int = 3) -> np.ndarray:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def fault(text: str | Path, data_dir: Path | None = None) -> str:
    with pytest.raises(DataError) as caught:
        open_pictures(str(text), data_dir)
    message = str(caught.value)
    assert all(word in message for word in ("found", "expected", "cure"))
    return message


FEATURES = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}


def hf_table(pictures: list[np.ndarray], labels: list[int], **more: list[object]) -> pa.Table:
    """As the library ``datasets`` writes it."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table(
        {
            "image": pa.array([{"bytes": png(each), "path": f"{row}.png"} for row, each in enumerate(pictures)], kind),
            "label": pa.array(labels, pa.int64()),
            **more,
        }
    )
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": FEATURES}})})


def write_stream(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=2):
            writer.write_batch(batch)


# every layout, on a small member of the family


def small_cifar() -> tuple[Cifar, dict[str, dict[str, bytes]]]:
    """A CIFAR of 20 + 10 images in both layouts, with their files."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (30, 3072), dtype=np.uint8)
    labels = np.tile(np.arange(10), 3)
    parts = {"data_batch_1": slice(0, 10), "data_batch_2": slice(10, 20), "test_batch": slice(20, 30)}
    binary = {
        f"{name}.bin": np.concatenate([labels[part, None].astype(np.uint8), images[part]], axis=1).tobytes()
        for name, part in parts.items()
    }
    python = {
        name: pickle.dumps({"data": images[part], "labels": labels[part].tolist(), "filenames": ["x"]}, protocol=2)
        for name, part in parts.items()
    }
    contents = {"cifar-10-batches-bin": binary, "cifar-10-batches-py": python}
    layouts = []
    for layout in CIFAR10.layouts:
        md5 = {file: hashlib.md5(content).hexdigest() for file, content in contents[layout.folder].items()}
        train = {file: value for file, value in md5.items() if not file.startswith("test")}
        test = {file: value for file, value in md5.items() if file.startswith("test")}
        archive_md5 = hashlib.md5(packed(layout.folder, contents[layout.folder])).hexdigest()
        layouts.append(dataclasses.replace(layout, train=train, test=test, archive_md5=archive_md5))
    return dataclasses.replace(CIFAR10, train_examples=20, test_examples=10, layouts=tuple(layouts)), contents


def packed(folder: str, files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)
