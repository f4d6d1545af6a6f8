"""PIEs of two objectives where both have lost the same accuracy, drawn between the sparsities that a study has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from piescope.measure.intervals import spanning, t_interval
from piescope.report.study.claim_parts import Part, named
from piescope.report.study.evidence import BOTH, Evidence, Varied, log_ratio
from piescope.report.study.rows import ArmKey
from piescope.report.study.words import pruning_name

AT_EQUAL_LOSS = "at equal loss of accuracy"
BEYOND_TUNING = "at equal loss against models that were only fine-tuned"

EFFECT = "PIEs of SupCon over PIEs of Sup at equal loss of accuracy (drawn between sparsities)"

LEAST_RISE = 1e-3
"""Of what examples lose and gain, without signs: by less losses are equal, and there is no cubic through them."""


def at_equal_loss(evidence: Evidence, pruning: str, before: Mapping[str, str]) -> Iterator[Part]:
    """PIEs where both objectives have lost as much accuracy as the one that has lost less at the main sparsity.

    Of the other, PIEs are drawn between the two sparsities between which it has lost that much, on a straight line and
    on a monotone cubic through those beside them as well; the interval spans both. There is the line alone where the
    two have no other beside them that has as many models, or losses do not rise. Nothing is drawn between the unpruned
    models and the first sparsity: there PIEs do not rise from 0 with the loss, as seeds alone make some.

    Args:
        evidence: what there is; its main sparsity is one that both objectives have of the pruning.
        pruning: of both.
        before: each objective's unpruned arm, from which PIEs and losses are counted; what fine-tuning alone changes
            (and may gain) is in neither where these were fine-tuned as well.

    Source: Fritsch and Butland 1984, https://doi.org/10.1137/0905021 (the cubic, as in scipy's PCHIP).
    """
    is_dense = set(before.values()) == {"dense"}
    against, fair = ("", AT_EQUAL_LOSS) if is_dense else (" against fine-tuned models", BEYOND_TUNING)
    unpruned = [ArmKey(objective, before[objective], 0.0) for objective in BOTH]
    grid = evidence.common_sparsities(pruning)
    losses = {o: [_lost_accuracy(evidence, ArmKey(o, pruning, at), before[o]) for at in grid] for o in BOTH}
    main = grid.index(evidence.main)
    less, more = sorted(BOTH, key=lambda objective: losses[objective][main])
    loss = losses[less][main]
    place = next((place for place, lost in enumerate(losses[more]) if lost >= loss), 0)
    own = ArmKey(less, pruning, evidence.main)
    around = [ArmKey(more, pruning, at) for at in grid[max(place - 1, 0) : place + 1]]
    compared = evidence.of(own, *around, *unpruned)
    if loss <= 0 or place == 0:
        lacks = "one has lost none" if loss <= 0 else "no lower sparsity loses less"
        none, about = t_interval(np.nan, np.nan, 0.0), f"{pruning_name(pruning)}{against}"
        part = Part(about, EFFECT, "above", none, fair=fair, models=compared.models, why=f"nothing to compare: {lacks}")
        yield replace(part, beside=named(own))
        return
    for at in (*grid[max(place - 2, 0) : place - 1], *grid[place + 1 : place + 2]):
        beside = ArmKey(more, pruning, at)
        if evidence.of(own, *around, beside, *unpruned).models == compared.models:  # one with fewer costs no other any
            around = sorted([*around, beside], key=lambda arm: arm.sparsity)
    compared = evidence.of(own, *around, *unpruned)
    terms = [of(arm, before[arm.objective]) for arm in (own, *around) for of in (compared.lost, compared.pies)]
    first, sign = around.index(ArmKey(more, pruning, grid[place - 1])), 1 if more == "supcon" else -1

    def drawn(is_cubic: bool) -> Part:
        def pies(lost: float, *sums: float) -> float:
            return _drawn(lost, np.array(sums[1::2]), np.array(sums[2::2]), first, is_cubic)

        def ratio(*sums: float) -> float:
            return sign * log_ratio(pies(*sums), sums[1])

        sums = [float(term[0].sum()) for term in terms]
        return compared.ratio_part(about, EFFECT, ratio, *terms, counts=(sums[1], pies(*sums)), fair=fair)

    about = f"{pruning_name(pruning)}{against}, where either has lost {100 * loss:.2g} points of accuracy"
    part = drawn(is_cubic=False)
    if not part.reason and len(around) > 2 and _rise(terms[2::2], compared.models):
        part = replace(part, estimate=spanning(part.estimate, drawn(is_cubic=True).estimate))
    yield replace(part, beside=named(own))


def _rise(lost: Sequence[Varied], models: int) -> bool:
    """Whether losses rise from each sparsity to the next by more than rounding, and than steps to find their slopes."""
    sums = [float(term[0].sum()) for term in lost]
    sizes = max(float(np.abs(term[0]).sum()) for term in lost)
    return bool((np.diff(sums) > max(0.5 / models, LEAST_RISE * sizes)).all())


def _drawn(lost: float, losses: np.ndarray, pies: np.ndarray, first: int, is_cubic: bool) -> float:
    """PIEs where so much accuracy is lost, from those at sparsities of which it lies between the first and the next."""
    from scipy.interpolate import pchip_interpolate

    if is_cubic:
        return float(pchip_interpolate(losses, pies, lost))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (lost - losses[first]) / (losses[first + 1] - losses[first])
    return float(pies[first] + share * (pies[first + 1] - pies[first]))


def _lost_accuracy(evidence: Evidence, arm: ArmKey, before: str) -> float:
    """As a share of all examples, mean over all models that both arms have."""
    return float(evidence.of(arm, ArmKey(arm.objective, before, 0.0)).lost(arm, before)[0].mean())
