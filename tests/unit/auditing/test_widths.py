"""Scores of one class more on one side: which column is to go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_predictions import made
from made_questions import question
from piescope.auditing.audited import resolved
from piescope.problems import InputError


def sides(folder: Path, place: int | None) -> tuple[Any, Any]:
    """Scores, and a file of the same with one column more at this place; None: of another model."""
    scores = made().dense[0]
    others = np.log(np.random.default_rng(1).dirichlet(np.ones(4), len(scores))) if place is None else np.log(scores)
    wide = np.insert(others, place or 0, -20.0, axis=1).astype(np.float32)
    np.save(folder / "wide.npy", wide)
    return np.log(scores), folder / "wide.npy"


@pytest.mark.parametrize(("place", "which", "part"), [(0, "first", "1:"), (4, "last", ":-1")])
def test_a_background_class_is_found_and_what_to_write_is_told(
    tmp_path: Path, place: int, which: str, part: str
) -> None:
    narrow, wide = sides(tmp_path, place)
    for pair in ((narrow, wide), (wide, narrow)):
        with pytest.raises(InputError, match=f"a background class, {which}.*leave column {place} of") as refused:
            resolved(question(*pair, values="logits"))
        assert f"[..., {part}]" in str(refused.value) and "200 of 200 answers are then alike" in str(refused.value)


def test_a_column_that_explains_nothing_is_not_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give both sides the same classes") as refused:
        resolved(question(*sides(tmp_path, None), values="logits"))
    assert "leave column" not in str(refused.value)
