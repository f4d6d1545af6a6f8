"""What a study would cost, in lines; and what the finished models of a folder foretell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from piescope import wording
from piescope.cli.progress import duration
from piescope.cli.terminal import say, show_table
from piescope.report.study.rows import ArmKey
from piescope.report.study.signal_rows import ForetoldRow
from piescope.report.study.words import between, enough
from piescope.store.artefacts import Store
from piescope.study.catalogue import catalogue_of
from piescope.study.cost import Cost
from piescope.study.describe import unused
from piescope.study.fitting import fit_of
from piescope.study.folder import check_place, models_left_over, study_of
from piescope.study.forecast import Forecast
from piescope.study.limits import trainings_of
from piescope.study.parse import builtin_studies, load_study
from piescope.study.plan import Plan, make_plan
from piescope.study.spec import Arm, Study
from piescope.study.tuning import Tuned

MOST_NAMED = 8
"""Arms, in a line about them."""


def say_plan(console: Console, plan: Plan, cost: Cost, expected: Forecast, chosen: Tuned) -> None:
    """Arms, models, steps, what they take here, and what was chosen for that."""
    arms = [
        (item.arm.objective, item.arm.pruning, f"{item.arm.sparsity:g}", str(len(item.models))) for item in plan.arms
    ]
    show_table(console, ("objective", "pruning", "sparsity", "models"), arms, plan.study.title)
    continued = _continued(plan.study)
    if continued is not None:
        say(console, f"continues        {_may_go_on(**continued)}")
    each = wording.ranged([len(item.models) for item in plan.arms], "model")
    say(console, f"models           {cost.models}; {each} an arm")
    measured = list(_measured(plan.study))
    if measured:
        say(console, f"measures         {'; '.join(measured)}")
    facts = plan.study.data.facts
    large = [where for where, each in trainings_of(plan.study) if each.batch_size > facts.train_examples]
    if large:
        say(
            console,
            f"one step an epoch, as a batch is larger than the {facts.train_examples:,} images: {', '.join(large)}",
        )
    if idle := unused(plan.study):
        say(console, f"not used         {', '.join(idle)}: no arm names them")
    if not plan.steps:
        say(console, "steps            0: nothing is left to do")
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in cost.steps.items())
    say(console, f"steps            {sum(cost.steps.values())} ({kinds})")
    more = f" ({cost.shared_flops:.2e} more if trainings of a seed did not share their first steps)"
    say(console, f"training FLOPs   {cost.training_flops:.2e}{more if cost.shared_flops else ''}")
    say(console, f"disk             {cost.disk_bytes / 1e6:,.0f} MB")
    say(console, f"memory           about {expected.peak_memory_bytes / 1e9:.1f} GB at most")
    computed = duration(expected.processor_seconds)
    workers = f"{wording.counted(chosen.workers, 'worker')}, if nothing else runs ({computed} of processors)"
    say(console, f"time here        about {duration(expected.seconds)} on {workers}")
    say(console, f"paces            {chosen.whence}")
    if chosen.why:
        say(console, f"workers          {chosen.workers}: {chosen.why}")
    if chosen.computed:
        say(console, f"networks         {chosen.computed}")


def _continued(study: Study) -> dict[str, Any] | None:
    """What is known, without its folder, of the study that this one continues, and its models that are none of this."""
    name = study.continues
    if name is None:
        return None
    if name not in builtin_studies():
        return {"study": name, "models": None, "left_over": None}
    other = load_study(name)
    return {"study": name, "models": other.models, "left_over": models_left_over(study, other)}


def _measured(study: Study) -> Iterator[str]:
    """What is measured of some of the models alone, which may be fewer than the study that is extended has."""
    depth, projection = study.measures.prediction_depth, study.measures.projection
    if depth is not None:
        yield f"prediction depth of {wording.counted(depth.models, 'model')} an arm"
    if projection is not None:
        yield f"maps at sparsities {', '.join(f'{sparsity:g}' for sparsity in (0.0, *projection.sparsities))}"


def _may_go_on(study: str, models: int | None, left_over: list[str] | None) -> str:
    if models is None:
        return f"{study}, which does not ship: its folder, as --out, tells whether all its models are this study's"
    if left_over:
        return f"{study}, but not as it ships: {len(left_over)} of its {models} models are none here ({left_over[0]})"
    return f"{study}, all of whose {models} models are this study's: `run` may go on in its folder (--out)"


def plan_json(plan: Plan, cost: Cost, expected: Forecast, chosen: Tuned) -> dict[str, Any]:
    """What ``piescope plan --json`` prints."""
    return {
        "study": plan.study.name,
        "continues": _continued(plan.study),
        "models": cost.models,
        "training_flops": cost.training_flops,
        "shared_flops": cost.shared_flops,
        "disk_bytes": cost.disk_bytes,
        "seconds": round(expected.seconds, 1),
        "processor_seconds": round(expected.processor_seconds, 1),
        "peak_memory_bytes": expected.peak_memory_bytes,
        "workers": chosen.workers,
        "paces": chosen.whence,
        "networks": chosen.computed,
        "trainings": cost.steps.get("train", 0),
        "finetunings": cost.steps.get("finetune", 0),
        "evaluations": sum(cost.steps.get(kind, 0) for kind in ("predict", "depth")),
        "steps": cost.steps,
        "arms": [item.arm.model_dump() | {"models": len(item.models)} for item in plan.arms],
    }


class Foretold(NamedTuple):
    """The PIE counts that models in a folder foretell, and the pruned arms of which they foretell none."""

    rows: list[ForetoldRow]
    unknown: list[Arm]


def left_and_foretold(plan: Plan, out: Path) -> tuple[Plan, Foretold]:
    """The plan without what a folder has already, and the PIE counts that models of its own there foretell.

    Raises:
        StudyError: the folder holds no study, or one with which `run` would refuse it.
    """
    from piescope.report.study.results import load_results
    from piescope.report.study.signal import Signal

    check_place(plan.study, out)
    there, store = make_plan(study_of(out)), Store(out)
    left = tuple(fit_of(plan, store).left(plan))
    own = {model.key for arm in plan.arms for model in arm.models}
    known = tuple(arm for arm in there.arms if any(model.key in own for model in arm.models))
    results = load_results(out, catalogue_of(replace(there, arms=known), store))
    models = {ArmKey(*item.arm.model_dump().values()): len(item.models) for item in plan.arms}
    foretold = [] if results is None else Signal(results).foretold(models)
    told = {row.arm for row in foretold}
    pruned = [item.arm for item in plan.arms if item.arm.pruning in plan.study.pruning]
    unknown = [arm for arm in pruned if ArmKey(*arm.model_dump().values()) not in told]
    return replace(plan, steps=left), Foretold(foretold, unknown)


def say_foretold(console: Console, foretold: Foretold) -> None:
    """The PIE counts to expect with the models that each arm is to have."""
    from piescope.measure.replicates import FEWEST_DRAWN_OUT

    few = (
        f"too few models there ({FEWEST_DRAWN_OUT} an arm are needed), or counts that rise or zigzag, "
        "to foretell PIE counts"
    )
    if not foretold.rows:
        say(console, few)
        return
    rows = [
        (
            f"{row.arm.objective} {row.arm.pruning} {row.arm.sparsity:g}",
            wording.number(row.pies, 0),
            wording.give_or_take(row.repeat_error),
            enough(row.enough_to_repeat, row.furthest, row.seen),
            between(*row.limit[1:]),
        )
        for row in foretold.rows
    ]
    heads = ("arm", "PIEs", "repeats within", "models for 10 %", "with any number")
    models = wording.ranged([row.models for row in foretold.rows], "model")
    show_table(console, heads, rows, f"With {models} an arm, foretold from those that are there")
    if foretold.unknown:
        say(console, f"{few} of {wording.listed([str(arm) for arm in foretold.unknown], most=MOST_NAMED)}")
