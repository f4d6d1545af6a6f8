"""Writes down what a study has produced, as the report finds it. Loads no torch."""

from __future__ import annotations

import json
from pathlib import Path

from piescope.store import layout
from piescope.store.artefacts import Store
from piescope.store.catalogue import ArmName, Catalogue, CompleteArm, ControlOf, Departure, Environment, RecipeUsed
from piescope.store.durable import write_file
from piescope.study.describe import describe
from piescope.study.fitting import Fitting, fit_of
from piescope.study.folder import study_of
from piescope.study.partial import plan_of_what_can_be, seeds_of
from piescope.study.plan import ArmSteps, Plan, make_plan
from piescope.study.provenance import TEXT, departures, load_recipe
from piescope.study.spec import Study


def refresh_catalogue(out: Path) -> Fitting:
    """Writes down what the folder holds now, also after a run that was killed, or while one is at work.

    Returns:
        what the look at its steps has shown.
    """
    plan, store = make_plan(study_of(out)), Store(out)
    fit = look_at(plan, store)
    write_catalogue(plan, store, fit)
    return fit


def write_catalogue(plan: Plan, store: Store, fit: Fitting | None = None) -> None:
    """Writes catalogue.json, if what it says has changed."""
    path, content = layout.catalogue(store.out), catalogue_of(plan, store, fit).as_bytes()
    if not path.is_file() or path.read_bytes() != content:
        write_file(path, content)


def catalogue_of(plan: Plan, store: Store, fit: Fitting | None = None) -> Catalogue:
    """What the study has produced so far; an arm that lost replicates for good is among its arms.

    Args:
        plan: its steps.
        store: what it has produced.
        fit: what a look at the steps, and at each arm's own map, has shown; left out: they are looked at.
    """
    plan = plan_of_what_can_be(plan, store)
    fit = look_at(plan, store) if fit is None else fit
    done = {item.arm for item in plan.arms if fit.usable(item.compare.ref)}
    arms = tuple(_complete_arm(item, plan.study, fit) for item in plan.arms if item.arm in done)
    data = plan.data.key if fit.usable(plan.data.ref) else None
    return Catalogue(
        study=plan.study.name,
        recipe=_recipe_of(plan.study),
        data=data,
        probe_points=plan.study.probe_points(),
        arms=arms,
        missing=tuple(ArmName(**item.arm.model_dump()) for item in plan.arms if item.arm not in done),
        environments=_environments(plan, fit),
        described=describe(plan.study),
        contents=_contents(fit, {data, *(key for arm in arms for key in (arm.compare, arm.project))}),
    )


def look_at(plan: Plan, store: Store) -> Fitting:
    """Looks at all that a catalogue may name: the steps, and maps that earlier versions made of each arm alone."""
    plan = plan_of_what_can_be(plan, store)
    alone = {item.maps.alone.ref: item.maps.alone for item in plan.arms if item.maps is not None}
    return fit_of(plan, store, more=alone.values())


def _complete_arm(item: ArmSteps, study: Study, fit: Fitting) -> CompleteArm:
    control, maps, seeds = study.control(item.arm.pruning), item.maps, seeds_of(item.compare)
    lost = tuple(seed for seed in study.seeds_of(item.arm) if seed not in seeds)
    steps = () if maps is None else (maps.together, maps.alone)
    project = next((step for step in steps if fit.usable(step.ref)), None)
    arm = CompleteArm(
        **item.arm.model_dump(),
        compare=item.compare.key,
        project=None if project is None else project.key,
        place=maps.place if maps is not None and project is maps.together else None,
        control=None if control is None else ControlOf(kind=control.kind, of=getattr(control, "of", None)),
        seeds=seeds,
        descended=study.descends(item.arm.pruning),
    )
    return arm.model_copy(update={"lost": lost}) if lost else arm


def _environments(plan: Plan, fit: Fitting) -> tuple[Environment, ...]:
    """Each that a finished step was made on, in the order of the steps."""
    recorded = (fit.manifests[step.ref].environment for step in plan.steps if step.ref in fit.manifests)
    each = {json.dumps(environment, sort_keys=True): environment for environment in recorded}
    return tuple(Environment.model_validate(environment) for environment in each.values())


def _contents(fit: Fitting, keys: set[str | None]) -> dict[str, str]:
    """What the artefacts with these keys hold."""
    return {ref.key: manifest.content for ref, manifest in fit.manifests.items() if ref.key in keys}


def _recipe_of(study: Study) -> RecipeUsed | None:
    """The recipe that the study names, and where the study departs from the paper's text."""
    if study.recipe is None:
        return None
    departed = []
    for difference in departures(study, load_recipe(TEXT)):
        (paper, here), origin = difference.values, difference.origins[0]
        departed.append(
            Departure(id=difference.id, key=difference.key, paper=paper, origin=origin, here=here, why=difference.why)
        )
    return RecipeUsed(name=study.recipe, title=load_recipe(study.recipe).title, departures=tuple(departed))
