"""What the statistics of a run say, in sentences made from its numbers and from nothing else."""

from __future__ import annotations

import math

from piescope.measure.intervals import FALSE_DISCOVERIES
from piescope.report.study.results import ArmResult
from piescope.report.study.rows import Bounds
from piescope.report.study.signal import MARGIN, Signal
from piescope.report.study.signal_rows import ReplicateRow
from piescope.report.study.words import between, enough, family_name
from piescope.wording import as_percent, count, give_or_take, number, p_value, percent, ranged, with_interval


def in_short(signal: Signal, arm: ArmResult) -> str:
    """One line for an arm's card; empty where there is no floor."""
    floor = signal.floor(arm)
    if floor is None:
        return ""
    excess = with_interval(*Bounds.of(floor.excess), decimals=0)
    return f"{excess} beyond seed noise; {count(arm.summary.confirmed)} confirmed one by one"


def sentences(signal: Signal) -> list[str]:
    """The main findings at the main sparsity; what cannot be told is said too."""
    main = [arm for arm in signal.results.pruned() if arm.sparsity == signal.results.main_sparsity]
    candidates = [_of_seeds(signal, main), *_resolution(signal, main), *_classes(signal), _repeat(signal, main)]
    return [sentence for sentence in candidates if sentence]


def _name(arm: ArmResult) -> str:
    return family_name(arm.objective, arm.pruning)


def _of_seeds(signal: Signal, arms: list[ArmResult]) -> str:
    known = [(arm, floor) for arm in arms if (floor := signal.floor(arm)) is not None and floor.observed.value > 0]
    if not known:
        return "" if not arms else "There are too few dense models to say how many PIEs seeds alone would make."
    shares = ", ".join(
        f"{percent(100 * floor.floor.value / floor.observed.value, 0)} ({_name(arm)})" for arm, floor in known
    )
    unclear = [_name(arm) for arm, _ in known if not signal.clear[arm.key]]
    rest = f" Not clearly more, among all arms: {', '.join(unclear)}." if unclear else ""
    main = as_percent(signal.results.main_sparsity)
    return (
        f"Share of the PIEs at {main} sparsity that would be there without pruning, from seeds alone: {shares}.{rest}"
    )


def _resolution(signal: Signal, arms: list[ArmResult]) -> list[str]:
    """How many examples must have the smallest p-value that there can be before one is confirmed."""
    coarse: dict[float, list[str]] = {}
    examples = len(signal.results.labels)
    for arm in arms:
        smallest = arm.summary.smallest_p_value
        if math.ceil(smallest * examples / FALSE_DISCOVERIES) > 1:
            coarse.setdefault(smallest, []).append(_name(arm))
    sentences = []
    for smallest, names in coarse.items():
        needed = math.ceil(smallest * examples / FALSE_DISCOVERIES)
        so = (
            "none can be confirmed"
            if needed > examples
            else f"at least {needed:,} of {examples:,} must have it before one is confirmed"
        )
        sentences.append(
            f"With so few models no example can have a p-value below {p_value(smallest)}, so at a false discovery rate "
            f"of {percent(100 * FALSE_DISCOVERIES, 0)} {so} ({', '.join(names)}). More models are the only cure."
        )
    return sentences


def _classes(signal: Signal) -> list[str]:
    main = signal.results.main_sparsity
    verdicts: dict[str, bool | None] = {}
    for row in signal.rows.class_impact:
        if row.arm.sparsity == main:
            verdicts[family_name(*row.arm.family)] = row.no_class_lost_margin
    known = {name: kept for name, kept in verdicts.items() if kept is not None}
    kept = [name for name, good in known.items() if good]
    if not known:
        return []
    points = f"{MARGIN:g} percentage point"
    if not kept:
        return [f"For no pruning is it shown that every class lost less than {points} of recall at {as_percent(main)}."]
    return [f"Shown at {as_percent(main)}: no class lost {points} of recall or more under {', '.join(kept)}."]


def _ever_more(row: ReplicateRow) -> str:
    if row.limit.value is None:
        return f"what its {number(row.pies, 0)} would become with ever more of them these cannot tell"
    return f"its {number(row.pies, 0)} would become {between(*row.limit[1:])} with ever more of them"


def _repeat(signal: Signal, arms: list[ArmResult]) -> str:
    rows = {row.arm: row for row in signal.rows.replicates if not row.drawn_out}  # the last of each: of all its models
    known = [(arm, rows[arm.key]) for arm in arms if arm.key in rows]
    parts = [
        f"{_name(arm)} {give_or_take(row.repeat_error)} (for 10 %: "
        f"{enough(row.enough_to_repeat, row.furthest, row.models)} models); {_ever_more(row)}"
        for arm, row in known
    ]
    if not parts:
        return ""
    models, main = ranged([row.models for _, row in known], "model"), as_percent(signal.results.main_sparsity)
    return (
        f"How well another study of {models} an arm would repeat a PIE count at {main}, and what becomes of the "
        f"count as votes of more models hang less on luck, seeds' alone as well: {'; '.join(parts)}."
    )
