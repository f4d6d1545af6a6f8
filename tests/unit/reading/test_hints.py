"""What the user says of the files: what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_refusals import Cases, Refusal
from piescope.audits import audit
from piescope.problems import InputError

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


RANDOM = np.random.default_rng(6)
LABELS = RANDOM.integers(0, 3, 40)
LOGITS = RANDOM.normal(0, 2, (40, 3)).round(3)
NAMES = np.array(["ant", "bee", "cow"])


def table(path: Path, columns: dict[str, np.ndarray]) -> Path:
    rows = zip(*columns.values(), strict=True)
    lines = [f"e{number}," + ",".join(map(str, row)) for number, row in enumerate(rows)]
    path.write_text("\n".join([",".join(["id", *columns]), *lines]))
    return path


SCORES = {f"logit_{place}": LOGITS[:, place] for place in range(3)}
WRONG: dict[str, tuple[dict[str, np.ndarray], str, str]] = {
    "labels are no logits": ({"prediction": LABELS}, "logits", "labels in 'prediction'"),
    "names are no probabilities": ({"prediction": NAMES[LABELS]}, "probabilities", "labels in 'prediction'"),
    "models are no logits": ({"seed0": NAMES[LABELS], "seed1": NAMES[LABELS]}, "logits", "labels in 'seed0', 'seed1'"),
    "right and wrong are no logits": ({"correct": LABELS // 2}, "logits", "right and wrong in 'correct'"),
    "right and wrong are no labels": ({"correct": LABELS // 2}, "labels", "--prediction-column correct"),
    "logits are no labels": (SCORES, "labels", "logits in 'logit_0', 'logit_1', 'logit_2'"),
    "logits beside labels are none": ({**SCORES, "pred": LOGITS.argmax(1)}, "labels", "--prediction-column pred"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_table_is_not_read_as_something_else_than_it_is_said_to_be(name: str, tmp_path: Path) -> None:
    columns, values, told = WRONG[name]
    path = table(tmp_path / "d.csv", columns)
    with pytest.raises(InputError, match=r"(?s)--values.*expected .*, as --values says.*leave --values out") as caught:
        audit(path, path, values=values, out=tmp_path / "out")
    assert told in str(caught.value)
    assert audit(path, path, out=tmp_path / "out")["changed"] == 0
    if "--prediction-column" in told:
        found = audit(path, path, values=values, prediction_column=told.split()[-1], out=tmp_path / "out")
        assert "labels: column" in str(found["inputs"]["dense"]["told"])


def test_sides_that_differ_are_said_to_differ(tmp_path: Path) -> None:
    sides = table(tmp_path / "d.csv", SCORES), table(tmp_path / "c.csv", {"prediction": LOGITS.argmax(1)})
    with pytest.raises(InputError, match=r"(?s)c.csv: --values.*KIND,KIND where the sides differ"):
        audit(*sides, values="logits", out=tmp_path / "out")
    assert audit(*sides, values=("logits", "labels"), out=tmp_path / "out")["changed"] == 0


@pytest.mark.parametrize("values", ["logits", "probabilities", "correct"])
def test_an_array_is_not_read_as_something_else_than_it_is_said_to_be(values: str, tmp_path: Path) -> None:
    for labels in (NAMES[LABELS], NAMES[[LABELS, LABELS]], LABELS):
        with pytest.raises(InputError):
            audit(labels, labels, values=values, out=tmp_path / "out")
        assert audit(labels, labels, values="labels", out=tmp_path / "out")["changed"] == 0
    with pytest.raises(InputError, match=r"(?s)row 0.*ids or names; scores go in one column a class"):
        audit(LOGITS, LOGITS, values="labels", out=tmp_path / "out")
    signed = (LOGITS[:, 0] * 9).astype(np.int8)  # quantised logits of class 1
    assert audit(signed, signed, values="logits", out=tmp_path / "out")["changed"] == 0
