"""From a text that names pictures to the pictures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from made_pictures import fault, hf_table, picture, png, write_stream
from piescope.data.opening import open_pictures
from piescope.data.sources import load_source
from piescope.problems import DataError


def test_digits_are_the_test_half_and_train_is_said() -> None:
    splits = load_source("digits")
    test, train = open_pictures("digits"), open_pictures("train:digits")
    assert (len(test), len(train)) == (797, 1000)
    assert tuple(test.ids) == splits.test.ids and test.class_names == splits.test.class_names
    assert np.array_equal(test.labels, splits.test.labels) and test.labels.dtype == np.int64
    assert np.array_equal(np.stack(test.batch(5, 9)), splits.test.images[5:9, 0])
    assert np.array_equal(train.batch(0, 1)[0], splits.train.images[0, 0])
    assert train.name != test.name


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    assert "did you mean 'digits'" in fault("digit")


@pytest.mark.parametrize(
    "arrange",
    [
        lambda root: None,
        lambda root: (root / "cat").mkdir(),
        lambda root: (root / "cat").symlink_to(root / "cat"),
        lambda root: ((root / "cat").mkdir(), (root / "cat" / "loop").symlink_to(root)),
        lambda root: ((root / "cat").mkdir(), (root / "cat" / "a.png").write_bytes(png(picture()))),
        lambda root: ((root / "cat").mkdir(), (root / "cat" / "a.png").mkdir()),
        lambda root: (
            (root / "cat").mkdir(),
            (root / "cat/a.png").write_bytes(png(picture())),
            (root / "b.png").write_bytes(png(picture())),
        ),
    ],
    ids=["empty", "empty class", "loop", "folder loop", "one class", "folder named png", "mixed"],
)
def test_folders_that_hold_something_else(tmp_path: Path, arrange: object) -> None:
    root = tmp_path / "data"
    root.mkdir()
    arrange(root)  # type: ignore[operator]
    fault(root)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data(), suffix=st.sampled_from([".npz", ".parquet", ".arrow"]))
def test_damaged_files_are_refused_and_nothing_else_happens(tmp_path: Path, data: st.DataObject, suffix: str) -> None:
    """Any bytes, and any damage of a whole file: an InputError, or pictures."""
    if not (tmp_path / "whole.npz").exists():
        np.savez(tmp_path / "whole.npz", images=np.zeros((2, 8, 8), np.uint8), labels=np.array([0, 1]))
        parquet.write_table(hf_table([picture(), picture()], [0, 1]), tmp_path / "whole.parquet")
        write_stream(hf_table([picture(), picture()], [0, 1]), tmp_path / "whole.arrow")
    content = bytearray((tmp_path / f"whole{suffix}").read_bytes())
    if data.draw(st.booleans()):
        content = bytearray(data.draw(st.binary(max_size=200)))
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, len(content) - 1))
            content[place] = data.draw(st.integers(0, 255))
        content = content[: data.draw(st.integers(1, len(content)))]
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content)
    try:
        pictures = open_pictures(str(path))
        pictures.batch(0, len(pictures))
    except DataError:
        pass


def test_neither_torch_nor_pandas_is_loaded() -> None:
    code = (
        "import sys, piescope.data.opening, piescope.adapters.opening, piescope.adapters.compression\n"
        "piescope.adapters.opening.names_a_model('dense.csv')\n"
        "piescope.adapters.compression.parse_compressions('magnitude:0.5 int8')\n"
        "assert 'pandas' not in sys.modules\n"
        "piescope.data.opening.open_pictures('digits').batch(0, 4)\n"  # scikit-learn loads pandas
        "print([name for name in ('torch', 'transformers', 'onnxruntime') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
