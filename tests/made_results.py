"""Results of studies that nobody ran: random, of any shape, for tests of tables, figures, page and claims."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from piescope.report.study.results import ArmResult, Results
from piescope.store.catalogue import (
    ArmName,
    Departure,
    DepthRun,
    Described,
    Environment,
    MapsRun,
    MethodRun,
    ObjectiveRun,
    RecipeUsed,
    TrainingRun,
)
from piescope.store.step_records import ArmSummary, DataRecord, ModelSummary, PrunedTensors, RealisedSparsity

METHODS = {
    "gmp": MethodRun(name="gmp", kind="gradual", criterion="magnitude", text="as the <paper> has it"),
    "my_own": MethodRun(name="my_own", kind="one_shot", criterion="random", text="as I like it"),
}
METHODS["delayed_gmp"] = METHODS["gmp"].model_copy(update={"name": "delayed_gmp"})
METHODS["one_shot"] = MethodRun(name="one_shot", kind="one_shot", criterion="magnitude", text="at once")


def objective_run(objective: str, prunings: tuple[str, ...], epochs: int = 1) -> ObjectiveRun:
    """An objective that is trained for so many epochs."""
    stages: tuple[Literal["supervised", "encoder", "head"], ...] = (
        ("supervised",) if objective == "supervised" else ("encoder", "head")
    )
    trainings = tuple(TrainingRun(stage=stage, epochs=epochs, text="some <epochs>") for stage in stages)
    return ObjectiveRun(objective=objective, prunings=("dense", *prunings), trainings=trainings)


def made(
    families: dict[str, tuple[str, ...]],
    sparsities: tuple[float, ...] = (0.5, 0.9),
    class_names: tuple[str, ...] = ("cat", "dog", "<script>alert(1)</script>"),
    channels: int = 3,
    examples: int = 40,
    models: int = 3,
    depth: bool = True,
    maps: bool = True,
    seed: int = 0,
    forgets: bool = True,
) -> Results:
    random, own = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    labels = random.integers(0, len(class_names), examples)
    arms = []
    for objective, prunings in families.items():
        dense_label = np.where(random.random(examples) < 0.9, labels, 0)
        for pruning in ("dense", *prunings):
            descends = pruning in METHODS and METHODS[pruning].kind == "one_shot"
            for sparsity in (0.0,) if pruning == "dense" else sparsities:
                other = np.where(random.random(examples) < 0.4, labels, 1)
                moved = np.where(random.random(examples) < 0.6, dense_label, other)
                pruned = moved if forgets and pruning != "dense" else dense_label
                columns: dict[str, np.ndarray] = {
                    "example_id": np.array([f"id-{i}" for i in range(examples)]),
                    "label": labels,
                    "dense_label": dense_label,
                    "pruned_label": pruned,
                    "is_pie": dense_label != pruned,
                    "is_rescued": (dense_label != labels) & (pruned == labels),
                }
                for side in ("dense", "pruned"):
                    columns[f"{side}_tie"] = random.random(examples) < 0.1
                    columns[f"{side}_agreement"] = random.choice([1 / 3, 2 / 3, 1.0], examples)
                    columns[f"{side}_correct"] = random.random(examples)
                    columns[f"{side}_margin"] = own.choice([0.0, 1 / 3, 1.0], examples)
                    columns[f"{side}_entropy"] = own.choice([0.0, 0.9, 1.6], examples)
                    for score in ("q", "z", "l1", "q_aaai24"):
                        columns[f"{side}_{score}"] = random.random(examples)
                    for score in ("depth", "depth_baldock"):
                        columns[f"{side}_{score}"] = random.random(examples) * 9 if depth else np.full(examples, np.nan)
                columns["p_value"], columns["q_value"] = own.random(examples), own.random(examples)
                columns["is_confirmed"] = columns["is_pie"] & (own.random(examples) < 0.5)
                groups = () if pruning == "dense" else (PrunedTensors(names=("a",), weights=10, zeros=5, target=5),)
                one = ModelSummary(seed=0, accuracy=90.0, sparsity=RealisedSparsity(sparsity=sparsity, groups=groups))
                summary = ArmSummary(
                    n_models=models, pies=int(columns["is_pie"].sum()), ties=int(columns["pruned_tie"].sum()),
                    rescued=int(columns["is_rescued"].sum()), accuracy_mean=90.0, accuracy_std=None if models == 1 else 1.0,
                    degenerate_representations=2, error_auroc=None, confirmed=int(columns["is_confirmed"].sum()), changed=3,
                    smallest_p_value=0.1, test="paired, 3 and 3", models=(one,) * models,
                )  # fmt: skip
                embedding = random.normal(size=(examples, 2)) if maps else None
                said = np.where(own.random((models, examples)) < (0.8 if forgets else 1.0), pruned, labels)
                each = {"labels": said.astype(np.int16), "q": own.random((models, examples)).astype(np.float32)}
                each["q_aaai24"] = own.random((models, examples)).astype(np.float32)
                if depth:
                    each["depth"] = own.integers(1, 4, (1, examples)).astype(np.int16)
                    each["depth_baldock"] = each["depth"] - 1
                arms.append(ArmResult(objective, pruning, sparsity, columns, summary, embedding, each, None, descends))
    used = {pruning for prunings in families.values() for pruning in prunings}
    study = Described(
        name="made", title="made & <tested>", seed=0, replicates=models, model="WRN-10-1", sparsities=sparsities,
        objectives=tuple(objective_run(objective, prunings) for objective, prunings in families.items()),
        methods=tuple(method for name, method in METHODS.items() if name in used),
        depth=DepthRun(models=1, k=7, bank="the training images") if depth else None,
        maps=MapsRun(of="first", settings="n_neighbors 15") if maps else None,
    )  # fmt: skip
    data = DataRecord(
        source="made", duplicates=0, about="made up", ids=tuple(f"id-{i}" for i in range(examples)), fingerprint="0" * 64,
        class_names=class_names, train_examples=10, test_examples=examples, image_shape=(channels, 8, 8),
    )  # fmt: skip
    probe_points = ("input", "conv1", "softmax") if depth else ()
    environments = (
        Environment(device="cpu", cpu="AVX2", torch="2", threads=1, pack_size=1),
        Environment(
            device="cpu", cpu="AVX512", torch="2", threads=1, pack_size=1, processor="Xeon <of made results>",
            libraries={"numpy": "2.4.0", "umap-learn": "0.5.9"},
        ),
    )  # fmt: skip
    images = random.integers(0, 256, (examples, channels, 8, 8)).astype(np.uint8)
    departures = (
        Departure(id="T1", key="training.supervised.epochs", paper=205, origin="text", here=1, why="it matters"),
        Departure(id="T1", key="training.supervised.schedule.per", paper=None, origin=None, here="step", why="x"),
    )
    recipe = RecipeUsed(name="paper", title="the <text>", departures=departures)
    missing = (ArmName(objective="supervised", pruning="my_own", sparsity=0.99),)
    return Results(study, data, images, labels, tuple(arms), missing, environments, probe_points, recipe)


def with_fewer(results: Results, models: int, *places: int) -> Results:
    """With so many models only in the arms at these places."""

    def cut(arm: ArmResult) -> ArmResult:
        summary = arm.summary.model_copy(update={"n_models": models, "models": arm.summary.models[:models]})
        return replace(arm, summary=summary, models={name: each[:models] for name, each in arm.models.items()})

    return replace(results, arms=tuple(cut(arm) if place in places else arm for place, arm in enumerate(results.arms)))


CASES = {
    "everything": made({"supervised": ("gmp", "my_own"), "supcon": ("gmp", "my_own")}),
    "one objective, one sparsity, one model": made({"supervised": ("my_own",)}, sparsities=(0.995,), models=1),
    "three objectives": made({"supervised": ("gmp",), "supcon": ("gmp",), "simclr": ("gmp",)}),
    "no depth, no maps": made({"supcon": ("gmp",)}, depth=False, maps=False, channels=1),
    "only dense": made({"supervised": ()}),
    "six models": made({"supervised": ("gmp", "my_own"), "supcon": ("gmp",)}, models=6, examples=90),
    "fewer models in two arms": with_fewer(
        made({"supervised": ("gmp", "one_shot"), "supcon": ("gmp", "one_shot")}, models=6), 4, 1, 8
    ),
    "nothing forgotten, all models alike": made({"supervised": ("gmp", "my_own")}, models=6, forgets=False),
    "many classes with long names": made(
        {"supervised": ("gmp",)}, class_names=tuple(f"a class named {i}" for i in range(14))
    ),
}
