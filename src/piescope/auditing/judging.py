"""One limit against what was seen: kept, broken, or too few examples to tell, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from piescope import wording
from piescope.auditing.sample_sizes import Sizes, about, counts_in, enough, enough_for_drop, enough_for_share
from piescope.auditing.units import LEVEL, ROUNDING, Unit, drop_of_counts, quantile, whole
from piescope.measure.drops import drop_bounds
from piescope.measure.flips import exact_share_interval
from piescope.store.audit_answers import SeedFlips, SeedNoise, Share
from piescope.store.audit_record import AuditRecord, BudgetVerdict

SHOWN = 3


class Judged(NamedTuple):
    """What was observed, with its bounds, in a unit; the verdict on it, and why."""

    observed: float | None
    low: float | None
    high: float | None
    unit: str
    verdict: BudgetVerdict
    reason: str


def limit_of(limit: float | str) -> float:
    """``"2%"`` as 2.0; a number as it is."""
    return float(limit.removesuffix("%")) if isinstance(limit, str) else limit


def flipped(limit: float | str, audit: AuditRecord) -> Judged:
    """Examples that were right and are wrong."""
    flips, seeds = audit.flips, audit.seeds
    assert flips is not None  # Budgets.check
    if seeds is not None and seeds.correct_to_wrong is not None:
        return _of_pairs(limit, audit, seeds, seeds.correct_to_wrong, flips.correct_to_wrong_share, "lost")
    return _examples(limit, int(flips.correct_to_wrong or 0), audit, _dense_right(audit))


def relabelled(limit: float | str, audit: AuditRecord) -> Judged:
    """Examples whose label changed."""
    if audit.seeds is not None:
        return _of_pairs(limit, audit, audit.seeds, audit.seeds.changed, audit.changed_share, "changed")
    return _examples(limit, int(audit.changed), audit, audit.n_examples)


def _of_pairs(
    limit: float | str, audit: AuditRecord, seeds: SeedNoise, flips: SeedFlips, share: Share | None, verb: str
) -> Judged:
    """A budget of examples where they are means over pairs of models: beyond what the dense models' seeds do."""
    examples, has_seeds = audit.n_examples, seeds.side == "dense"
    unit, whole = ("%", 100.0) if isinstance(limit, str) else ("examples", float(examples))
    observed, floor = flips.observed, flips.floor
    if not examples or observed is None or floor is None:
        return Judged(None, None, None, unit, "undecided", "there are no examples")
    reason = f"{wording.number(observed)} of {examples:,} {_example(examples)} {verb}, mean over pairs of models"
    value = whole * ((flips.excess or 0.0) if has_seeds else observed) / examples
    if has_seeds:
        reason += f", of which {wording.number(floor)} by seeds alone; judged is the rest"
        error, freedom = flips.error, flips.freedom
    else:
        reason += f"; the compressed models differ by {wording.number(floor)} among each other"
        error, freedom = (None, None) if share is None else (share.error, share.freedom)
        error = None if error is None else error * examples / 100
    if error is None and seeds.why_not and has_seeds:
        return Judged(value, None, None, unit, "undecided", f"{reason}; {seeds.why_not}")
    least = float(drop_bounds(0, 0, examples, LEVEL)[1]) / 100
    spread = 0.0 if error is None or freedom is None else quantile(LEVEL, freedom) * error / examples
    reach = whole * max(spread, least)
    low, high = value - reach, value + reach
    allowed = limit_of(limit)
    if high <= allowed + ROUNDING:
        return Judged(value, low, high, unit, "kept", reason)
    if value > allowed + ROUNDING and not (has_seeds and low <= 0):
        return Judged(value, low, high, unit, "broken", reason)
    figure: Callable[[float], str] = whole_number if unit == "examples" else lambda value: beside_limit(value, allowed)
    why = "more models or examples would tell" if value < allowed else "no more than seeds alone can do"
    return Judged(value, low, high, unit, "undecided", f"{reason}; up to {figure(high)} fits; {why}")


def _examples(limit: float | str, count: int, audit: AuditRecord, could: int) -> Judged:
    """A budget of examples: a count or a share.

    Args:
        limit: as given.
        count: examples that flipped or changed.
        audit: for the number of examples.
        could: examples that could have.
    """
    examples = audit.n_examples
    if not examples:
        unit = "%" if isinstance(limit, str) else "examples"
        return Judged(None, None, None, unit, "undecided", "there are no examples")
    low, high = (float(end) for end in exact_share_interval(count, examples, 1 - 2 * LEVEL))
    if not isinstance(limit, str):
        low, high = low * examples / 100, high * examples / 100
        if could <= limit:
            reason = f"only {could:,} of {examples:,} examples could have, so that it could not have been broken"
            return Judged(count, low, high, "examples", "undecided", f"{reason}: take a lower limit, or a share")
        verdict: BudgetVerdict = "broken" if count > limit else "kept"
        return Judged(count, low, high, "examples", verdict, f"counted on these {examples:,} {_example(examples)}")
    allowed = limit_of(limit)
    share = drop_of_counts(count, 0, examples)
    of_all = f"{count:,} of {examples:,} examples"
    if share > allowed:
        return Judged(share, low, high, "%", "broken", of_all)
    if high <= allowed:
        return Judged(share, low, high, "%", "kept", f"{of_all}; up to {beside_limit(high, allowed)} % fits with them")
    why = (
        f"{examples:,} {_few(examples)} to tell: observed {beside_limit(share, allowed)} %, "
        f"but up to {beside_limit(high, allowed)} % fits with them; "
    )
    if share == allowed:
        why += "as the observed share is at the limit no number of examples would do: budget a count instead"
    else:
        why += f"{about(enough_for_share(share, allowed, examples))} would do"
    return Judged(share, low, high, "%", "undecided", why)


def _dense_right(audit: AuditRecord) -> int:
    """Examples that could flip: those that the dense side has right."""
    examples, accuracy = audit.n_examples, audit.accuracy
    right = None if accuracy is None else accuracy.dense_modal
    return examples if right is None else round(right * examples / 100)


def worst(limit: float, units: Sequence[Unit], one: str, many: str) -> Judged:
    """A budget that each class, or each group, must keep."""
    there = [unit for unit in units if unit.examples]
    empty = [unit.name for unit in units if not unit.examples]
    if not there:
        return Judged(None, None, None, "points", "undecided", f"no {one} has any example")
    bounds = [unit.bounds(LEVEL) for unit in there]
    worst_first = sorted(there, key=lambda unit: -unit.drop)
    worst = worst_first[0]
    drop, low, high = worst.drop, max(low for low, _ in bounds), max(high for _, high in bounds)
    judged = -drop + 0.0, -high + 0.0, -low + 0.0, "points"  # as changes; + 0.0: no negative zero
    over = [unit for unit in worst_first if unit.is_beyond(limit, len(there))]
    if over:
        reason = _listed([f"{unit.name} {beside_limit(-unit.drop, -limit)}{_flips(unit)}" for unit in over])
        return Judged(*judged, "broken", reason)
    open_ones = [(unit, up) for unit, (_, up) in zip(there, bounds, strict=True) if up > limit + ROUNDING]
    worst_reason = f"worst: {worst.name}, {beside_limit(-drop, -limit)}"
    if not open_ones and not empty:
        return Judged(*judged, "kept", f"{worst_reason}; down to {beside_limit(-high, -limit)} fits for any {one}")
    reasons = []
    if open_ones:
        open_ones.sort(key=lambda pair: -pair[1])
        named = [_too_small(unit, up, limit, LEVEL) for unit, up in open_ones[:SHOWN]]
        too_small = _listed(named, len(open_ones))
        reasons.append(f"{worst_reason}; too small to tell: {too_small}")
    if empty:
        reasons.append(f"{one if len(empty) == 1 else many} without any example: {_listed(empty)}")
    return Judged(*judged, "undecided", "; ".join(reasons))


def _flips(unit: Unit) -> str:
    if unit.flips is None:
        return f" ({unit.examples:,} {_example(unit.examples)})"
    lost, gained = unit.flips
    return f" ({lost:,} lost, {gained:,} gained of {unit.examples:,})"


def _too_small(unit: Unit, high: float, limit: float, level: float) -> str:
    reason = f"{unit.name} ({unit.examples:,} {_example(unit.examples)}, down to {beside_limit(-high, -limit)} fits; "
    if unit.by_seeds and unit.drop > limit - ROUNDING:
        return reason + "seeds alone may have done it)"
    if not unit.drop < limit - ROUNDING:
        return reason + "it is at the limit, so no number of examples would do)"
    if unit.flips is None:
        return reason + "it takes more examples or models)"
    return reason + f"{about(enough_for_drop(unit, limit, level))} would do)"


def equivalent(limit: float, audit: AuditRecord) -> Judged:
    """TOST of the change of accuracy."""
    examples = audit.n_examples
    if not examples:
        return Judged(None, None, None, "points", "undecided", "there are no examples")
    all_of = whole(audit)
    smallest, largest = all_of.bounds(LEVEL)
    change, low, high = -all_of.drop + 0.0, -largest, -smallest
    surest = all_of.bounds(LEVEL / 2)  # of either sign
    is_beyond_seeds = not all_of.by_seeds or surest[0] > 0 or surest[1] < 0
    if abs(change) > limit + ROUNDING and is_beyond_seeds:
        return Judged(change, low, high, "points", "broken", f"on {examples:,} {_example(examples)}")
    if max(-low, high) <= limit + ROUNDING:
        reason = f"both bounds lie within ±{limit_text(limit)} (two one-sided tests at 5 %)"
        return Judged(change, low, high, "points", "kept", reason)
    farthest = beside_limit(low if -low > high else high, limit)
    observed = beside_limit(change, limit)
    why = f"{examples:,} {_few(examples)} to tell: observed {observed}, but {farthest} fits with them; "
    if not is_beyond_seeds and abs(change) > limit - ROUNDING:
        why += "seeds alone may have done it"
    elif not abs(change) < limit - ROUNDING:
        why += "as the observed change is at the limit no number of examples would do: budget a count of flips instead"
    elif all_of.flips is None:
        why += "it takes more examples or models"
    else:
        lost, gained = all_of.flips

        def shown(sizes: Sizes) -> Bool[np.ndarray, " sizes"]:
            low, high = drop_bounds(
                counts_in(lost / examples, sizes), counts_in(gained / examples, sizes), sizes, LEVEL
            )
            return np.asarray((-low <= limit) & (high <= limit))

        why += f"{about(enough(shown, examples))} would do"
    return Judged(change, low, high, "points", "undecided", why)


def _example(examples: int) -> str:
    return "example" if examples == 1 else "examples"


def _few(examples: int) -> str:
    return f"{_example(examples)} {'is' if examples == 1 else 'are'} too few"


def beside_limit(value: float, limit: float) -> str:
    """With one decimal, or as many as it takes to be seen on its side of the limit."""
    for decimals in range(1, 7):
        rounded = math.copysign(wording.halves_up(abs(value), decimals), value)
        if np.sign(rounded - limit) == np.sign(value - limit):
            break
    return wording.number(value, decimals)


def whole_number(value: float) -> str:
    """A count."""
    return wording.number(value, 0)


def limit_text(limit: float) -> str:
    """As it was asked for."""
    text = f"{limit:,}" if isinstance(limit, int) else f"{limit:.10g}"
    return text.replace("-", wording.MINUS)


def _listed(items: Sequence[str], total: int | None = None) -> str:
    more = (len(items) if total is None else total) - SHOWN
    return wording.listed([*items[:SHOWN], *([f"{more:,} more"] if more > 0 else [])])
