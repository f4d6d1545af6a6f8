"""Outcomes that no processor has a say in, computed: `python tests/golden/portable.py` prints them as JSON.

Two halves of the tiny study. Its trainings, in float64, where what kernels round differently stays far below what is
compared: the steps as they ship, but networks and images are float64. And everything after the models: predictions,
kNN labels and maps come from `stored.npz`, the rest is computed from them.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
STORED = HERE / "stored.npz"
TRAININGS = ("supervised gmp 0.5, seed 0", "supervised one_shot 0.9, seed 0", "supcon delayed_gmp 0.9, seed 1")
ONE_THREADED = {"device": "cpu", "torch": "stored", "pack_size": 1, "threads": 1, "cpu": "stored"}


def tiny(train: int, batch: int) -> str:
    """The tiny study on so many training images and few to test on."""
    text = (HERE / "tiny.toml").read_text().replace("batch_size = 50", f"batch_size = {batch}")
    return text.replace("train_examples = 500", f"train_examples = {train}\ntest_examples = 60")


def stored_study() -> str:
    """The study whose predictions are stored."""
    return tiny(500, 50)


@contextlib.contextmanager
def in_float64() -> Iterator[None]:
    """Networks are made in float64, and images come to them so; all else is as ever."""
    import torch

    from piescope.training.recipe import Normalisation

    ordinary = Normalisation.apply
    torch.set_default_dtype(torch.float64)
    Normalisation.apply = lambda self, images: ordinary(self, images).double()  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)
        Normalisation.apply = ordinary  # type: ignore[method-assign]


def trainings(labels: tuple[str, ...], threads: int) -> dict[str, Any]:
    """Every stage's losses, and what the network then says of test images, of the steps with these labels."""
    import torch

    from piescope.store import layout
    from piescope.store.artefacts import Store
    from piescope.study.parse import parse_study
    from piescope.study.plan import make_plan
    from piescope.study.steps import perform

    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(threads)
    plan = make_plan(parse_study(tiny(250, 25)))
    models = {step.ref: step for step in plan.steps if step.label in labels and step.kind in ("train", "finetune")}
    parents = {ref for step in models.values() for ref in step.parent_refs()}
    predicted = {step.ref: step for step in plan.steps if step.kind == "predict" and models.keys() & step.parent_refs()}
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, in_float64():
        store = Store(Path(folder))
        for step in plan.steps:
            if step.ref in parents | models.keys() | predicted.keys():
                made = perform(step, store, "cpu", lambda images: None)
                if step.ref in models:
                    stages = made.tensors(layout.HISTORY)
                    told[step.label] = {stage: losses.tolist() for stage, losses in sorted(stages.items())}
                elif step.ref in predicted:
                    arrays = made.tensors(layout.PREDICTIONS)
                    (model,) = models.keys() & step.parent_refs()
                    told[models[model].label] |= {
                        "labels": arrays["logits"].argmax(1).tolist(),
                        "logits": arrays["logits"][:3].ravel().tolist(),
                        "representation": arrays["representations"][0].tolist(),
                    }
    return told


def write_stored_study(out: Path) -> None:
    """A finished folder of the stored study: nothing is trained, everything from the predictions on is computed."""
    from piescope.store import layout
    from piescope.store.artefacts import Store, as_tensors
    from piescope.store.durable import as_json
    from piescope.study.catalogue import refresh_catalogue
    from piescope.study.folder import write_study
    from piescope.study.parents import Parents
    from piescope.study.parse import parse_study
    from piescope.study.plan import PruneAndFinetune, Step, Train, make_plan
    from piescope.study.steps import perform

    study = parse_study(stored_study())
    store = Store(out)
    arrays = dict(np.load(STORED))

    def stored(step: Step) -> dict[str, bytes]:
        if isinstance(step.spec, Train | PruneAndFinetune):
            zeros = round(1000 * step.spec.sparsity)
            group = {"names": ["all"], "weights": 1000, "zeros": zeros, "target": zeros}
            facts = {"sparsity": step.spec.sparsity, "groups": [group] if zeros else []}
            return {layout.SPARSITY: as_json(facts)}
        name, wide = FILES[step.kind]
        held = {
            key.split("/")[1]: array for key, array in arrays.items() if key.startswith(f"{step.kind} {step.label}/")
        }
        return {name: as_tensors({key: array.astype(wide) for key, array in held.items()})}

    for step in make_plan(study).steps:
        if step.kind in ("data", "compare"):
            perform(step, store, "cpu", lambda images: None)
        else:
            keys = tuple(ref.key for ref in step.parent_refs())
            spec = step.spec.model_dump(mode="json")
            contents = Parents(step, store).contents()
            store.write(step.kind, step.key, stored(step), step.label, spec, keys, ONE_THREADED, contents)
    write_study(study, out)
    refresh_catalogue(out)


FILES = {
    "predict": ("predictions.safetensors", np.float32),
    "depth": ("knn_labels.safetensors", np.int16),
    "project": ("projection.safetensors", np.float32),
}
"""Of the kinds of step that are stored: their file, and the numbers in it."""


def results_of(out: Path) -> dict[str, Any]:
    """Every table's rows and every example's columns."""
    from piescope.report.study.claims import check_claims
    from piescope.report.study.frames import examples_table
    from piescope.report.study.results import load_results
    from piescope.report.study.signal import Signal
    from piescope.report.study.tables import rows_of

    results = load_results(out)
    assert results is not None
    signal = Signal(results)
    tables = rows_of(results, check_claims(results, signal=signal)).by_name() | signal.rows.by_name()
    cells = {name: [row.cells() for row in rows] for name, rows in tables.items()}
    return {"tables": cells, "examples": examples_table(results).to_pydict()}


def after_the_predictions() -> dict[str, Any]:
    """What becomes of the stored predictions."""
    with tempfile.TemporaryDirectory() as folder:
        write_stored_study(Path(folder))
        return dict(json.loads(json.dumps(results_of(Path(folder)), default=plain)))


def plain(value: Any) -> Any:
    """NumPy's numbers as Python's, for JSON."""
    return value.item() if isinstance(value, np.generic) else value.tolist()


def outcome() -> dict[str, Any]:
    """All of it: trainings with one thread, the first of them with two, and what follows from stored predictions."""
    return {
        "one thread": trainings(TRAININGS, 1),
        "two threads": trainings(TRAININGS[:1], 2),
        **after_the_predictions(),
    }


if __name__ == "__main__":
    json.dump(outcome(), sys.stdout, default=plain)
