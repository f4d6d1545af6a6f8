"""Which finished steps are as they were written, and made of what is there now. Loads no torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.leases import Holder
from piescope.store.manifests import Manifest
from piescope.store.quarantine import set_aside
from piescope.store.soundness import Glance, hashed, look
from piescope.study.plan import Plan, Ref, Step
from piescope.wording import listed

HASHING = "finished steps changed after they were written, as copies do: comparing their bytes with their hashes"

LOOK = 1.0
"""Seconds between two looks at what another runner is about to set aside."""


@dataclass(frozen=True)
class Unfit:
    """A finished step that cannot be used.

    Attributes:
        step: which.
        why: it is damaged, or its parents are not what it was made of.
        damaged: which of the two.
        seen: what the look at it has shown.
    """

    step: Step
    why: str
    damaged: bool
    seen: Glance

    def __str__(self) -> str:
        return f"{self.step.label}: {self.why}"


@dataclass
class Fitting:
    """What a look at all steps of a plan shows.

    Attributes:
        manifests: of the finished steps that can be used, by what names them.
        settled: those of them with all their ancestors: children of these alone can be made.
        stale: those that hang on one whose parents are not what it was made of.
        unfit: finished steps that cannot be used.
        changed: steps with files that changed after they were written, and were not hashed.
    """

    manifests: dict[Ref, Manifest] = field(default_factory=dict)
    settled: set[Ref] = field(default_factory=set)
    stale: set[Ref] = field(default_factory=set)
    unfit: list[Unfit] = field(default_factory=list)
    changed: list[Step] = field(default_factory=list)

    def usable(self, ref: Ref) -> bool:
        """Whether a step is done, sound, and made of what is there now (or of what is there no more)."""
        return ref in self.manifests and ref not in self.stale

    def left(self, plan: Plan) -> list[Step]:
        """The steps of a plan that are to be made, for the first time or again."""
        return [step for step in plan.steps if step.ref not in self.manifests]


def fit_of(
    plan: Plan, store: Store, hashing: Callable[[str], None] | None = None, more: Iterable[Step] = ()
) -> Fitting:
    """Looks at every step.

    Args:
        plan: which steps, parents before children.
        store: where they are.
        hashing: told, once, that files that changed after they were written are hashed; None: they are not.
        more: steps that are looked at after those of the plan.
    """
    fit, labels, told = Fitting(), {step.ref: step.label for step in plan.steps}, False
    for step in [*plan.steps, *more]:
        folder = layout.artefact(store.out, step.kind, step.key)
        first = seen = look(folder)
        if first.changed and hashing is not None:
            if not told:
                hashing(HASHING)
            told, seen = True, hashed(folder, first, every=False)
        misfits = _misfits(step, seen.manifest, fit)
        if seen.fault:
            fit.unfit.append(Unfit(step, seen.fault, True, first))
        elif misfits:
            names = listed([labels[ref] for ref in misfits], last="and")
            fit.unfit.append(Unfit(step, f"made of an earlier result of {names}", False, first))
            fit.stale.add(step.ref)
        elif seen.manifest is not None:
            _note(step, seen, seen.manifest, fit)
    return fit


def _note(step: Step, seen: Glance, manifest: Manifest, fit: Fitting) -> None:
    """Adds a step that is sound and fits its parents."""
    parents = step.parent_refs()
    fit.manifests[step.ref] = manifest
    if fit.settled.issuperset(parents):
        fit.settled.add(step.ref)
    if not fit.stale.isdisjoint(parents):
        fit.stale.add(step.ref)
    if seen.changed:
        fit.changed.append(step)


def _misfits(step: Step, manifest: Manifest | None, fit: Fitting) -> list[Ref]:
    """The parents that are not what the step was made of; of one that is not there nothing is known."""
    if manifest is None:
        return []
    present = {ref: fit.manifests[ref] for ref in dict.fromkeys(step.parent_refs()) if ref in fit.manifests}
    recorded = manifest.parent_contents
    if recorded is None:  # of before it was recorded: a parent of since then was made later
        return [ref for ref, parent in present.items() if parent.tells_its_parents]
    return [ref for ref, parent in present.items() if recorded.get(ref.key) != parent.content]


def settle(plan: Plan, store: Store, leases: Holder, said: Callable[[str], None]) -> Fitting:
    """Looks at every step, and sets aside the finished ones that cannot be used, each under its lease.

    Of what hangs on a step that is set aside, nothing is touched before that step is there again: made again it is
    most often the same, and then all of it still fits.
    """
    done: list[Unfit] = []
    while True:
        fit = fit_of(plan, store, said)
        aside = [unfit for unfit in fit.unfit if _set_aside(unfit, store, leases)]
        done += aside
        if len(aside) == len(fit.unfit):
            fit.unfit = done
            return fit
        time.sleep(LOOK)  # another runner is about to do it, or was killed as it did


def _set_aside(unfit: Unfit, store: Store, leases: Holder) -> bool:
    """Whether a step was set aside; not where another runner is at it, or has made it again since it was looked at."""
    step = unfit.step
    lease = leases.take(step.key, step.label) if leases.is_free(step.key) else None
    if lease is None:
        return False
    try:
        as_it_was = look(layout.artefact(store.out, step.kind, step.key)) == unfit.seen
        return as_it_was and set_aside(store.out, step.kind, step.key, str(unfit)) is not None
    finally:
        leases.give_back(lease)
