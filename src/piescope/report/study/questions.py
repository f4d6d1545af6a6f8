"""The evidence: one question a section, a drawing on the left, pictures on the right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from piescope.measure.intervals import FALSE_DISCOVERIES
from piescope.report.layout.blocks import (
    Bar,
    Bars,
    Beside,
    Block,
    Chart,
    Drawer,
    Gallery,
    Section,
    Table,
    Tag,
    Tile,
    Tone,
    Words,
)
from piescope.report.study.claim_parts import Claim
from piescope.report.study.drawings import map_of, pairs
from piescope.report.study.forgotten import forgotten, headline_arm
from piescope.report.study.frames import MOST_CLASSES, rescued_rows
from piescope.report.study.gallery import PieTiles, in_order
from piescope.report.study.published import unfair_because
from piescope.report.study.results import ArmResult, Results
from piescope.report.study.signal import Signal
from piescope.report.study.signal_rows import ClassImpactRow
from piescope.report.study.words import HAPPENED, family_name, whence
from piescope.wording import as_percent, counted, equals, listed, name, number, percent, with_interval

TILES = 6
"""Pictures beside a drawing."""

MIX_UPS = 6
"""Pairs of labels that are shown, each with as many pictures at most."""

TONES: dict[str, Tone] = {
    "supported": "kept",
    "contradicted": "broken",
    "confounded": "undecided",
    "undecided": "undecided",
}


def questions(results: Results, signal: Signal, claims: Sequence[Claim]) -> list[Section]:
    """Every question that this study can answer, about the arm of the headline."""
    rows = forgotten(signal)
    first = headline_arm(rows)
    tiles = PieTiles(results)
    sections: list[Section | None] = [_signal(signal, results)] if first is not None else []
    if first is not None:
        arm = first.arm
        sections += [
            _classes(results, signal, arm, tiles),
            _mix_ups(results, arm, tiles),
            _representation(results, arm),
            _rescued(results, signal, tiles),
        ]
    sections.append(_claims(results, claims))
    return [section for section in sections if section is not None]


def _where(arm: ArmResult) -> str:
    return f"{family_name(*arm.key.family)} at {as_percent(arm.sparsity)}"


def _signal(signal: Signal, results: Results) -> Section | None:
    rows = [row for row in forgotten(signal) if row.excess.value is not None]
    if not rows:
        words = "There are too few dense models to say how many examples seeds alone would change."
        return Section("signal", "Is it more than noise?", (Words((words,)),), "Noise?")
    bars = Bars(
        what="arm",
        measure="examples beyond seeds",
        rows=tuple(
            Bar(
                _where(row.arm),
                *row.excess,
                with_interval(*row.excess, decimals=0),
                f"{number(row.seeds.value, 0)} → {number(row.in_groups.value, 0)}",
                (f"{row.arm.summary.confirmed} confirmed",),
                bool(row.is_clear),
                row.doubt,
            )
            for row in sorted(rows, key=lambda row: -(row.excess.value or 0.0))
        ),
        level="95 %",
        first=5,
        unfold=f"{len(rows) - 5} more",
        more_is_worse=True,
    )
    how = (
        "Groups of unpruned models that differ only in their seeds disagree on some examples, too. What pruning does "
        "comes on top."
    )
    if all(signal.fresh(objective) is None for objective in results.objectives()):
        how += " Measured between halves of the dense models; smaller groups disagree more."
    return Section("signal", "Is it more than noise?", (Words((how,)), bars), "Noise?")


def _classes(results: Results, signal: Signal, arm: ArmResult, tiles: PieTiles) -> Section | None:
    rows = sorted(
        (row for row in signal.rows.class_impact if row.arm == arm.key and row.impact.value is not None),
        key=lambda row: row.impact.value or 0.0,
    )
    if not rows:
        return None
    worst = rows[0].label
    pies = in_order(arm)
    of_worst = pies[results.labels[pies] == results.class_names.index(worst)]
    paid = [name(row.label) for row in rows if _is_clear(row) and (row.impact.value or 0.0) < 0]
    said = "No class paid more than the others beyond chance." if not paid else f"Beyond chance: {listed(paid, 6)}."
    shown, unfold = rows, f"{len(rows) - 6} more classes"
    if len(rows) > MOST_CLASSES:
        end = MOST_CLASSES // 2
        shown = rows[:end] + rows[-end:]
        unfold = f"{len(shown) - 6} more of the {end} that lost and the {end} that gained most"
        unfold += f"; {len(rows) - len(shown):,} between them: results/tables/class_impact.csv"
    left = Bars("class", "recall", tuple(map(_class_bar, shown)), "95 %", 6, unfold)
    caption = f"Change of each class's recall beyond the change of the mean accuracy, {_where(arm)}."
    right: tuple[Block, ...] = (Words((f"No example of {name(worst)} changed label.",)),)
    if len(of_worst):
        title = f"What was lost of {name(worst)}"
        right = (Words((title + ":",), in_short=False), Gallery(title, tiles.of(arm, of_worst[:TILES]), TILES))
    return Section("classes", "Who pays?", (Words((caption, said)), Beside((left,), right)))


def _class_bar(row: ClassImpactRow) -> Bar:
    chance = () if row.q_value is None else (f"q {equals(row.q_value)}",)
    both = f"{number(row.dense_recall)} → {percent(row.pruned_recall)}"
    text = with_interval(*row.impact, decimals=1, signed=True)
    return Bar(name(row.label), *row.impact, text, both, (f"of {row.examples}", *chance), _is_clear(row))


def _is_clear(row: ClassImpactRow) -> bool:
    return row.q_value is not None and row.q_value <= FALSE_DISCOVERIES


def _mix_ups(results: Results, arm: ArmResult, tiles: PieTiles) -> Section | None:
    pies = in_order(arm)
    if not len(pies):
        return None
    moved = list(
        zip(arm.columns["dense_label"][pies].tolist(), arm.columns["pruned_label"][pies].tolist(), strict=True)
    )
    cards = []
    for (before, after), count in Counter(moved).most_common(MIX_UPS):
        own = [int(index) for index, pair in zip(pies, moved, strict=True) if pair == (before, after)][:MIX_UPS]
        title = f"{name(results.class_names[before])} → {name(results.class_names[after])}"
        pictures = tuple(tiles.picture(index) for index in own)
        cards.append(Tile(pictures, title, (), (counted(count, "example"),)))
    caption = f"What dense models call the examples and what pruned ones do, the most frequent changes: {_where(arm)}."
    return Section(
        "mix-ups",
        "What is taken for what?",
        (Words((caption,)), Gallery("Mix-ups", tuple(cards), MIX_UPS, form="cards", brief=4)),
        "Mix-ups",
    )


def _representation(results: Results, arm: ArmResult) -> Section | None:
    dense = results.find(arm.objective, "dense", 0.0)
    charts = []
    if dense is not None:
        same = [one for one in results.pruned() if one.key.family == arm.key.family and one.embedding is not None]
        mapped = arm if arm.embedding is not None else next(iter(same), None)
        if mapped is not None:
            drawings = map_of(dense, mapped, results), map_of(mapped, mapped, results)
            whose = "the mean of all models" if results.study.maps_of_mean else "one model"
            captions = (
                f"Dense: {whose}. Groups that stand apart are apart; distances between them mean nothing.",
                f"{_where(mapped)}: the same examples. Coloured: those that change label.",
            )
            charts += [(drawing, caption) for drawing, caption in zip(drawings, captions, strict=True) if drawing]
    for measure, title, caption in (
        ("q", "Q-Score", "Below the line: pruned models form the representation less clearly."),
        ("depth", "prediction depth", "Above the line: decided in a later layer, or never."),
    ):
        drawing = pairs(arm, measure, title)
        if drawing is not None:
            charts.append((drawing, f"{title[0].upper()}{title[1:]} of each example, {_where(arm)}. {caption}"))
    if not charts:
        return None
    drawn = [Chart("", caption, drawing, _kinds() if at < 2 else ()) for at, (drawing, caption) in enumerate(charts)]
    beside = tuple(
        Beside((one,), tuple(drawn[at + 1 : at + 2]), even=True) for at, one in enumerate(drawn) if at % 2 == 0
    )
    return Section("representation", "What happened to the representation?", beside, "Representation", in_short=False)


def _kinds() -> tuple[tuple[Markup, str], ...]:
    return tuple((Markup('<span class="swatch {}"></span>').format(tone), kind) for kind, tone in HAPPENED.items())


def _rescued(results: Results, signal: Signal, tiles: PieTiles) -> Section | None:
    rows = rescued_rows(results)
    made = []
    for row in rows:
        arm = results.find(*row.arm)
        if arm is not None:
            (tile,) = tiles.of(arm, [row.index])
            made.append(Tile(tile.pictures, tile.title, (*tile.tags, Tag(_where(arm))), tile.lines, id=tile.id))
    if not made:
        return None
    families = listed(list(dict.fromkeys(family_name(*row.arm.family) for row in rows)))
    said = [
        f"Some examples that dense models get wrong and pruned ones right: of {families}, "
        f"{whence(results.study.figures.figure_6)}."
    ]
    fresh = signal.fresh(rows[0].arm.objective)
    if fresh is not None:
        won = int(fresh.columns["is_rescued"].sum())
        said.append(f"Other seeds alone win back {counted(won, 'example')} between groups of as many models.")
    words = Words(tuple(said))
    return Section(
        "rescued",
        "Does pruning also mend?",
        (words, Gallery("Won back", tuple(made), TILES)),
        "Won back",
        in_short=False,
    )


def _why(claim: Claim) -> str:
    within = claim.verdict_in_paper
    beyond = f"where the paper prints numbers: {within}" if within not in (None, claim.verdict) else ""
    return "; ".join(filter(None, [claim.reason, beyond]))


def _claims(results: Results, claims: Sequence[Claim]) -> Section | None:
    if not any(claim.parts for claim in claims):
        return None
    rows = tuple(
        (f"{claim.id} {claim.statement}", Tag(claim.verdict, TONES.get(claim.kind, "")), _why(claim))
        for claim in claims
    )
    caption = (
        "Findings of Corti et al. 2022, checked here. Supported: every 95 % interval lies on the claimed side. "
        "Contradicted: one lies clearly on the other. Confounded: clear only with what else is compared (seed "
        "noise, lost accuracy, chance)."
    )
    table = Table(
        "Does the paper hold here?", caption, ("Finding", "Here", "Why"), rows, texts=(0, 1, 2), brief=len(rows)
    )
    blocks: list[Block] = [table]
    unfair = unfair_because(results)
    if unfair:
        note = "Verdicts are about this run; its numbers are no replication of the paper's."
        blocks.append(Drawer("Another scale than the paper's", f"{len(unfair)} differences", (Words((*unfair, note)),)))
    return Section("claims", "Does the paper hold here?", tuple(blocks), "The paper")
