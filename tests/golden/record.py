"""Records the golden outcomes: `make golden`; with --predictions also the stored predictions that part of them is computed from."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from portable import HERE, STORED, outcome, plain, stored_study

GOLDEN = HERE / "golden.json"


def keys() -> dict[str, str]:
    """The key of every step of the tiny study, and of the maps that earlier versions made."""
    from piescope.study.parse import parse_study
    from piescope.study.plan import make_plan

    plan = make_plan(parse_study((HERE / "tiny.toml").read_text()))
    alone = [item.maps.alone for item in plan.arms if item.maps is not None]
    return {f"{step.kind} {step.label}": step.key[:8] for step in (*plan.steps, *alone)}


def record_predictions() -> None:
    """Runs the study whose predictions are stored, and keeps them in half precision: part of what is given, not of what is checked."""
    from piescope.cli.app import app
    from piescope.store.artefacts import Store
    from piescope.study.parse import parse_study
    from piescope.study.plan import make_plan

    kept: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study.toml"
        study.write_text(stored_study())
        app(["run", str(study), "--out", f"{folder}/out"], standalone_mode=False)
        for step in make_plan(parse_study(stored_study())).steps:
            for name, small in STORED_AS.get(step.kind, ()):
                file = next(Path(f"{folder}/out/artefacts/{step.kind}/{step.key}").glob("*.safetensors")).name
                array = Store(Path(folder) / "out").load(step.kind, step.key).tensors(file)[name]
                kept[f"{step.kind} {step.label}/{name}"] = array.astype(small)
    np.savez_compressed(STORED, **kept)  # type: ignore[arg-type]


STORED_AS: dict[str, tuple[tuple[str, Any], ...]] = {
    "predict": (("logits", np.float16), ("representations", np.float16)),
    "depth": (("knn_labels", np.int8),),
    "project": (("embedding", np.float16),),
}


def shortened(value: Any) -> Any:
    """Fractions to twelve digits: three more than are compared."""
    if isinstance(value, dict):
        return {key: shortened(held) for key, held in value.items()}
    if isinstance(value, list):
        return [shortened(held) for held in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


if __name__ == "__main__":
    if "--predictions" in sys.argv:
        record_predictions()
    found = shortened(json.loads(json.dumps({"keys": keys(), **outcome()}, default=plain)))
    GOLDEN.write_text(json.dumps(found, separators=(",", ":")) + "\n")
