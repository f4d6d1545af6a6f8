"""Arrays that lie in files: what is refused."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path

import numpy as np
import pytest

from made_predictions import as_npy
from made_refusals import Cases, Refusal
from piescope import audit
from piescope.problems import InputError

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


def test_what_is_held_is_closed_without_a_warning(tmp_path: Path) -> None:
    """In a test suite in which warnings are errors a dropped file object would fail the next test."""
    scores, said = np.eye(4)[[0, 1, 2, 3, 0]], np.array([0, 1, 2, 3, 1])
    np.save(tmp_path / "d.npy", scores)
    np.savez_compressed(tmp_path / "c.npz", scores[:, [1, 0, 2, 3]])
    (tmp_path / "d.csv").write_text(
        "id,model,prediction\n" + "".join(f"a{r},m{m},{s}\n" for r, s in enumerate(said) for m in (0, 1))
    )
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        audit(scores, said, labels=said)
        audit(tmp_path / "d.npy", tmp_path / "c.npz")
        audit(tmp_path / "d.csv", tmp_path / "d.csv")
        audit({"a": ["x", "y"], "b": ["x", "y"]}, {"a": ["x", "x"], "b": ["x", "y"]})
        with pytest.raises(InputError, match="malformed"):
            audit(tmp_path / "bad.npy", said)
        gc.collect()
    assert [str(warning.message) for warning in seen if warning.category is ResourceWarning] == []
