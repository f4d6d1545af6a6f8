"""Made audits of every awkward kind: the content of audit.json as the audit writes it, computed from made predictions."""

from __future__ import annotations

import copy
import html
import io
import math
import re
from typing import Any

import numpy as np
from PIL import Image

from piescope import wording
from piescope.auditing.verdict import verdict_of
from piescope.audits import audit
from piescope.report.audit import headlines
from piescope.report.audit.document import audit_document
from piescope.report.layout import html as set_as_page
from piescope.report.layout.lines import lines
from piescope.report.layout.markdown import markdown
from piescope.store.audit_record import AuditRecord, BudgetRow

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
HARD = [0.05, 0.03, 0.09, 0.14, 0.08, 0.11, 0.04, 0.05, 0.03, 0.04]

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a|b`c`d*e*_f_[g](http://x.example)",
    "line\nbreak\r\n| injected | row |",
    "\x1b[31mred\x1b[0m \u202egnp.exe",
    "猫と犬" * 40,
    "{{ 7 * 7 }} {% raw %}",
    "=cmd()",
    "\ud800 lone",
    "",
]
"""Class names that would break a page, a table or a terminal."""


def predictions(
    seed: int, models: int, examples: int, classes: int, loss: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dense and compressed labels ``[models, examples]`` and true ones; class 3 loses most, to class 5. None: no loss."""
    random = np.random.default_rng(seed)
    truth = np.arange(examples) % classes
    hardness = np.resize(HARD, classes)[truth] * random.gamma(0.6, 1 / 0.6, examples)

    def voted(extra: np.ndarray) -> np.ndarray:
        wrong = random.random((models, examples)) < np.clip(hardness + extra, 0, 0.97)
        other = np.where(random.random(examples) < 0.5, (truth + 2) % classes, random.integers(0, classes, examples))
        return np.where(wrong, other, truth)

    dense = voted(np.zeros(examples))
    if loss is None:
        return dense, dense.copy(), truth
    extra = loss * random.gamma(0.3, 1 / 0.3, examples) * (0.4 + 4.0 * (truth == 3) + 1.2 * (truth == 2))
    other = np.where(random.random(examples) < 0.5, (truth + 2) % classes, random.integers(0, classes, examples))
    compressed = np.where(random.random((models, examples)) < np.minimum(extra, 0.9), other, dense)
    healed = random.random((models, examples)) < 0.015
    return dense, np.where(healed, truth, compressed), truth


def modal(votes: np.ndarray, classes: int) -> np.ndarray:
    """The most frequent label of each example."""
    return np.array([np.bincount(column, minlength=classes).argmax() for column in votes.T])


def _p(lost: int, won: int) -> float:
    total, least = lost + won, min(lost, won)
    if total == 0:
        return 1.0
    tail = sum(math.comb(total, index) for index in range(least + 1))
    return min(1.0, 2.0 * float(tail / 2**total) if total < 900 else 1e-20)


def _adjusted(values: list[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__, reverse=True)
    adjusted, least = [1.0] * len(values), 1.0
    for place, index in enumerate(order):
        least = min(least, values[index] * len(values) / (len(values) - place))
        adjusted[index] = least
    return adjusted


def _change(lost: int, won: int, total: int) -> tuple[float, float, float]:
    value = 100 * (won - lost) / total
    half = 196 * math.sqrt(max(lost + won - (lost - won) ** 2 / total, 1)) / total
    return value, value - half, value + half


def _share(part: int, total: int) -> dict[str, float]:
    value = part / total
    half = 1.96 * math.sqrt(max(value * (1 - value), 1e-9) / total)
    return {"value": 100 * value, "low": max(0.0, 100 * (value - half)), "high": min(100.0, 100 * (value + half))}


def _measures(
    names: list[str], truth: np.ndarray, dense: np.ndarray, compressed: np.ndarray, models: int, probabilities: bool
) -> dict[str, Any]:
    """Of modal labels, with intervals that are roughly right; of several models none."""

    def measured(before: float | None, after: float | None, unit: str, why_not: str = "") -> dict[str, Any]:
        def around(value: float | None) -> list[float] | None:
            return None if value is None or models > 1 else [value - 0.1, value + 0.1]

        change = None if before is None or after is None else after - before
        why_not = why_not or ("several models a side: the mean over models" if models > 1 else "")
        return {
            "dense": before, "dense_interval": around(before), "compressed": after, "compressed_interval": around(after),
            "change": change, "change_interval": around(change), "unit": unit, "why_not": why_not,
        }  # fmt: skip

    def shares(labels: np.ndarray, label: int) -> tuple[float | None, float, float]:
        hits, said, size = (
            int(mask.sum()) for mask in ((labels == truth) & (truth == label), labels == label, truth == label)
        )
        return 100 * hits / said if said else None, 100 * hits / size, 200 * hits / (size + said)

    rows = []
    for label, name in enumerate(names):
        if (truth == label).any():
            both = zip(("precision", "recall", "f1"), shares(dense, label), shares(compressed, label), strict=True)
            rows.append(
                {
                    "class": name,
                    "examples": int((truth == label).sum()),
                    **{key: measured(one, two, "%") for key, one, two in both},
                }
            )
    recalls = [float(np.mean([row["recall"][side] for row in rows])) for side in ("dense", "compressed")]
    overall = {"balanced_accuracy": measured(*recalls, "%"), "mcc": measured(0.9, 0.85, "")}
    overall["roc_auc"] = measured(0.99, 0.98, "") if probabilities else measured(None, None, "", "labels alone")
    return {"positive_class": names[1] if len(names) == 2 else None, "overall": overall, "by_class": rows}


def made(
    *,
    models: int = 1,
    examples: int = 10_000,
    names: list[str] | None = None,
    loss: float | None = 0.02,
    seed: int = 0,
    has_labels: bool = True,
    probabilities: bool = False,
    has_groups: bool = False,
    has_embeddings: bool = False,
    with_budgets: bool = False,
    what_if: tuple[str, ...] = (),
    mark: str = "test-{}",
) -> dict[str, Any]:
    """An audit, consistent in itself."""
    names = NAMES if names is None else names
    classes = len(names)
    dense_votes, compressed_votes, truth = predictions(seed, models, examples, classes, loss)
    dense, compressed = modal(dense_votes, classes), modal(compressed_votes, classes)
    random = np.random.default_rng(seed + 1)
    changed = dense != compressed
    right, still = dense == truth, compressed == truth
    lost, won = right & ~still, ~right & still
    ids = [mark.format(index) for index in range(examples)]

    def row(index: int) -> dict[str, Any]:
        kind = (
            "kept" if not changed[index] else "changed" if not has_labels
            else "lost" if lost[index] else "rescued" if won[index] else "moved"
        )  # fmt: skip
        dense_share = float((dense_votes[:, index] == dense[index]).mean())
        compressed_share = float((compressed_votes[:, index] == compressed[index]).mean())
        before, after = float(random.uniform(0.6, 1)), float(random.uniform(0, 0.4))
        return {
            "id": ids[index], "row": index, "label": names[truth[index]] if has_labels else None,
            "dense": names[dense[index]], "compressed": names[compressed[index]], "kind": kind,
            "harm": before - after if probabilities else 1.0,
            "dense_share": dense_share, "compressed_share": compressed_share,
            "dense_probability": before if probabilities else None,
            "compressed_probability": after if probabilities else None,
            "p_value": None if models == 1 else 0.001, "is_confirmed": models > 1 and bool(index % 3),
        }  # fmt: skip

    class_rows = []
    for label, name in enumerate(names):
        mine = truth == label
        total, of_lost, of_won = int(mine.sum()), int((lost & mine).sum()), int((won & mine).sum())
        value, low, high = _change(of_lost, of_won, total) if total else (None, None, None)
        class_rows.append(
            {
                "class": name, "examples": total if has_labels else None,
                "dense_recall": 100 * float(right[mine].mean()) if total else None,
                "compressed_recall": 100 * float(still[mine].mean()) if total else None,
                "impact": value, "low": low, "high": high, "relative_impact": value,
                "correct_to_wrong": of_lost, "wrong_to_correct": of_won, "changed": int((changed & mine).sum()),
                "p_value": _p(of_lost, of_won) if total else None,
            }
        )  # fmt: skip
    for change, q in zip(class_rows, _adjusted([change["p_value"] or 1.0 for change in class_rows]), strict=True):
        change["q_value"] = None if change["p_value"] is None else q
    class_rows.sort(key=lambda change: 0 if change["impact"] is None else change["impact"])

    groups = []
    if has_groups and has_labels:
        for column, value, share in (("camera", "night", 0.15), ("camera", "day", 0.85), ("region", names[0], 0.02)):
            mine = random.random(examples) < np.where(lost & (value == "night"), 0.45, share)
            total, of_lost, of_won = int(mine.sum()), int((lost & mine).sum()), int((won & mine).sum())
            impact, low, high = _change(of_lost, of_won, max(total, 1))
            groups.append(
                {
                    "column": column, "value": value, "examples": total,
                    "dense_accuracy": 100 * float(right[mine].mean()), "compressed_accuracy": 100 * float(still[mine].mean()),
                    "impact": impact, "low": low, "high": high, "correct_to_wrong": of_lost, "wrong_to_correct": of_won,
                    "p_value": _p(of_lost, of_won), "q_value": min(1.0, 3 * _p(of_lost, of_won)),
                }
            )  # fmt: skip
        groups.sort(key=lambda change: change["impact"])

    confusions = []
    for one in range(classes if has_labels and classes < 50 else 0):
        for other in range(classes):
            before, after = (truth == one) & (dense == other), (truth == one) & (compressed == other)
            if one != other and after.sum() > before.sum():
                moved_in, moved_out = int((after & ~before).sum()), int((before & ~after).sum())
                confusions.append(
                    {
                        "class": names[one], "predicted": names[other], "dense": int(before.sum()), "compressed": int(after.sum()),
                        "growth": int(after.sum() - before.sum()), "moved_in": moved_in, "moved_out": moved_out,
                        "p_value": _p(moved_in, moved_out), "q_value": min(1.0, 40 * _p(moved_in, moved_out)),
                        "examples": [ids[index] for index in np.flatnonzero(after & ~before)[:12]],
                    }
                )  # fmt: skip
    confusions.sort(key=lambda cell: -cell["growth"])

    n_lost, n_won, n_changed = int(lost.sum()), int(won.sum()), int(changed.sum())
    change, low, high = _change(n_lost, n_won, examples)
    before, after = _share(int(right.sum()), examples), _share(int(still.sum()), examples)
    harmed = np.flatnonzero(lost if has_labels else changed)[:100]
    suspects = np.flatnonzero(~right)[:7]
    content: dict[str, Any] = {
        "format_version": 2,
        "piescope": "0.1.0",
        "n_examples": examples,
        "is_population": models > 1,
        "comparison": "vote against vote" if models > 1 else "one against one",
        "made_with": {
            "date": "2026-11-28", "processor": "A <processor>",
            "libraries": {"numpy": "2.4.0", "pyarrow": "22.0.0", "torch": "2.13.0"},
        },
        "inputs": {
            "dense": {
                "name": "dense.csv", "values": "probabilities" if probabilities else "labels", "n_models": models,
                "models": [f"model {index}" for index in range(models)], "told": [f"one column a model ({models})"],
            },
            "compressed": {
                "name": "pruned-90.csv", "values": "probabilities" if probabilities else "labels", "n_models": models,
                "models": [f"model {index}" for index in range(models)], "told": [f"one column a model ({models})", "separator ;"],
            },
            "labels": {"name": "labels.csv", "told": ["column label"]} if has_labels else None,
            "metadata": {"name": "meta.parquet", "columns": ["camera", "region"]} if has_groups else None,
            "data": None,
            "matched_by": "id",
            "left_out": {"dense": 0, "compressed": 3, "labels": 12},
            "notes": ["pruned-90.csv: 3 examples are in no other file"],
            "files": [
                {"role": role, "name": name, "bytes": 1000, "sha256": f"{place}123456789abcdef" * 4}
                for place, (role, name) in enumerate({"dense": "dense.csv", "compressed": "pruned-90.csv"}.items())
            ],
        },
        "warnings": [],
        "measures": _measures(names, truth, dense, compressed, models, probabilities) if has_labels else None,
        "class_names": list(names),
        "accuracy": {
            "dense": before["value"], "dense_interval": [before["low"], before["high"]],
            "compressed": after["value"], "compressed_interval": [after["low"], after["high"]],
            "change": change, "change_interval": [low, high],
            "change_error": abs(high - low) / 4 if models > 1 else None, "change_freedom": 1e6 if models > 1 else None,
            "change_p": None, "interval_over": "models and examples" if models > 1 else "examples",
            "dense_modal": before["value"], "compressed_modal": after["value"],
        } if has_labels else None,
        "flips": {
            "correct_to_wrong": n_lost, "wrong_to_correct": n_won, "wrong_to_wrong": int((changed & ~lost & ~won).sum()),
            "mcnemar_p": _p(n_lost, n_won), "correct_to_wrong_share": _share(n_lost, examples),
        } if has_labels else None,
        "changed": n_changed,
        "changed_share": _share(n_changed, examples),
        "pies": n_changed,
        "seeds": None,
        "confidence": {"accuracy": 95.0, "classes": 99.5, "groups": 95.0},
        "confirmed": {
            "pies": n_changed // 3 if models > 1 else None, "alpha": 0.05, "smallest_p": 1e-3,
            "why_not": "" if models > 1 else "one model a side: no example's votes can be compared",
        },
        "noise": {
            "observed": float(n_changed), "floor": 0.8 * n_changed, "excess": 0.2 * n_changed, "low": 0.1 * n_changed,
            "high": 0.3 * n_changed, "group_sizes": [models, models], "examples": examples, "why_not": "",
        } if models > 1 else None,
        "classes": class_rows if has_labels else [],
        "groups": groups,
        "confusions": confusions[:20],
        "calibration": _calibration(has_labels, examples, random) if probabilities else None,
        "harmed": sorted((row(int(index)) for index in harmed), key=lambda example: -example["harm"]),
        "label_errors": {
            "count": len(suspects) if has_labels else None, "why_not": "" if has_labels else "no true labels were given",
            "rule": "The dense model sees another class, with a probability of at least 0.85.",
            "examples": [row(int(index)) for index in suspects] if has_labels else [],
        },
        "embeddings": {
            "dims": [128, 128], "examples": examples, "cka": 0.973, "neighbourhood_overlap": 0.712, "knn_agreement": 97.1, "k": 30,
            "knn_accuracy": {"dense": 90.8, "compressed": 89.4} if has_labels else None,
            "q_score": {
                "dense": {"q": 0.41, "z": 4.9, "l1": 9.1, "degenerate": 0}, "compressed": {"q": 0.36, "z": 4.5, "l1": 9.6, "degenerate": 2},
                "changed": {"dense_q": 0.33, "compressed_q": 0.29}, "other": {"dense_q": 0.42, "compressed_q": 0.37},
            },
            "prediction_depth": {
                "layers": 5, "dense": 2.1, "compressed": 2.4,
                "changed": {"dense": 3.9, "compressed": 4.2}, "other": {"dense": 2.0, "compressed": 2.3},
            },
        } if has_embeddings else None,
        "what_if": [],
        "budgets": [],
    }  # fmt: skip
    if what_if:
        content["what_if"] = _what_if(what_if, before["value"], examples)
    if with_budgets:
        content["budgets"] = _budgets(content)
    content["verdict"] = verdict_of(AuditRecord.of(content)).model_dump(mode="json")
    return content


def _calibration(has_labels: bool, examples: int, random: np.random.Generator) -> dict[str, Any]:
    def of(bias: float, confidence: float) -> dict[str, Any]:
        rows = []
        for index in range(15):
            middle = (index + 0.5) / 15 * 100
            few = index < 2
            rows.append(
                {
                    "low": index / 15, "high": (index + 1) / 15,
                    "examples": 0.0 if few else examples * (0.01 if index < 14 else 0.87),
                    "confidence": None if few else middle,
                    "accuracy": None if few or not has_labels else float(np.clip(middle - bias + random.normal(0, 3), 0, 100)),
                }
            )  # fmt: skip
        return {
            "ece": abs(bias) / 2 if has_labels else None, "confidence": confidence,
            "true_probability": 88.0 if has_labels else None, "bins": rows,
        }  # fmt: skip

    heights = [3, 4, 3, 6, 8, 12, 21, 44, 160, 4100, 5400, 120, 48, 30, 20, 9, 6, 4, 1, 1]
    return {
        "dense": of(4.0, 93.1),
        "compressed": of(9.0, 92.2),
        "ece_change": 2.5 if has_labels else None,
        "confidence_change": -0.9,
        "shift": [
            {"low": -100 + 10 * index, "high": -90 + 10 * index, "examples": height * examples // 10_000}
            for index, height in enumerate(heights)
        ],
    }


def _what_if(copies: tuple[str, ...], before: float, examples: int) -> list[dict[str, Any]]:
    rows = []
    for copy_name in copies:
        method, _, amount_text = copy_name.partition(" ")
        amount = float(amount_text) if amount_text else None
        change = -0.3 if amount is None else -0.2 - 30 * max(0.0, amount - 0.45) ** 2 * (4 if method == "random" else 1)
        change = max(change, -before + 10)
        half = 0.25 + abs(change) / 20
        broken = [] if change > -1 else ["max_flips"] if change > -4 else ["max_flips", "max_class_drop"]
        rows.append(
            {
                "name": copy_name, "method": method, "amount": amount, "accuracy": before + change,
                "low": before + change - 0.6, "high": before + change + 0.6, "change": change,
                "change_low": change - half, "change_high": change + half,
                "correct_to_wrong": int(-change * examples / 80), "wrong_to_correct": int(-change * examples / 400),
                "changed": int(-change * examples / 60), "lost_classes": ["cat", "bird"] if change < -2 else [],
                "worst_class": "cat", "worst_impact": 3 * change, "realised_sparsity": amount,
                "folder": copy_name.replace(" ", "-"), "broken": broken,
                "verdict": "harm shown" if change < -2 else "too few to tell", "lost_groups": [],
                "class_bound": 2 * change - 1, "class_limit": 3.0, "near_limit": ["cat", "dog"], "n_classes": 10,
                "smallest_class": examples // 10, "bytes_before": 1_000_000, "bytes_after": 1_000_000,
                "zipped_before": 900_000, "zipped_after": 500_000,
            }
        )  # fmt: skip
    return rows


def _budgets(content: dict[str, Any]) -> list[dict[str, Any]]:
    def row(
        budget: str, limit: object, value: float, low: float, high: float, unit: str, verdict: str, of: str = ""
    ) -> dict[str, Any]:
        reason = {
            "kept": "the upper bound is within the limit",
            "broken": "the observed value is above the limit",
            "undecided": f"{content['n_examples']:,} examples are too few to tell: about 14,000 would do",
        }[verdict]
        return {
            "budget": budget, "limit": limit, "observed": value, "low": low, "high": high, "unit": unit,
            "verdict": verdict, "reason": reason, "of": of,
        }  # fmt: skip

    if content["what_if"]:
        return [
            row(
                "max_flips",
                "2%",
                copy_row["correct_to_wrong"] / 100,
                0.0,
                5.0,
                "%",
                "broken" if copy_row["broken"] else "kept",
                copy_row["name"],
            )
            for copy_row in content["what_if"]
        ]
    return [
        row("max_flips", "2%", 2.1, 1.8, 2.4, "%", "broken"),
        row("max_class_drop", 3, -9.0, -11.2, -6.8, "points", "broken"),
        row("max_changed", 400, 320, 288.4, 355.2, "examples", "kept"),
        row("equivalent_within", 2, -1.3, -1.7, -0.9, "points", "undecided"),
    ]


def nothing() -> dict[str, Any]:
    """An audit where everything that may be missing is."""
    content = made(examples=40, has_labels=False)
    content.update(
        accuracy=None, flips=None, noise=None, classes=[], groups=[], confusions=[], calibration=None, harmed=[],
        embeddings=None, what_if=[], budgets=[], changed=0, pies=0,
        changed_share={"value": None, "low": None, "high": None},
        confirmed={"pies": None, "alpha": 0.05, "smallest_p": None, "why_not": ""},
        label_errors={"count": None, "why_not": "", "rule": "", "examples": []},
    )  # fmt: skip
    content["inputs"].update(labels=None, metadata=None, data=None, notes=[])
    content["verdict"] = verdict_of(AuditRecord.of(content)).model_dump(mode="json")
    return content


def without_numbers(content: Any, random: np.random.Generator, share: float) -> Any:
    """A copy in which this share of the numbers that may be missing are None.

    What is no number that may be missing in `piescope.store.audit_record` is always known.
    """
    known = {
        "n_examples",
        "changed",
        "pies",
        "n_models",
        "row",
        "format_version",
        "dims",
        "k",
        "layers",
        "shift",
        "left_out",
        "alpha",
        "confidence",
        "verdict",
        "n_classes",
        "class_limit",
        "limit",
        "group_sizes",
    }

    def of(key: str, value: Any) -> Any:
        if key in known:
            return copy.deepcopy(value)
        if isinstance(value, dict):
            return {inner: of(inner, part) for inner, part in value.items()}
        if isinstance(value, list):
            if key.endswith("_interval"):
                return None if random.random() < share else list(value)
            return [of(key, part) for part in value]
        if key in ("low", "high", "examples") and isinstance(value, (int, float)) and share < 1:
            return None if random.random() < share else value
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return None if is_number and random.random() < share else value

    return {key: of(key, value) for key, value in content.items()}


CASES: dict[str, dict[str, Any]] = {
    "labels": made(),
    "probabilities": made(probabilities=True, with_budgets=True, has_groups=True),
    "population": made(models=6, examples=2_000, probabilities=True, has_groups=True, has_embeddings=True, loss=0.04),
    "population of labels": made(models=3, examples=600),
    "no true labels": made(has_labels=False, probabilities=True, examples=500, has_embeddings=True),
    "no true labels, labels only": made(has_labels=False, examples=500),
    "identical": made(examples=300, loss=None, seed=3),
    "few": made(examples=12, names=["yes", "no"], seed=5),
    "many classes": made(examples=20_000, names=[f"class {index}" for index in range(1_000)]),
    "what-if": made(
        probabilities=True, with_budgets=True,
        what_if=("magnitude 0.5", "magnitude 0.7", "magnitude 0.9", "random 0.5", "random 0.7", "random 0.9"),
    ),
    "what-if without budgets": made(what_if=("magnitude 0.5", "magnitude 0.6", "int8", "2:4")),
    "hostile": made(
        models=3, examples=400, names=HOSTILE, probabilities=True, has_groups=True, has_embeddings=True, with_budgets=True,
        mark="<script>alert({})</script>|`x`\n",
    ),
    "nothing": nothing(),
}  # fmt: skip


def picture(seed: int, side: int = 32) -> bytes:
    """A PNG."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, format="PNG")
    return sink.getvalue()


def pictures(content: dict[str, Any], most: int = 60) -> dict[str, bytes]:
    """PNGs of the first of the examples that the page shows."""
    rows = [*content["harmed"], *content["label_errors"]["examples"]]
    ids = [row["id"] for row in rows] + [name for row in content["confusions"] for name in row["examples"]]
    return {example_id: picture(index) for index, example_id in enumerate(dict.fromkeys(ids[:most]))}


Counts = list[tuple[int, int, int, int]]
"""Of each class: examples right on both sides, lost, won back, wrong on both."""


def from_counts(classes: Counts, **more: Any) -> dict[str, Any]:
    """The audit of one model a side with these counts; a wrong answer is the next class."""
    truth, dense, compressed = [], [], []
    many = max(2, len(classes))
    for label, (both, lost, won, neither) in enumerate(classes):
        wrong = (label + 1) % many
        truth += [label] * (both + lost + won + neither)
        dense += [label] * (both + lost) + [wrong] * (won + neither)
        compressed += [label] * both + [wrong] * lost + [label] * won + [wrong] * neither
    names = [f"c{label}" for label in range(many)]
    return audit(np.array(dense), np.array(compressed), labels=np.array(truth), classes=names, **more).content


def budgets_of(content: dict[str, Any]) -> tuple[BudgetRow, ...]:
    """The rows of its budgets."""
    return AuditRecord.of(content).budgets


def page(content: dict[str, Any], images: dict[str, bytes] | None = None) -> str:
    """Its report.html."""
    return set_as_page.page(audit_document(AuditRecord.of(content), images)).decode()


def short(content: dict[str, Any]) -> str:
    """Its audit.md."""
    return markdown(audit_document(AuditRecord.of(content)))


def printed(content: dict[str, Any], width: int) -> list[str]:
    """What the terminal says."""
    return lines(audit_document(AuditRecord.of(content)), width)


def text_of(written: str) -> str:
    """What a reader of a page reads."""
    body = written.split("</style>")[1]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


def headline(content: dict[str, Any]) -> list[str]:
    """Of numbers as they are now: the verdict is taken anew."""
    content["verdict"] = verdict_of(AuditRecord.of(content)).model_dump(mode="json")
    return [sentence.replace(wording.SPACE, " ") for sentence in headlines.headline(AuditRecord.of(content))]


def headline_text(content: dict[str, Any]) -> str:
    """The headline's sentences as one text."""
    return " ".join(headline(content))
