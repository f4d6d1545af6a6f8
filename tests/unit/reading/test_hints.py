"""What the user says of the files: what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_refusals import Cases, Refusal

CASES = Cases()


@CASES.add
def an_unknown_kind_of_values(root: Path) -> Refusal:
    return {"dense": np.array([0, 1]), "compressed": np.array([0, 1]), "values": "logit"}, (
        "audit: --values",
        "'logit'",
        "did you mean 'logits'?",
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    CASES.check(name, tmp_path)
