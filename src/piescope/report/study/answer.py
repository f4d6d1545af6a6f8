"""The first screen of a study: the finding in a sentence, the curve, the wall of what was forgotten."""

from __future__ import annotations

import re
from collections.abc import Sequence

from piescope.report.layout.blocks import Answer, Chart, Gallery, Tag, Words
from piescope.report.layout.curves import legend, svg
from piescope.report.study.drawings import curve
from piescope.report.study.forgotten import Forgotten, forgotten, headline_arm
from piescope.report.study.gallery import PieTiles, in_order
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.run_facts import lost_models
from piescope.report.study.signal import Signal
from piescope.report.study.words import HAPPENED, OBJECTIVES_IN_FULL, family_name, pruning_name
from piescope.wording import SPACE, as_percent, capital, count, counted, listed, number, ranged, with_interval

SIZE = re.compile(r"\b\d+x\d+\b")

WALL_MOST = 60
"""Pictures of the first screen; the explorer has all."""


def answer(results: Results, signal: Signal) -> Answer:
    """What a reader takes away, whether it is noise, and what it looks like."""
    rows = forgotten(signal)
    first = headline_arm(rows)
    warnings = [warning for warning in (_missing(results), lost_models(results)) if warning]
    if first is None:
        verdict, sentence, lead = Tag("NOTHING PRUNED"), _only_dense(results), []
    else:
        verdict, sentence, lead = _verdict(signal, rows), finding(first), _lead(signal, rows, first)
    return Answer(
        verdict=verdict,
        sentence=sentence,
        lead=tuple(lead),
        about=_about(results),
        warnings=tuple(warnings),
        curve=_curve(rows),
        wall=None if first is None else _wall(results, first.arm),
        blocks=(Words((_how_counted(rows),), "small", in_short=False),) if rows else (),
    )


def _missing(results: Results) -> str:
    """Which arms are not complete, each pruning with its sparsities; empty: none."""
    families: dict[tuple[str, str], list[str]] = {}
    for arm in results.missing:
        families.setdefault((arm.objective, arm.pruning), []).append(f"{100 * arm.sparsity:.4g}")
    named = [f"{family_name(*family)} {listed(sparsities)}{SPACE}%" for family, sparsities in families.items()]
    return f"This study is not complete. Missing from all that follows: {'; '.join(named)}." if named else ""


def _verdict(signal: Signal, rows: Sequence[Forgotten]) -> Tag:
    """HARM SHOWN: an arm forgets more than seeds; SAFE: none does, and no class of any lost the margin."""
    if any(row.is_clear for row in rows):
        return Tag("HARM SHOWN", "broken")
    kept = {row.arm: row.no_class_lost_margin for row in signal.rows.class_impact}
    if all(row.is_clear is not None and kept.get(row.arm.key) for row in rows):
        return Tag("SAFE", "kept")
    return Tag("TOO FEW TO TELL", "undecided")


def networks(objective: str) -> str:
    """``supervised contrastive networks``."""
    return f"{OBJECTIVES_IN_FULL.get(objective, objective)} networks"


def finding(row: Forgotten) -> str:
    """The headline: how many examples an arm forgets, and how many other seeds alone would."""
    arm = row.arm
    sentence = (
        f"With {as_percent(arm.sparsity)} of their weights removed, {networks(arm.objective)} "
        f"({pruning_name(arm.pruning)}) change their mind on {_mean(row.shown)} of "
        f"{counted(len(arm.is_pie), 'test example')}"
    )
    if row.seeds.value is None:
        return f"{sentence}; how many other seeds alone would change, one dense model cannot tell."
    sentence += f"; other seeds alone would on about {number(row.seeds.value, 0)}"
    if row.is_clear is None:
        return f"{sentence}; whether this is more than noise, these models cannot tell."
    return f"{sentence}." if row.is_clear else f"{sentence}: {row.unclear}."


def _lead(signal: Signal, rows: Sequence[Forgotten], first: Forgotten) -> list[str]:
    """What fine-tuning alone does, which arm forgets most, and what is said of the other objectives."""
    most = max(rows, key=lambda row: (row.excess.value or 0.0, row.shown))
    sentences = _by_fine_tuning(signal, first)
    if most is not first and len(rows) > 1:
        what = "Most" if most.excess.value is None else "Most beyond seeds"
        sentences.append(f"{what} is forgotten by {_named(most)}: {_how_much(most)}.")
    for objective in dict.fromkeys(row.arm.objective for row in rows):
        own = [row for row in rows if row.arm.objective == objective]
        if objective != first.arm.objective and own:
            sentences.append(_of_objective(objective, own))
    return sentences


def _by_fine_tuning(signal: Signal, row: Forgotten) -> list[str]:
    """What the fine-tuning that belongs to an arm's pruning changes by itself, counted alike; empty: not known."""
    controls = signal.results.controls(row.arm.objective, "finetune_only", row.arm.pruning)
    counts = [line.observed.value for line in signal.rows.noise if line.arm in {arm.key for arm in controls}]
    doubt = ": not clearly fewer" if row.is_clear and row.is_beyond_tuning is False else ""
    alone = "Its fine-tuning alone changes"
    return [f"{alone} {_mean(count)}{doubt}." for count in counts if count is not None]


def _of_objective(objective: str, rows: Sequence[Forgotten]) -> str:
    clear = [row for row in rows if row.is_clear]
    most = max(clear or rows, key=lambda row: (row.excess.value or 0.0, row.shown))
    if clear:
        return f"{capital(networks(objective))} forget most with {_named(most, False)}: {_how_much(most)}."
    does, doubt = (
        ("change", "whether seeds alone would, these models cannot tell")
        if most.is_clear is None
        else ("forget", most.unclear)
    )
    return f"{capital(networks(objective))} {does} at most {_mean(most.shown)} ({_named(most, False)}): {doubt}."


def _mean(value: float) -> str:
    """A count that may be a mean over splits of the models: ``25``, ``about 74``."""
    return f"{'' if float(value).is_integer() else 'about '}{number(value, 0)}"


def _named(row: Forgotten, with_objective: bool = True) -> str:
    name = family_name(*row.arm.key.family) if with_objective else pruning_name(row.arm.pruning)
    return f"{name} at {as_percent(row.arm.sparsity)}"


def _how_much(row: Forgotten) -> str:
    """``124, of which 115 [53, 177] are beyond seeds``."""
    if row.excess.value is None:
        return f"{_mean(row.shown)} examples"
    beyond = with_interval(*row.excess, decimals=0)
    return f"{_mean(row.shown)} examples, {beyond} more than seeds" + (f" ({row.doubt})" if row.doubt else "")


def _only_dense(results: Results) -> str:
    sizes = listed([f"{count(arm.summary.n_models)} {networks(arm.objective)}" for arm in results.arms])
    return f"Nothing was pruned yet: {sizes}, dense."


def _about(results: Results) -> str:
    models = ranged([arm.summary.n_models for arm in results.studied()], "model")
    dense = [
        f"{OBJECTIVES_IN_FULL.get(arm.objective, arm.objective)} {number(arm.summary.accuracy_mean)}"
        for arm in results.studied()
        if arm.is_dense
    ]
    accuracies = f"; accuracy of dense models, %: {listed(dense)}" if dense else ""
    return f"{results.data.about}{_shrunk(results)}. {models} an arm{accuracies}."


def _shrunk(results: Results) -> str:
    """Where the data set is said to have images of another size: which size they have here."""
    *_, height, width = results.data.image_shape
    told = SIZE.search(results.data.about)
    return "" if told is None or told.group() == f"{height}x{width}" else f", here {height}x{width}"


def _how_counted(rows: Sequence[Forgotten]) -> str:
    """What the curve counts: the numbers beside a floor are those of groups of its size."""
    text = (
        "An example is forgotten (a PIE) if the most frequent label among the pruned models is not that of the dense."
    )
    floors = [row for row in rows if row.seeds.value is not None]
    if floors and any(round(row.shown) != row.changed for row in floors):
        text += (
            " Counted here between groups of models that share no seed, as those of seeds alone are; pictures and "
            "tables are those of the paper's count, of all models at once."
        )
    return text


def _curve(rows: Sequence[Forgotten]) -> Chart | None:
    drawn = curve(rows)
    if drawn is None:
        return None
    caption = "Examples that change label, by sparsity, one line a method."
    if any(row.seeds.low is not None for row in rows):
        caption += " Grey: other seeds (means' 95 % intervals). Pale: not clearly more."
    numbers = tuple(
        f"{_named(row)}: {_how_much(row)}" for row in sorted(rows, key=lambda row: -(row.excess.value or row.shown))
    )
    return Chart("", caption, svg(drawn, "curve"), legend(drawn), numbers)


def _wall(results: Results, arm: ArmResult) -> Gallery | None:
    pies = in_order(arm)
    if not len(pies):
        return None
    kinds = arm.kinds.tolist()
    happened = ", ".join(f"{count(kinds.count(kind))} {kind}" for kind in HAPPENED)
    title = f"{happened}: {family_name(*arm.key.family)} at {as_percent(arm.sparsity)}"
    return Gallery(title, PieTiles(results).of(arm, pies[:WALL_MOST]), first=WALL_MOST)
