"""What users get wrong: one case an item. Each ends before any work, says where, what, what else and the cure, and leaves nothing."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import at_most
from made_predictions import as_npy
from piescope.audits import audit
from piescope.problems import InputError

GOOD = "id,prediction\na,1\nb,0\nc,1\n"
SECONDS = 10
"""Of a processor, that a refusal may take."""

Refusal = tuple[dict[str, Any], tuple[str, ...]]
"""What is asked of `audit`, and what its refusal says."""

Case = Callable[[Path], Refusal]


def write(root: Path, name: str, content: str | bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(root: Path, **asked: Any) -> str:
    """The message; nothing was written, here or among temporary files."""
    out = root / "new" / "out"
    before = set(root.rglob("*"))
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", scratch)
        with at_most(SECONDS), pytest.raises(InputError) as caught:
            audit(out=out, **asked)
        assert not list(Path(scratch).iterdir()), "temporary files are left"
    assert set(root.rglob("*")) == before, "something was written"
    for problem in caught.value.problems:
        assert all((problem.where, problem.found, problem.expected, problem.cure)), str(caught.value)
    return str(caught.value)


class Cases(dict[str, Case]):
    """What one module refuses, by name."""

    def add(self, make: Case) -> Case:
        self[make.__name__.strip("_").replace("_", " ")] = make
        return make

    def text(self, name: str, content: str | bytes, *fragments: str, suffix: str = "csv") -> None:
        """A file that is wrong by itself, whatever stands on the other side."""

        def make(root: Path) -> Refusal:
            path = write(root, f"wrong.{suffix}", content)
            return {"dense": path, "compressed": write(root, "good.csv", GOOD)}, ("wrong.", *fragments)

        self[name] = make

    def archive(self, name: str, members: dict[str, bytes], *fragments: str, suffix: str = "npz") -> None:
        """A zip archive that is wrong by what it holds."""

        def make(root: Path) -> Refusal:
            path = root / f"wrong.{suffix}"
            with zipfile.ZipFile(path, "w") as archive:
                for member, content in members.items():
                    archive.writestr(member, content)
            return {"dense": path, "compressed": np.array([0, 1])}, (f"{path.name}: ", *fragments)

        self[name] = make

    def check(self, name: str, root: Path) -> None:
        """The case is refused, in one message that says all of it."""
        asked, fragments = self[name](root)
        message = refused(root, **asked)
        for fragment in fragments:
            assert fragment in message, message
        assert message.count("\n") == 3, message


def with_metadata(content: str, *fragments: str, name: str = "meta.csv") -> Case:
    """Metadata that are wrong beside good predictions."""

    def make(root: Path) -> Refusal:
        good = write(root, "good.csv", GOOD)
        return {"dense": good, "compressed": good, "labels": good, "metadata": write(root, name, content)}, (
            f"{name}: ",
            *fragments,
        )

    return make


def with_embeddings(compressed: np.ndarray | None, *fragments: str) -> Case:
    """Embeddings of one side that are wrong, or not there."""

    def make(root: Path) -> Refusal:
        asked: dict[str, Any] = {"dense": np.array([0, 1, 0]), "compressed": np.array([0, 1, 1])}
        asked["dense_embeddings"] = as_npy(np.ones((3, 4), np.float32), root / "de.npy")
        if compressed is not None:
            asked["compressed_embeddings"] = as_npy(compressed, root / "ce.npy")
        return asked, fragments

    return make
