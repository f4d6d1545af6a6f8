"""Arms of which some replicates failed for good: compared, and reported, with those that are there. Loads no torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.failures import failure_of
from piescope.study.plan import ArmSteps, Compare, Plan, Ref, Step

LEAST_SHARE = 0.5
"""Of the seeds that all arms are to have, those that they do: what is said of seeds is said of these."""


def plan_of_what_can_be(plan: Plan, store: Store) -> Plan:
    """The plan with comparisons that do without the replicates that failed, as far as the store knows.

    A comparison that is there stays. One that does without replicates is a step with a key of its own, so that the
    whole one is made as soon as what failed succeeds.
    """
    recorded = {path.stem for path in layout.failures(store.out).glob("*.json")}
    left = [step for step in plan.steps if step.key in recorded and not store.has(step.kind, step.key)]
    failed = {step.ref for step in left if failure_of(store.out, step.key) is not None}
    there = {item.compare.ref for item in plan.arms if store.has("compare", item.compare.key)} if failed else set()
    return without(plan, failed, there) if failed else plan


def without(plan: Plan, failed: Collection[Ref], there: Collection[Ref] = ()) -> Plan:
    """The plan with comparisons that do without what failed, and without what hangs on it.

    Models of one seed are compared with each other: where a dense one is lost, that place is left out of every arm of
    these seeds. An arm that would leave the arms too few seeds in common stays as it was, and cannot be complete.

    Args:
        plan: of a whole study.
        failed: steps that are tried no more.
        there: comparisons that stay as they are.
    """
    lost, study, arms = _with_all_below(plan.steps, failed) - set(there), plan.study, list[ArmSteps]()
    planned = [set(study.seeds_of(item.arm)) for item in plan.arms if not study.is_fresh(item.arm.pruning)]
    common = set[int].intersection(*planned)
    least = LEAST_SHARE * len(common)
    for item in plan.arms:
        shares_seeds = not study.is_fresh(item.arm.pruning)
        if item.compare.ref in lost:
            reduced = _reduced(item.compare, lost, shares_seeds)
            kept = common.intersection(seeds_of(reduced)) if reduced is not None and shares_seeds else common
            if reduced is not None and len(kept) >= least:
                item, common = replace(item, compare=reduced), kept
        arms.append(item)
    known = {step.ref for step in plan.steps}
    added = (item.compare for item in arms if item.compare.ref not in known)
    return replace(plan, arms=tuple(arms), steps=(*plan.steps, *added))


def seeds_of(compare: Step) -> tuple[int, ...]:
    """Of the models that a comparison is of."""
    assert isinstance(compare.spec, Compare)
    return compare.spec.seeds


def _with_all_below(steps: Sequence[Step], failed: Collection[Ref]) -> set[Ref]:
    """Steps, parents before children, that failed or hang on one that did."""
    lost = set(failed)
    for step in steps:
        if not lost.isdisjoint(step.parent_refs()):
            lost.add(step.ref)
    return lost


def _reduced(compare: Step, lost: AbstractSet[Ref], shares_seeds: bool) -> Step | None:
    """A comparison of the models that are there; None where one side has none."""
    own = _places_there(compare, ("models", "pruned", "pruned_depths"), lost)
    dense = _places_there(compare, ("dense", "dense_depths"), lost)
    if shares_seeds:
        own = [place for place in own if place in dense]
        dense = [place for place in dense if place in own or place >= len(compare.parents["models"])]
    if not own or not dense or not lost.isdisjoint(compare.parents["data"]):
        return None
    roles = dict(compare.parents)
    for places, names in ((own, ("models", "pruned", "pruned_depths")), (dense, ("dense", "dense_depths"))):
        for name in names:
            roles[name] = tuple(roles[name][place] for place in places if place < len(roles[name]))
    roles["fresh"] = tuple(ref for ref in roles["fresh"] if ref not in lost)
    seeds = seeds_of(compare)
    spec = compare.spec.model_copy(update={"seeds": tuple(seeds[place] for place in own)})
    return replace(compare, spec=spec, parents=roles, label=f"{compare.label}, {len(own)} of {len(seeds)} models")


def _places_there(compare: Step, roles: tuple[str, ...], lost: AbstractSet[Ref]) -> list[int]:
    """Places of a side's replicates of which nothing is lost; some have no depth."""
    columns = [compare.parents[role] for role in roles]
    return [
        place
        for place in range(len(columns[0]))
        if not any(column[place] in lost for column in columns if place < len(column))
    ]
