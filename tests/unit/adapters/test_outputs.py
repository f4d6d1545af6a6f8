"""What models return, in any wrapping, and what is no score."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from made_models import Wrapped, photos
from piescope.adapters.opening import open_model
from piescope.adapters.outputs import read_outputs
from piescope.adapters.protocol import ModelError


@dataclasses.dataclass
class Answer:
    logits: Tensor


@pytest.mark.parametrize(
    "how",
    [
        lambda logits, seen: logits,
        lambda logits, seen: (logits, seen),
        lambda logits, seen: [logits],
        lambda logits, seen: {"loss": None, "logits": logits},
        lambda logits, seen: {"features": seen, "scores": logits},
        lambda logits, seen: Answer(logits),
        lambda logits, seen: logits[:, :, None, None],
        lambda logits, seen: (logits, logits.argmax(1)),
    ],
    ids=["tensor", "tuple", "list", "dict", "features first", "object", "maps", "with labels"],
)
def test_outputs_in_any_wrapping(how: Any) -> None:
    module = Wrapped(how)
    outputs = open_model(module).scores(photos(5, channels=1))
    plain = Wrapped(lambda logits, seen: (logits, seen))
    plain.load_state_dict(module.state_dict())
    batch = photos(5, channels=1)
    outputs = open_model(module).scores(batch)
    logits, seen = plain(torch.from_numpy(np.stack(batch).astype(np.float32) / 255))
    assert outputs.scores is not None and outputs.representation is not None
    assert np.allclose(outputs.scores, logits.detach().numpy(), atol=1e-5)
    assert np.allclose(outputs.representation, seen.detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("how", "word"),
    [
        (lambda logits, seen: logits[:, 0], "2 or more classes"),
        (lambda logits, seen: logits[:, :1], "2 or more classes"),
        (lambda logits, seen: logits[:2], "scores"),
        (lambda logits, seen: "cat", "scores"),
        (lambda logits, seen: None, "scores"),
        (lambda logits, seen: {}, "scores"),
        (lambda logits, seen: logits * float("nan"), "NaN"),
        (lambda logits, seen: logits + float("inf"), "infinity"),
        (lambda logits, seen: torch.full((5,), -1), "class id"),
        (lambda logits, seen: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_outputs_that_are_no_scores(how: Any, word: str) -> None:
    with pytest.raises(ModelError, match=word):
        open_model(Wrapped(how)).scores(photos(5, channels=1))


def test_what_is_called_a_representation_is_no_score() -> None:
    points, scores = np.ones((3, 5)), np.arange(12.0).reshape(3, 4)
    for name in ("embedding", "features", "pooler_output"):
        said = read_outputs({name: points, "score": scores}, "net", 3)
        assert said.scores is not None and said.representation is not None
        assert np.array_equal(said.scores, scores) and np.array_equal(said.representation, points)
    alone = read_outputs({"embedding": scores}, "net", 3)
    assert alone.scores is not None


def test_of_several_tables_without_a_known_name_none_is_taken() -> None:
    first, second = np.zeros((4, 3), np.float32), np.ones((4, 3), np.float32)
    with pytest.raises(ModelError, match=r"(?s)several that may be scores: 'aux', 'out'.*'logits'"):
        read_outputs({"aux": first, "out": second}, "net", 4)
    for named in ({"aux": first, "logits": second}, {"features": first, "out": second}, {"loss": 0.5, "out": second}):
        found = read_outputs(named, "net", 4).scores
        assert found is not None and (found == 1).all()
