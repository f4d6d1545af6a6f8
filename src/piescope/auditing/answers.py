"""From what was counted to the answers of audit.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

import piescope
from piescope.auditing.tally import SHIFT_BINS, Audited, Tallied
from piescope.measure.accuracy import Estimates, RightSums
from piescope.measure.flips import adjusted_p_values, mcnemar_p, selected_level, share_interval
from piescope.measure.intervals import CONFIDENCE
from piescope.measure.one_to_one import FEWEST, FlipSums

FORMAT_VERSION = 2
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
        "comparison": audited.comparison,
        "class_names": list(audited.classes.names),
        "accuracy": _accuracy(audited, tallied),
        "flips": _flips(tallied),
        "changed": _changed(tallied),
        "changed_share": _changed_share(tallied),
        "pies": _changed(tallied),
        "seeds": _seeds(audited, tallied),
        "noise": noise(audited, tallied),
        "confidence": {"accuracy": 100 * CONFIDENCE, **_confidences(tallied)},
        "classes": _classes(audited, tallied),
        "groups": _groups(audited, tallied),
        "confusions": _confusions(audited, tallied),
        "calibration": _calibration(audited, tallied),
    }


def _share(count: int, total: int) -> dict[str, float | None]:
    low, high = share_interval(np.array(count), np.array(total))
    return {"value": number(100 * count / total), "low": number(low), "high": number(high)}


def _changed(tallied: Tallied) -> float:
    return tallied.changed if tallied.one_to_one is None else tallied.one_to_one.changed.observed


def _changed_share(tallied: Tallied) -> dict[str, float | None]:
    if tallied.one_to_one is None:
        return _share(tallied.changed, tallied.examples)
    return _mean_share(tallied.one_to_one.changed, tallied.one_to_one.changed_alone)


def _mean_share(sums: FlipSums, alone: RightSums | None) -> dict[str, float | None]:
    """Of a mean over pairs; with one dense model an interval over compressed models and examples."""
    value = 100 * sums.observed / sums.examples
    if (
        alone is None
    ):  # how far it is from what seeds do is told by the excess over these, not by an interval of its own
        return {"value": value, "low": None, "high": None, "error": None, "freedom": None}
    found = alone.accuracy("compressed")
    parts = (("low", found.low), ("high", found.high), ("error", found.error), ("freedom", found.freedom))
    return {"value": value, **{name: number(values[0]) for name, values in parts}}


def _accuracy(audited: Audited, tallied: Tallied) -> dict[str, Any] | None:
    if tallied.right is None:
        return None
    whole = tallied.right.whole()
    dense, compressed, change = whole.accuracy("dense"), whole.accuracy("compressed"), whole.change()

    def ends(found: Estimates, least: float = 0.0) -> list[float | None]:
        """An interval within what the number can be: t-intervals of two models reach far beyond."""
        return [number(np.clip(found.low[0], least, 100)), number(np.clip(found.high[0], least, 100))]

    return {
        "dense": number(dense.value[0]),
        "dense_interval": ends(dense),
        "compressed": number(compressed.value[0]),
        "compressed_interval": ends(compressed),
        "change": number(change.value[0]),
        "change_interval": ends(change, -100.0),
        "change_error": number(change.error[0]),
        "change_freedom": number(change.freedom[0]),
        "change_p": number(change.p_value[0]),
        "interval_over": _interval_over(audited),
        "dense_modal": 100 * tallied.modal_right[0] / tallied.examples,
        "compressed_modal": 100 * tallied.modal_right[1] / tallied.examples,
    }


def _interval_over(audited: Audited) -> str:
    if audited.has_pairs:
        return "pairs of models and examples"
    if audited.is_population:
        return "models and examples"
    return "examples" if audited.comparison == "one against one" else "a further run and examples"


def _flips(tallied: Tallied) -> dict[str, Any] | None:
    if tallied.right is None:
        return None
    if tallied.one_to_one is not None and tallied.one_to_one.lost is not None:
        return _mean_flips(
            tallied.right.whole(), tallied.one_to_one.changed, tallied.one_to_one.lost, tallied.one_to_one.lost_alone
        )
    lost, rescued = tallied.flips["lost"], tallied.flips["rescued"]
    return {
        "correct_to_wrong": lost,
        "wrong_to_correct": rescued,
        "wrong_to_wrong": tallied.flips["moved"],
        "mcnemar_p": float(mcnemar_p(np.array(lost), np.array(rescued))),
        "correct_to_wrong_share": _share(lost, tallied.examples),
    }


def _mean_flips(whole: RightSums, changed: FlipSums, losses: FlipSums, alone: RightSums | None) -> dict[str, Any]:
    lost, won = float(whole.lost[0]), float(whole.gained[0])
    return {
        "correct_to_wrong": _tidy(lost),
        "wrong_to_correct": _tidy(won),
        "wrong_to_wrong": _tidy(max(0.0, changed.observed - lost - won)),
        "mcnemar_p": None,
        "correct_to_wrong_share": _mean_share(losses, alone),
    }


def _tidy(count: float) -> float:
    """A mean of counts without what is left of rounding."""
    return round(count, 9)


def _seeds(audited: Audited, tallied: Tallied) -> dict[str, Any] | None:
    """What seeds alone do: flips among the models of one side; None where both sides have equally many models."""
    if tallied.one_to_one is None:
        return None
    side = audited.dense if len(audited.dense.models) > 1 else audited.compressed
    models = len(side.models)
    return {
        "side": side.name,
        "n_models": models,
        "changed": _excess(tallied.one_to_one.changed),
        "correct_to_wrong": None if tallied.one_to_one.lost is None else _excess(tallied.one_to_one.lost),
        "why_not": "" if models >= FEWEST else "two models cannot tell how much the flips of seeds vary; three can",
    }


def _excess(sums: FlipSums) -> dict[str, float | None]:
    found = sums.excess()
    return {
        "observed": _tidy(found.observed),
        "floor": _tidy(found.floor),
        "excess": _tidy(found.value),
        "low": number(found.low),
        "high": number(found.high),
        "error": number(found.error),
        "freedom": number(found.freedom),
        "p_value": number(found.p_value),
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


def _confidences(tallied: Tallied) -> dict[str, float]:
    """Of the intervals of classes and groups, percent: as many may miss as tests may be false (false coverage)."""
    of_classes = np.zeros(0) if tallied.right is None else tallied.right.change_p
    return {
        "classes": 100 * (1 - selected_level(of_classes, FALSE_DISCOVERIES)),
        "groups": 100 * (1 - selected_level(_group_p_values(tallied), FALSE_DISCOVERIES)),
    }


def _group_p_values(tallied: Tallied) -> np.ndarray:
    """Of all groups of all columns."""
    return np.concatenate([np.zeros(0), *(sums.change_p for sums in tallied.groups)])


def _rows(
    names: Sequence[str], sums: RightSums, flips: np.ndarray, q_values: np.ndarray, level: float, column: str
) -> list[dict[str, Any]]:
    """A row a class or group, worst first; those without examples last."""
    before, after, change = sums.accuracy("dense"), sums.accuracy("compressed"), sums.change(1 - level)
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
            "error": number(change.error[place]),
            "freedom": number(change.freedom[place]),
            "correct_to_wrong": _count(flips[place, 0]),
            "wrong_to_correct": _count(flips[place, 1]),
            "p_value": number(change.p_value[place]),
            "q_value": number(q_values[place]),
            "_place": place,
        }
        for place in order
    ]


def _count(value: Any) -> float:
    """A count as it is; a mean over pairs of models without what is left of rounding."""
    return int(value) if np.issubdtype(type(value), np.integer) else _tidy(float(value))


def _row_flips(tallied: Tallied, sums: RightSums, of_modal: np.ndarray) -> np.ndarray:
    """``[rows, 2]`` lost and won back: by modal label, or as means over pairs of models."""
    return of_modal if tallied.one_to_one is None else np.stack([sums.lost, sums.gained], axis=1)


def _classes(audited: Audited, tallied: Tallied) -> list[dict[str, Any]]:
    if tallied.right is None or tallied.class_flips is None:
        return []
    mean = float(tallied.right.whole().change().value[0])
    p_values = tallied.right.change_p
    changed = tallied.class_flips[:, 2] if tallied.one_to_one is None else tallied.one_to_one.class_changed
    assert changed is not None
    rows = _rows(
        audited.classes.names,
        tallied.right,
        _row_flips(tallied, tallied.right, tallied.class_flips),
        adjusted_p_values(p_values),
        selected_level(p_values, FALSE_DISCOVERIES),
        "class",
    )
    return [
        {
            "class": row["class"],
            "examples": row["examples"],
            "dense_recall": row["before"],
            "compressed_recall": row["after"],
            "impact": row["impact"],
            "low": row["low"],
            "high": row["high"],
            "error": row["error"],
            "freedom": row["freedom"],
            "relative_impact": None if row["impact"] is None else row["impact"] - mean,
            "correct_to_wrong": row["correct_to_wrong"],
            "wrong_to_correct": row["wrong_to_correct"],
            "changed": _count(changed[row["_place"]]),
            "p_value": row["p_value"],
            "q_value": row["q_value"],
        }
        for row in rows
    ]


def _groups(audited: Audited, tallied: Tallied) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    p_values = _group_p_values(tallied)
    q_values, level = adjusted_p_values(p_values), selected_level(p_values, FALSE_DISCOVERIES)
    start = 0
    for group, sums, flips in zip(audited.groups, tallied.groups, tallied.group_flips, strict=True):
        mine = q_values[start : start + len(group.values)]
        start += len(group.values)
        for row in _rows(group.values, sums, _row_flips(tallied, sums, flips), mine, level, "value"):
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
                            for key in (
                                *("impact", "low", "high", "error", "freedom"),
                                *("correct_to_wrong", "wrong_to_correct", "p_value", "q_value"),
                            )
                        },
                    }
                )
    return sorted(rows, key=lambda row: (row["impact"], row["column"], row["value"]))


def _confusions(audited: Audited, tallied: Tallied) -> list[dict[str, Any]]:
    """Cells off the diagonal that grew; p by McNemar: examples that moved in against those that moved out."""
    if tallied.one_to_one is not None:
        return _confusions_of_pairs(audited, tallied)
    moved_in: Counter[tuple[int, int]] = Counter()
    moved_out: Counter[tuple[int, int]] = Counter()
    for (true, dense, compressed), count in tallied.moved.items():
        moved_in[true, compressed] += count
        moved_out[true, dense] += count
    cells = sorted(cell for cell in {*moved_in, *moved_out} if cell[0] != cell[1])
    gained, left = (np.array([side[cell] for cell in cells], np.int64) for side in (moved_in, moved_out))
    before = np.array([tallied.cells[cell] for cell in cells], np.int64)
    return _grown(audited, cells, before, gained, left, np.asarray(mcnemar_p(gained, left), np.float64))


def _confusions_of_pairs(audited: Audited, tallied: Tallied) -> list[dict[str, Any]]:
    """Likewise, mean over pairs of models; p as of a class's recall."""
    if tallied.one_to_one is None or tallied.one_to_one.cells is None or tallied.right is None:
        return []
    cells = tallied.one_to_one.cells
    growth = cells.growth(tallied.right.sizes)
    before = growth.dense.mean(0)
    return _grown(audited, cells.cells, before, growth.gained, growth.lost, growth.change().p_value)


def _grown(
    audited: Audited,
    cells: Sequence[tuple[int, int]],
    before: np.ndarray,
    gained: np.ndarray,
    left: np.ndarray,
    p_values: np.ndarray,
) -> list[dict[str, Any]]:
    q_values = adjusted_p_values(p_values)
    names = audited.classes.names
    rows: list[dict[str, Any]] = [
        {
            "class": names[true],
            "predicted": names[predicted],
            "dense": _count(before[place]),
            "compressed": _count(before[place] + gained[place] - left[place]),
            "growth": _count(gained[place] - left[place]),
            "moved_in": _count(gained[place]),
            "moved_out": _count(left[place]),
            "p_value": number(p_values[place]),
            "q_value": number(q_values[place]),
            "examples": [],
            "_cell": (true, predicted),
        }
        for place, (true, predicted) in enumerate(cells)
        if _tidy(float(gained[place] - left[place])) > 0
    ]
    return sorted(rows, key=lambda row: (-row["growth"], _last(row["p_value"]), row["_cell"]))[:MOST_CELLS]


def _last(p_value: float | None) -> float:
    return 2.0 if p_value is None else p_value


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
