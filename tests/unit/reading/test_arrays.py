"""Arrays that lie in files: what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_predictions import as_npy
from made_refusals import Cases, Refusal

CASES = Cases()


@CASES.add
def complex_numbers(root: Path) -> Refusal:
    return {"dense": as_npy(np.array([1j, 0]), root / "d.npy"), "compressed": np.array([0, 1])}, (
        "d.npy: array",
        "complex128",
        "integers, floats or text",
    )


CASES.archive("a damaged member", {"x.npy": b"hello"}, "x", "malformed", "numpy.save")


@CASES.add
def an_object_array(root: Path) -> Refusal:
    np.save(root / "d.npy", np.array([1, "a", None], object), allow_pickle=True)
    return {"dense": root / "d.npy", "compressed": np.array([0, 1, 1])}, (
        "d.npy: array",
        "Python objects",
        "never loaded",
        "dtype=np.int64",
    )


@CASES.add
def an_object_array_in_an_npz(root: Path) -> Refusal:
    np.savez(root / "d.npz", predictions=np.array([1, None], object))
    return {"dense": root / "d.npz", "compressed": np.array([0, 1])}, ("d.npz: predictions", "Python objects")


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)
