"""Frames, tables, figures and page on made results of every awkward kind."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

from piescope.report import frames
from piescope.report.claims import check_claims
from piescope.report.figures import draw_all
from piescope.report.frames import ArmResult, Results
from piescope.report.page import render_page, walls
from piescope.report.tables import COLUMNS, escape_latex, rows_of, wide_tables
from piescope.store.tables import as_csv

METHODS: dict[str, Any] = {
    "gmp": {
        "kind": "gradual", "criterion": "magnitude", "scope": "layer", "biases": True, "prune_head": True, "regrowth": True,
        "encoder": {"begin": 1, "end": 2, "frequency": 1, "grid": "multiples"}, "counting": "remaining",
    },
    "my_own": {
        "kind": "one_shot", "criterion": "random", "scope": "global", "biases": False, "prune_head": False, "regrowth": False,
        "finetune": {
            "epochs": 1, "batch_size": 8, "learning_rate": 0.1, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0,
            "schedule": {"kind": "constant"}, "augmentation": {},
        },
    },
}  # fmt: skip
TRAINING: dict[str, Any] = {
    "epochs": 1, "batch_size": 8, "learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0,
    "schedule": {"kind": "multi_step"},
    "augmentation": {"pad_and_crop": 1, "resized_crop": [0.2, 1.0], "grayscale": 0.0, "color_jitter": {"hue": 0.1}},
}  # fmt: skip


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
) -> Results:
    random, own = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    labels = random.integers(0, len(class_names), examples)
    arms = []
    for objective, prunings in families.items():
        dense_label = np.where(random.random(examples) < 0.9, labels, 0)
        for pruning in ("dense", *prunings):
            for sparsity in (0.0,) if pruning == "dense" else sparsities:
                other = np.where(random.random(examples) < 0.4, labels, 1)
                moved = np.where(random.random(examples) < 0.6, dense_label, other)
                pruned = dense_label if pruning == "dense" else moved
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
                    for score in ("q", "z", "l1"):
                        columns[f"{side}_{score}"] = random.random(examples)
                    for score in ("depth", "depth_baldock"):
                        columns[f"{side}_{score}"] = random.random(examples) * 9 if depth else np.full(examples, np.nan)
                groups = [] if pruning == "dense" else [{"names": ["a"], "weights": 10, "zeros": 5, "target": 5}]
                summary = {
                    "n_models": models, "pies": int(columns["is_pie"].sum()), "ties": int(columns["pruned_tie"].sum()),
                    "rescued": int(columns["is_rescued"].sum()), "accuracy_mean": 90.0,
                    "accuracy_std": None if models == 1 else 1.0, "degenerate_representations": 2, "error_auroc": None,
                    "models": [{"seed": 0, "accuracy": 90.0, "sparsity": {"groups": groups}}] * models,
                }  # fmt: skip
                embedding = random.normal(size=(examples, 2)) if maps else None
                said = np.where(own.random((models, examples)) < 0.8, pruned, labels)
                each = {"labels": said.astype(np.int16), "q": own.random((models, examples)).astype(np.float32)}
                if depth:
                    each["depth"] = own.integers(1, 4, (1, examples)).astype(np.int16)
                arms.append(ArmResult(objective, pruning, sparsity, columns, summary, embedding, each))
    contrastive = {"encoder": TRAINING, "head": TRAINING, "temperature": 0.5}
    study = {
        "name": "made", "title": "made & <tested>", "seed": 0, "replicates": models, "sparsities": list(sparsities),
        "model": {"depth": 10, "width": 1}, "pruning": METHODS,
        "training": {o: TRAINING if o == "supervised" else contrastive for o in families},
        "arms": {objective: ["dense", *prunings] for objective, prunings in families.items()},
        "measures": {"prediction_depth": {"models": 1, "k": 7, "augment_bank": False}} if depth else {},
    }  # fmt: skip
    data = {"source": "made", "about": "made up", "ids": [f"id-{i}" for i in range(examples)], "fingerprint": "0" * 64,
            "class_names": list(class_names), "train_examples": 10, "test_examples": examples,
            "image_shape": [channels, 8, 8]}  # fmt: skip
    probe_points = ("input", "conv1", "softmax") if depth else ()
    environments = ({"device": "cpu", "cpu": "AVX2", "torch": "2", "threads": 1, "pack_size": 1},)
    images = random.integers(0, 256, (examples, channels, 8, 8)).astype(np.uint8)
    recipe = {
        "name": "paper", "title": "the <text>",
        "departures": [
            {"id": "T1", "key": "training.supervised.epochs", "paper": 205, "from": "text", "here": 1, "why": "it matters"},
            {"id": "T1", "key": "training.supervised.schedule.per", "paper": None, "from": None, "here": "step", "why": "x"},
        ],
    }  # fmt: skip
    missing = ({"objective": "supervised", "pruning": "my_own", "sparsity": 0.99},)
    return Results(study, data, images, labels, tuple(arms), missing, environments, probe_points, recipe)


CASES = {
    "everything": made({"supervised": ("gmp", "my_own"), "supcon": ("gmp", "my_own")}),
    "one objective, one sparsity, one model": made({"supervised": ("my_own",)}, sparsities=(0.995,), models=1),
    "three objectives": made({"supervised": ("gmp",), "supcon": ("gmp",), "simclr": ("gmp",)}),
    "no depth, no maps": made({"supcon": ("gmp",)}, depth=False, maps=False, channels=1),
    "only dense": made({"supervised": ()}),
    "many classes with long names": made(
        {"supervised": ("gmp",)}, class_names=tuple(f"a class named {i}" for i in range(14))
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_study_gives_tables_figures_and_a_page(name: str) -> None:
    results = CASES[name]
    claims = check_claims(results, draws=20)
    rows = rows_of(results, claims)
    tables = wide_tables(results, rows)
    for table, columns in COLUMNS.items():
        as_csv(rows[table], columns)
        assert tables[table].latex().count("\\begin") == 2
        assert all(len(row) == len(tables[table].head) for row in tables[table].rows)
        assert sum(span for _, span in tables[table].groups) == len(tables[table].head)
    figures = draw_all(results)
    assert [figure.number for figure in figures] == list(range(1, 8))
    page = render_page(results, tables, rows, figures, claims).decode()
    assert "made &amp; &lt;tested&gt;" in page
    assert "<script" not in page
    assert "nan" not in page.lower().split("base64")[0]
    assert "None" not in "".join(part.split('"')[0] for part in page.split("base64,"))


def test_frames_against_loops() -> None:
    results = CASES["everything"]
    arm = results.find("supervised", "gmp", 0.9)
    other = results.find("supcon", "gmp", 0.9)
    assert arm is not None
    assert other is not None
    rows = [
        row
        for row in frames.class_rows(results)
        if (row["objective"], row["pruning"], row["sparsity"]) == ("supervised", "gmp", 0.9)
    ]
    for label, row in enumerate(rows):
        mine = [i for i in range(40) if results.labels[i] == label and arm.columns["is_pie"][i]]
        assert row["pies"] == len(mine)
        assert row["shared_pies"] == sum(bool(other.columns["is_pie"][i]) for i in mine)
    (depth,) = [
        row
        for row in frames.depth_rows(results)
        if (row["objective"], row["pruning"], row["sparsity"]) == ("supervised", "gmp", 0.9)
    ]
    pies = [arm.columns["pruned_depth"][i] for i in range(40) if arm.columns["is_pie"][i]]
    assert depth["pie_mean"] == pytest.approx(sum(pies) / len(pies))
    assert depth["pie_std"] == pytest.approx(np.std(pies, ddof=1))
    (score,) = [
        row
        for row in frames.q_score_rows(results)
        if (row["objective"], row["pruning"], row["sparsity"]) == ("supervised", "gmp", 0.9)
    ]
    assert score["q_mean"] == pytest.approx(sum(arm.columns["pruned_q"]) / 40)


def test_what_was_not_run_is_not_told() -> None:
    def text(name: str) -> str:
        results = CASES[name]
        claims = check_claims(results, draws=20)
        rows = rows_of(results, claims)
        page = render_page(results, wide_tables(results, rows), rows, draw_all(results), claims).decode()
        return re.sub(r"\\s+", " ", re.sub(r"<[^>]+>", " ", page))

    dense = text("only dense")
    for absent in ("Pruning GMP", "fine-tuning", "At 90", "Shared PIEs", "One-shot models"):
        assert absent not in dense
    bare = text("no depth, no maps")
    for absent in ("its depth is the probe", "UMAP", "no models", "no sparsity", "Figure 1."):
        assert absent not in bare
    single = text("one objective, one sparsity, one model")
    assert "(one model)" in single
    assert "1 models" not in single
    assert "1 to 3. Low is easy" in text("everything")


def test_a_missing_sibling_is_a_question_and_no_zero() -> None:
    whole = CASES["everything"]
    without = [arm for arm in whole.arms if (arm.objective, arm.pruning, arm.sparsity) != ("supervised", "gmp", 0.9)]
    results = dataclasses.replace(whole, arms=tuple(without))
    claims = check_claims(results, draws=20)
    rows = rows_of(results, claims)
    wanted = ("supcon", "gmp", 0.9)
    mine = [row for row in rows["class_distribution"] if (row["objective"], row["pruning"], row["sparsity"]) == wanted]
    assert {row["shared_pies"] for row in mine} == {None}
    table = wide_tables(results, rows)["class_distribution"]
    line = next(row for row in table.rows if row[0].startswith("SupCon / GMP, 90"))
    assert all(cell.endswith("(?)") for cell in line[1:])


def test_tied_pies_are_counted_and_marked() -> None:
    results = CASES["everything"]
    for arm, row in zip(results.arms, frames.pies_rows(results), strict=True):
        columns = arm.columns
        expected = sum(
            columns["is_pie"][i] and (columns["dense_tie"][i] or columns["pruned_tie"][i]) for i in range(40)
        )
        assert row["tied_pies"] == expected
    assert any(tile.is_tie for wall in walls(results) for tile in wall.tiles)


def test_shared_needs_a_sibling() -> None:
    results = CASES["one objective, one sparsity, one model"]
    assert {row["shared_pies"] for row in frames.class_rows(results)} == {None}


def test_the_dense_row_of_depth_takes_pies_of_any_pruned_arm() -> None:
    results = CASES["everything"]
    dense = results.find("supervised", "dense", 0.0)
    assert dense is not None
    union = np.logical_or.reduce([arm.columns["is_pie"] for arm in results.arms if arm.objective == "supervised"])
    row = frames.depth_rows(results)[0]
    assert row["pruning"] == "dense"
    assert row["pie_mean"] == pytest.approx(dense.columns["pruned_depth"][union].mean())


def test_rescued_examples_are_rescued_and_start_at_the_lowest_sparsity() -> None:
    results = CASES["everything"]
    rows = frames.rescued_rows(results)
    assert rows
    assert all(row["label"] == row["pruned_label"] != row["dense_label"] for row in rows)
    assert [row["sparsity"] for row in rows if row["pruning"] == "gmp"] == sorted(
        row["sparsity"] for row in rows if row["pruning"] == "gmp"
    )


def test_the_gallery_says_what_happened_to_each_example() -> None:
    results = CASES["everything"]
    for wall in walls(results):
        for tile in wall.tiles:
            dense, pruned = tile.dense.rsplit(" (", 1)[0], tile.pruned.rsplit(" (", 1)[0]
            expected = "lost" if dense == tile.label else "rescued" if pruned == tile.label else "moved"
            assert tile.kind == expected
            assert dense != pruned


def test_latex_is_text() -> None:
    assert escape_latex("50 % & $x_1$ {\\input{/etc/passwd}} #~^") == (
        r"50 \% \& \$x\_1\$ \{\textbackslash{}input\{/etc/passwd\}\} \#\textasciitilde{}\textasciicircum{}"
    )


def test_figures_are_the_same_bytes_each_time() -> None:
    results = CASES["one objective, one sparsity, one model"]
    first, second = draw_all(results), draw_all(results)
    assert [(figure.svg, figure.pdf) for figure in first] == [(figure.svg, figure.pdf) for figure in second]
