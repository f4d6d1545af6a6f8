"""Records the golden outcome of the tiny study: python tests/golden/record.py."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))


def outcome_of(out: Path) -> dict[str, Any]:
    from piescope.store import layout
    from piescope.store.artefacts import Store
    from piescope.study.execute import study_of
    from piescope.study.plan import make_plan

    plan = make_plan(study_of(out))
    store = Store(out)
    step = next(step for step in plan.steps if step.label == "supervised gmp 0.5, seed 0")
    curve = store.load(step.kind, step.key).tensors(layout.HISTORY)["supervised"]
    rows = parquet.read_table(layout.examples(out)).to_pylist()
    pies: dict[str, list[str]] = {}
    for row in rows:
        arm = f"{row['objective']} {row['pruning']} {row['sparsity']:g}"
        pies.setdefault(arm, [])
        if row["is_pie"]:
            pies[arm].append(row["example_id"].removeprefix("digits-"))
    return {
        "loss_curve": [float(loss) for loss in curve],
        "pies": pies,
        "keys": {step.label: step.key[:8] for step in plan.steps},
    }


if __name__ == "__main__":
    from conftest import TINY, run_piescope

    with tempfile.TemporaryDirectory() as folder:
        done = run_piescope("run", TINY, "--out", Path(folder) / "tiny")
        assert done.returncode == 0, done.stderr
        (HERE / "golden.json").write_text(json.dumps(outcome_of(Path(folder) / "tiny")) + "\n")
