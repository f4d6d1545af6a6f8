"""The paper's tables beside this run's: value, difference, and whether the comparison is a fair one."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from piescope.report.study.frames import Results, Row

QUANTITIES: dict[int, tuple[tuple[str, str], ...]] = {
    1: (("pies", ""), ("accuracy_mean", "accuracy_std")),
    3: (("hooker2019_pies", ""),),
    4: (("q_mean", "q_std"), ("z_mean", "z_std"), ("l1_mean", "l1_std")),
    5: (("q_mean", "q_std"), ("z_mean", "z_std"), ("l1_mean", "l1_std")),
    6: (("pie_mean", "pie_std"), ("non_pie_mean", "non_pie_std")),
}
"""What each of the paper's tables holds, and its spread; Table 3 repeats Table 1 beside counts of Hooker et al."""

NAMES = {
    "pies": "PIEs per 10,000",
    "hooker2019_pies": "PIEs per 10,000 (Hooker et al. 2019)",
    "accuracy_mean": "accuracy, %",
    "q_mean": "Q-Score",
    "z_mean": "Z-Score",
    "l1_mean": "L1 norm",
    "pie_mean": "depth of PIEs",
    "non_pie_mean": "depth of others",
}


@cache
def published() -> dict[str, Any]:
    """The paper's tables as data: conditions and, for tables 1, 3, 4, 5 and 6, caption and rows."""
    path = resources.files("piescope.report.study") / "published" / "corti2022.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def paper_value(table: int, objective: str, pruning: str, sparsity: float, quantity: str) -> float | None:
    """One cell; None where the paper has none.

    Example:
        >>> paper_value(1, "supcon", "gmp", 0.9, "pies")
        748
    """
    for row in published()[f"table{table}"]["rows"]:
        if (row["objective"], row["pruning"], row["sparsity"]) == (objective, pruning, sparsity):
            found: float | None = row.get(quantity)
            return found
    return None


def published_rows(results: Results, rows: dict[str, list[Row]]) -> list[Row]:
    """A row per published number whose arm this run has: both values, their difference, and that in their spreads.

    ``in_spreads``: the difference over sqrt((paper's std^2 + this run's std^2) / 2); empty where one has none (PIEs).
    PIE counts of both are per 10,000 test examples.
    """
    own: dict[tuple[str, str, float], Row] = {}
    for name in ("pies", "q_score", "prediction_depth"):
        for row in rows[name]:
            own.setdefault((row["objective"], row["pruning"], row["sparsity"]), {}).update(row)
    scale = 10_000 / len(results.labels)
    listed = []
    for table, quantities in QUANTITIES.items():
        for row in published()[f"table{table}"]["rows"]:
            arm = (row["objective"], row["pruning"], row["sparsity"])
            if arm not in own:
                continue
            for quantity, spread in quantities:
                if quantity not in row:
                    continue
                here = own[arm]["pies" if quantity == "hooker2019_pies" else quantity]
                if here is not None and quantity in ("pies", "hooker2019_pies"):
                    here = here * scale
                spreads = row.get(spread), own[arm].get(spread)
                listed.append(
                    {
                        "table": table,
                        **dict(zip(("objective", "pruning", "sparsity"), arm, strict=True)),
                        "quantity": NAMES[quantity],
                        "paper": row[quantity],
                        "paper_std": spreads[0],
                        "this_run": here,
                        "this_run_std": spreads[1],
                        **_difference(row[quantity], here, *spreads),
                    }
                )
    return listed


def _difference(paper: float, here: float | None, *spreads: float | None) -> Row:
    if here is None:
        return {"difference": None, "in_spreads": None}
    known = [spread for spread in spreads if spread]
    pooled = float(np.sqrt(np.mean(np.square(known)))) if len(known) == 2 else None
    return {"difference": here - paper, "in_spreads": None if pooled is None else (here - paper) / pooled}


def unfair_because(results: Results) -> list[str]:
    """In what the run's scale is not the paper's; empty where a comparison of numbers is fair.

    The recipe's other departures (rates, augmentation, pruning) are listed on their own.
    """
    conditions, study, data = published()["conditions"], results.study, results.data
    pairs: list[tuple[str, Any, Any]] = [
        ("data set", data["source"], conditions["data"]),
        ("training images", data["train_examples"], conditions["train_examples"]),
        ("test images", data["test_examples"], conditions["test_examples"]),
        ("image height", data["image_shape"][1], conditions["image_size"]),
        ("network", study.model, conditions["model"]),
        ("models an arm", study.models_per_arm, conditions["models"]),
    ]
    for objective, epochs in conditions["epochs"].items():
        for training in study.trainings_of(objective)[:1]:  # of contrastive ones the encoder's
            pairs.append((f"epochs of {objective} training", training.epochs, epochs))
    if study.depth is not None:
        pairs.append(("models of prediction depth", study.depth.models, conditions["depth_models"]))
        if len(results.probe_points) != 16:
            pairs.append(("probes of prediction depth", len(results.probe_points), 16))

    def told(value: Any) -> str:
        return f"{value:,}" if isinstance(value, int) else str(value)

    return [f"{name}: {told(here)} instead of {told(there)}" for name, here, there in pairs if here != there]
