"""Columns of labels: what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_refusals import Cases, Refusal, write

CASES = Cases()


@CASES.add
def ids_taken_for_labels(root: Path) -> Refusal:
    lines = "".join(f"picture-{number}\n" for number in range(40_000))
    return {"dense": write(root, "d.csv", f"prediction\n{lines}"), "compressed": np.zeros(40_000, int)}, (
        "d.csv: prediction",
        "40,000 different texts in 40,000 rows",
        "class names, each of which occurs again",
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)
