"""Each question is answered by numbers of the tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from made_results import CASES, made
from piescope.report.layout.blocks import Bars, Beside, Gallery, Section, Table, Words
from piescope.report.study.claims import check_claims
from piescope.report.study.forgotten import forgotten, headline_arm
from piescope.report.study.questions import questions
from piescope.report.study.signal import Signal
from piescope.store.catalogue import ControlOf

from .conftest import document_of


def section(name: str, anchor: str) -> Section:
    (found,) = [one for one in document_of(name).sections if one.anchor == anchor]
    return found


def test_every_arm_is_beside_its_seeds() -> None:
    bars = next(block for block in section("six models", "signal").blocks if isinstance(block, Bars))
    rows = forgotten(Signal(CASES["six models"]))
    assert len(bars.rows) == len(rows) and bars.more_is_worse
    assert [bar.value for bar in bars.rows] == sorted((row.excess.value for row in rows), reverse=True)  # type: ignore[type-var]


def test_classes_are_ranked_by_what_they_lost_beyond_the_others() -> None:
    beside = next(block for block in section("everything", "classes").blocks if isinstance(block, Beside))
    bars = beside.left[0]
    assert isinstance(bars, Bars)
    values = [bar.value for bar in bars.rows]
    assert len(values) == 3 and values == sorted(values)  # type: ignore[type-var]


def test_of_very_many_classes_both_ends_are_shown() -> None:
    names = tuple(f"class {i}" for i in range(150))
    results = made({"supervised": ("gmp",)}, class_names=names, examples=600, models=4)
    signal = Signal(results)
    (found,) = [one for one in questions(results, signal, ()) if one.anchor == "classes"]
    bars = next(block for block in found.blocks if isinstance(block, Beside)).left[0]
    assert isinstance(bars, Bars)
    first = headline_arm(forgotten(signal))
    assert first is not None
    own = [row.impact.value for row in signal.rows.class_impact if row.arm == first.arm.key]
    ranked = sorted(value for value in own if value is not None)
    assert len(ranked) > 100 and [bar.value for bar in bars.rows] == ranked[:50] + ranked[-50:]
    assert bars.unfold.startswith("94 more of the 50") and f"; {len(ranked) - 100} between them: " in bars.unfold


def test_mix_ups_are_counted() -> None:
    first = headline_arm(forgotten(Signal(CASES["everything"])))
    assert first is not None
    names, arm = CASES["everything"].class_names, first.arm
    moved = zip(arm.columns["dense_label"][arm.is_pie], arm.columns["pruned_label"][arm.is_pie], strict=True)
    counts = Counter(f"{names[before]} → {names[after]}" for before, after in moved)
    gallery = next(block for block in section("everything", "mix-ups").blocks if isinstance(block, Gallery))
    for tile in gallery.tiles:
        assert int(tile.lines[0].split()[0]) == counts[tile.title] and len(tile.pictures) == min(6, counts[tile.title])


def test_what_is_won_back_stands_beside_what_other_seeds_win_back() -> None:
    results = CASES["everything"]
    said, gallery = section("everything", "rescued").blocks
    assert isinstance(said, Words) and isinstance(gallery, Gallery)
    (text,) = map(str, said.lines)
    where = {tag.text for tile in gallery.tiles for tag in tile.tags if " at " in tag.text}
    assert all(one.partition(" at ")[0] in text for one in where)
    dense, pruned = results.find("supcon", "dense", 0.0), results.find("supcon", "gmp", 0.9)
    assert dense is not None and pruned is not None
    fresh = replace(pruned, pruning="fresh_dense", sparsity=0.0, control=ControlOf(kind="fresh_dense"))
    with_fresh = replace(results, arms=(*results.arms, fresh))
    (found,) = [one for one in questions(with_fresh, Signal(with_fresh), ()) if one.anchor == "rescued"]
    (beside,) = [block for block in found.blocks if isinstance(block, Words)]
    assert str(beside.lines[1]).startswith(f"Other seeds alone win back {int(fresh.columns['is_rescued'].sum())} ex")


def test_the_papers_findings_stand_with_their_verdicts() -> None:
    table = next(block for block in section("everything", "claims").blocks if isinstance(block, Table))
    assert [row[0].split()[0] for row in table.rows] == [f"C{number}" for number in range(1, 16)]  # type: ignore[union-attr]
    claims = check_claims(CASES["everything"])
    assert [row[1].text for row in table.rows] == [claim.verdict for claim in claims]  # type: ignore[union-attr]
    assert not any(one.anchor == "claims" for one in document_of("only dense").sections)
