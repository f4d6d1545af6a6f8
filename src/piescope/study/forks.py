"""Forks: where trainings of a seed part. Whoever comes there first leaves a checkpoint for the others. Loads no torch.

Until the first weight goes, a training that prunes gradually is to the bit the dense one of its seed, whatever its
sparsity. So it begins at a checkpoint of those steps if there is one, and does them itself if there is none: nothing
waits for a fork, and nothing but time hangs on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from piescope.spec import content_key
from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.study.plan import Plan, Step, Train


@dataclass(frozen=True)
class Fork:
    """A place where trainings part.

    Attributes:
        key: of its checkpoint: the same for all trainings that are one until then.
        steps: that are behind it.
    """

    key: str
    steps: int


def forks_of(step: Step) -> tuple[Fork, ...]:
    """Where a training can begin, and what it leaves on its way; the furthest first.

    Example:
        >>> from piescope.study.parse import load_study
        >>> from piescope.study.plan import make_plan
        >>> named = {step.label: step for step in make_plan(load_study("digits")).steps}
        >>> [fork.steps for fork in forks_of(named["supcon delayed_gmp 0.9, seed 0"])]
        [54, 9]
        >>> dense, delayed = (forks_of(named[f"supcon {arm}, seed 0"]) for arm in ("dense", "delayed_gmp 0.5"))
        >>> dense == delayed
        True
    """
    if not isinstance(step.spec, Train) or not step.forks:
        return ()
    dense = replace(step, spec=step.spec.model_copy(update={"pruning": None, "sparsity": 0.0}))
    return tuple(Fork(content_key({"begins": dense.key, "steps": steps}), steps) for steps in reversed(step.forks))


def unneeded_forks(plan: Plan, store: Store) -> list[Path]:
    """Checkpoints of forks at which no training that is left can begin."""
    if not layout.forks(store.out).is_dir():
        return []
    needed: dict[str, bool] = {}
    for step in plan.steps:
        for fork in forks_of(step):
            needed[fork.key] = needed.get(fork.key, False) or not store.has(step.kind, step.key)
    paths = {layout.fork(store.out, key): is_needed for key, is_needed in needed.items()}
    return [path for path, is_needed in paths.items() if not is_needed and path.is_file()]
