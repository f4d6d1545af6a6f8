"""From what was counted to the answers of audit.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

import piescope
from piescope.auditing.tally import SHIFT_BINS, Audited, Tallied
from piescope.measure.accuracy import Estimates, RightSums
from piescope.measure.flips import adjusted_p_values, mcnemar_p, share_interval

FORMAT_VERSION = 1
FALSE_DISCOVERIES = 0.05
MOST_CELLS = 20


def number(value: Any) -> float | None:
    """A float for JSON; NaN and infinity are None."""
    found = float(value)
    return found if np.isfinite(found) else None


def counts(audited: Audited, tallied: Tallied) -> dict[str, Any]:
    """The answers that need no example by example: accuracy, flips, PIEs, classes, groups, confusions, calibration."""
    return {
        "format_version": FORMAT_VERSION,
        "piescope": piescope.__version__,
        "n_examples": tallied.examples,
        "is_population": audited.is_population,
        "class_names": list(audited.classes.names),
        "accuracy": _accuracy(audited, tallied),
        "flips": _flips(tallied),
        "changed": tallied.changed,
        "changed_share": _share(tallied.changed, tallied.examples),
        "pies": tallied.changed,
        "noise": noise(audited, tallied),
        "classes": _classes(audited, tallied),
        "groups": _groups(audited, tallied),
        "confusions": _confusions(audited, tallied),
        "calibration": _calibration(audited, tallied),
    }


def _share(count: int, total: int) -> dict[str, float | None]:
    low, high = share_interval(np.array(count), np.array(total))
    return {"value": number(100 * count / total), "low": number(low), "high": number(high)}


def _accuracy(audited: Audited, tallied: Tallied) -> dict[str, Any] | None:
    if tallied.right is None:
        return None
    whole = tallied.right.whole()
    dense, compressed, change = whole.accuracy("dense"), whole.accuracy("compressed"), whole.change()

    def ends(found: Estimates) -> list[float | None]:
        return [number(found.low[0]), number(found.high[0])]

    return {
        "dense": number(dense.value[0]),
        "dense_interval": ends(dense),
        "compressed": number(compressed.value[0]),
        "compressed_interval": ends(compressed),
        "change": number(change.value[0]),
        "change_interval": ends(change),
        "interval_over": "pairs of models and examples"
        if audited.has_pairs
        else "models and examples"
        if audited.is_population
        else "examples",
        "dense_modal": 100 * tallied.modal_right[0] / tallied.examples,
        "compressed_modal": 100 * tallied.modal_right[1] / tallied.examples,
    }


def _flips(tallied: Tallied) -> dict[str, Any] | None:
    if tallied.right is None:
        return None
    lost, rescued = tallied.flips["lost"], tallied.flips["rescued"]
    return {
        "correct_to_wrong": lost,
        "wrong_to_correct": rescued,
        "wrong_to_wrong": tallied.flips["moved"],
        "mcnemar_p": float(mcnemar_p(np.array(lost), np.array(rescued))),
        "correct_to_wrong_share": _share(lost, tallied.examples),
    }


def confirmed(audited: Audited, tallied: Tallied) -> tuple[dict[str, Any], float]:
    """How many PIEs are more than chance, and the largest p-value that counts as such (-1: none does)."""
    content: dict[str, Any] = {"pies": None, "alpha": FALSE_DISCOVERIES, "smallest_p": None, "why_not": ""}
    if not audited.is_population:
        content["why_not"] = (
            "one model on a side: nothing here tells a change by compression from a change by another seed; "
            "train or compress several and give them all"
        )
        return content, -1.0
    from piescope.measure.significance import smallest_p_value

    content["smallest_p"] = smallest_p_value(len(audited.dense.models), len(audited.compressed.models))
    largest = _largest_confirmed(tallied.p_values, tallied.examples)
    content["pies"] = sum(count for p_value, count in tallied.p_values.items() if p_value <= largest)
    if content["smallest_p"] > FALSE_DISCOVERIES:
        content["why_not"] = "too few models: no vote could be clear enough"
    return content, largest


def _largest_confirmed(p_values: Counter[float], examples: int) -> float:
    """Benjamini and Hochberg over all examples; those whose label did not change count as p = 1."""
    rank, largest = 0, -1.0
    for p_value in sorted(p_values):
        rank += p_values[p_value]
        if p_value * examples / rank <= FALSE_DISCOVERIES:
            largest = p_value
    return largest


def noise(audited: Audited, tallied: Tallied) -> dict[str, Any] | None:
    """How many PIEs two groups of dense models have, and how many more there are; None: it cannot be told."""
    if not tallied.sample[0]:
        return None
    from piescope.measure.noise_floor import NoiseFloor

    dense, compressed = (np.concatenate(side, axis=1) for side in tallied.sample)
    paired = audited.is_paired and len(compressed) <= len(dense)
    floor = NoiseFloor(dense, audited.classes.count, audited.seed).under(
        compressed, "descended" if paired else "independent"
    )
    scale = tallied.examples / dense.shape[1]
    return {
        "observed": scale * floor.observed.value,
        "floor": scale * floor.floor.value,
        "excess": scale * floor.excess.value,
        "low": number(scale * floor.excess.low),
        "high": number(scale * floor.excess.high),
        "group_sizes": list(floor.sizes),
        "examples": dense.shape[1],
        "paired": paired,
        "why_not": "",
    }


def _rows(names: Sequence[str], sums: RightSums, flips: np.ndarray, column: str) -> list[dict[str, Any]]:
    """A row a class or group, worst first; those without examples last."""
    before, after, change = sums.accuracy("dense"), sums.accuracy("compressed"), sums.change()
    q_values = adjusted_p_values(change.p_value)
    order = sorted(
        range(len(names)), key=lambda place: (sums.sizes[place] == 0, np.nan_to_num(change.value[place]), place)
    )
    return [
        {
            column: names[place],
            "examples": int(sums.sizes[place]),
            "before": number(before.value[place]),
            "after": number(after.value[place]),
            "impact": number(change.value[place]),
            "low": number(change.low[place]),
            "high": number(change.high[place]),
            "correct_to_wrong": int(flips[place, 0]),
            "wrong_to_correct": int(flips[place, 1]),
            "p_value": number(change.p_value[place]),
            "q_value": number(q_values[place]),
            "_place": place,
        }
        for place in order
    ]


def _classes(audited: Audited, tallied: Tallied) -> list[dict[str, Any]]:
    if tallied.right is None or tallied.class_flips is None:
        return []
    mean = float(tallied.right.whole().change().value[0])
    rows = _rows(audited.classes.names, tallied.right, tallied.class_flips, "class")
    return [
        {
            "class": row["class"],
            "examples": row["examples"],
            "dense_recall": row["before"],
            "compressed_recall": row["after"],
            "impact": row["impact"],
            "low": row["low"],
            "high": row["high"],
            "relative_impact": None if row["impact"] is None else row["impact"] - mean,
            "correct_to_wrong": row["correct_to_wrong"],
            "wrong_to_correct": row["wrong_to_correct"],
            "changed": int(tallied.class_flips[row["_place"], 2]),
            "p_value": row["p_value"],
            "q_value": row["q_value"],
        }
        for row in rows
    ]


def _groups(audited: Audited, tallied: Tallied) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for group, sums, flips in zip(audited.groups, tallied.groups, tallied.group_flips, strict=True):
        for row in _rows(group.values, sums, flips, "value"):
            if row["examples"]:
                rows.append(
                    {
                        "column": group.column,
                        "value": row["value"],
                        "examples": row["examples"],
                        "dense_accuracy": row["before"],
                        "compressed_accuracy": row["after"],
                        **{
                            key: row[key]
                            for key in ("impact", "low", "high", "correct_to_wrong", "wrong_to_correct", "p_value")
                        },
                    }
                )
    p_values = np.array([np.nan if row["p_value"] is None else row["p_value"] for row in rows], np.float64)
    for row, q_value in zip(rows, adjusted_p_values(p_values), strict=True):  # over all groups of all columns
        row["q_value"] = number(q_value)
    return sorted(rows, key=lambda row: (row["impact"], row["column"], row["value"]))


def _confusions(audited: Audited, tallied: Tallied) -> list[dict[str, Any]]:
    """Cells off the diagonal that grew; p by McNemar: examples that moved in against those that moved out."""
    moved_in: Counter[tuple[int, int]] = Counter()
    moved_out: Counter[tuple[int, int]] = Counter()
    for (true, dense, compressed), count in tallied.moved.items():
        moved_in[true, compressed] += count
        moved_out[true, dense] += count
    cells = sorted(cell for cell in {*moved_in, *moved_out} if cell[0] != cell[1])
    gained, left = (np.array([side[cell] for cell in cells], np.int64) for side in (moved_in, moved_out))
    p_values = np.asarray(mcnemar_p(gained, left), np.float64)
    q_values = adjusted_p_values(p_values)
    names = audited.classes.names
    rows: list[dict[str, Any]] = [
        {
            "class": names[true],
            "predicted": names[predicted],
            "dense": tallied.cells[true, predicted],
            "compressed": tallied.cells[true, predicted] + int(gained[place] - left[place]),
            "growth": int(gained[place] - left[place]),
            "moved_in": int(gained[place]),
            "moved_out": int(left[place]),
            "p_value": number(p_values[place]),
            "q_value": number(q_values[place]),
            "examples": [],
            "_cell": (true, predicted),
        }
        for place, (true, predicted) in enumerate(cells)
        if gained[place] > left[place]
    ]
    return sorted(rows, key=lambda row: (-row["growth"], row["p_value"], row["_cell"]))[:MOST_CELLS]


def _calibration(audited: Audited, tallied: Tallied) -> dict[str, Any] | None:
    if not tallied.calibration:
        return None
    sides = {}
    for place, name in enumerate(("dense", "compressed")):
        sums = tallied.calibration[place]
        sides[name] = {
            "ece": sums.ece,
            "confidence": 100 * tallied.confidence[place] / tallied.examples,
            "true_probability": 100 * tallied.true_probability[place] / tallied.examples,
            "bins": sums.bins,
        }
    width = 200 / SHIFT_BINS
    return {
        **sides,
        "ece_change": sides["compressed"]["ece"] - sides["dense"]["ece"],  # type: ignore[operator]
        "confidence_change": sides["compressed"]["confidence"] - sides["dense"]["confidence"],  # type: ignore[operator]
        "shift": [
            {"low": -100 + width * place, "high": -100 + width * (place + 1), "examples": int(count)}
            for place, count in enumerate(tallied.shift)
        ],
    }
