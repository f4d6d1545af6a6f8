"""A tiny whole study whose outcome is written down: a refactoring may not change it.

`make golden` records it anew after a change that is meant to change results.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from record import outcome_of

from conftest import TinyRun

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())


@pytest.fixture(scope="module")
def outcome(tiny_run: TinyRun) -> dict[str, object]:
    return outcome_of(tiny_run.out)


def test_the_loss_curve_of_30_steps(outcome: dict[str, object]) -> None:
    curve, golden = np.array(outcome["loss_curve"]), np.array(GOLDEN["loss_curve"])
    assert len(curve) == len(golden) == 30
    assert curve == pytest.approx(golden, rel=1e-5)


def test_the_pies_of_every_arm(outcome: dict[str, object]) -> None:
    assert outcome["pies"] == GOLDEN["pies"]


def test_every_step_keeps_its_key(outcome: dict[str, object]) -> None:
    """A key that moves redoes finished work of every user: raise FORMAT_VERSION on purpose, or keep it."""
    assert outcome["keys"] == GOLDEN["keys"]
