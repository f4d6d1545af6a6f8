"""A tiny whole study whose outcome is written down: a refactoring may not change it, a processor has no say in it.

`make golden` records it anew after a change that is meant to change results. What is compared is described in `portable.py`.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from portable import TRAININGS
from record import keys

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())

PROCESSORS = {
    "as it is": {},
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2", "OPENBLAS_CORETYPE": "Haswell"},
    "none of its abilities": {
        "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE", "OPENBLAS_CORETYPE": "Nehalem",
        "FAISS_OPT_LEVEL": "generic",
    },
}  # fmt: skip
"""Settings under which the libraries compute as on other processors; of a processor without them, as on itself."""


STAGES = ("supervised", "finetune", "encoder", "head")


def largest_difference(found: Any, golden: Any, where: str = "") -> float:
    """Of all numbers, relative (of those below 1, absolute); everything that is no fraction is equal."""
    if isinstance(golden, dict):
        assert found.keys() == golden.keys(), where
        return max((largest_difference(found[key], golden[key], f"{where}/{key}") for key in golden), default=0.0)
    if isinstance(golden, list):
        assert len(found) == len(golden), where
        pairs = enumerate(zip(found, golden, strict=True))
        return max((largest_difference(*pair, f"{where}/{place}") for place, pair in pairs), default=0.0)
    if isinstance(golden, float) and isinstance(found, float) and found != golden:
        difference = abs(found - golden) / max(1.0, abs(golden))
        return 0.0 if math.isnan(found) and math.isnan(golden) else difference if difference == difference else math.inf
    assert found == golden and isinstance(found, bool) == isinstance(golden, bool), (where, found, golden)
    return 0.0


OTHERS = [pytest.param(name, marks=pytest.mark.sampled(3)) for name in PROCESSORS if name != "as it is"]


@pytest.fixture(scope="module", params=["as it is", *OTHERS])
def outcome(request: pytest.FixtureRequest) -> dict[str, Any]:
    settings = {**PROCESSORS[request.param], "OMP_WAIT_POLICY": "passive"}  # the last says how threads wait, no more
    done = subprocess.run(
        [sys.executable, Path(__file__).parent / "portable.py"],
        capture_output=True, text=True, env={**os.environ, **settings}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_the_losses_and_predictions_of_every_kind_of_training(outcome: dict[str, Any]) -> None:
    """The largest difference seen is 3e-15 (Intel Xeon, AVX-512, under all three settings)."""
    golden = GOLDEN["one thread"]
    steps = {label: [len(golden[label][stage]) for stage in STAGES if stage in golden[label]] for label in TRAININGS}
    assert list(steps.values()) == [[30], [10], [20, 20]]
    assert largest_difference(outcome["one thread"], golden) < 1e-7
    assert largest_difference(outcome["two threads"], GOLDEN["two threads"]) < 1e-7


def test_everything_after_the_predictions(outcome: dict[str, Any]) -> None:
    for part in ("tables", "examples"):
        assert largest_difference(outcome[part], GOLDEN[part], part) < 1e-9


def test_what_is_compared_is_the_whole_of_a_study() -> None:
    assert {row["pruning"] for row in GOLDEN["tables"]["pies"]} >= {"dense", "gmp", "delayed_gmp", "one_shot"}
    assert sum(row["pies"] for row in GOLDEN["tables"]["pies"]) > 50
    assert {"claims", "noise", "overlap", "predictors", "prediction_depth", "q_score"} <= GOLDEN["tables"].keys()
    assert len(GOLDEN["examples"]["example_id"]) == 12 * 60


def test_every_step_keeps_its_key() -> None:
    """A key that moves redoes finished work of every user: raise FORMAT_VERSION on purpose, or keep it."""
    assert keys() == GOLDEN["keys"]
